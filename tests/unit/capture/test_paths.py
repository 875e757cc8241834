import pytest

from workbench.capture.paths import shorten_paths


@pytest.mark.parametrize(
    ("text", "shortened"),
    [
        ("/usr/lib/libcuda.so.1", "libcuda.so.1"),
        ("~/models/qwen.gguf", "qwen.gguf"),
        ("~alice/qwen.gguf", "qwen.gguf"),
        ("load /home/alice/m/x.gguf now", "load x.gguf now"),
        ("/home/alice/my models/x.gguf", "x.gguf"),
        ("/usr/bin:/usr/local/bin", "bin:bin"),
        ("LD_PRELOAD=/opt/a/b.so", "LD_PRELOAD=b.so"),
        ("//opt//a/", "a"),
        ("C:\\Users\\alice\\x.cu", "x.cu"),
        ("file:///home/alice/x", "x"),
        ("-I/home/alice/include", "-Iinclude"),
        ("f(lambda at /home/a/x.cu:12:3)", "f(lambda at x.cu:12:3)"),
        ('{"path": "/data/a/b.json"}', '{"path": "b.json"}'),
    ],
)
def test_absolute_paths_keep_their_last_component(text: str, shortened: str) -> None:
    assert shorten_paths(text) == shortened
    assert shorten_paths(text, may_be_name=True) == shortened


@pytest.mark.parametrize(
    "text",
    [
        "void at::native::<unnamed>::kernel<float, (int)4>(float *)",
        "operator/ (float, float)",
        "a::operator~/b",
        "Qwen/Qwen3-4B",
        "../relative/path",
        "1/2/3",
        "x)/y/z",
        "/workspace",
        "https://example.org/a/b",
        "0000:00:06.0",
        "\\d+\\w",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert shorten_paths(text) == text
    assert shorten_paths(text, may_be_name=True) == text


def test_names_like_paths_stay_where_names_are() -> None:
    name = "/model/layers.0/self_attn/q_proj/MatMul"
    assert shorten_paths(name, may_be_name=True) == name
    assert shorten_paths(name) == "MatMul"


@pytest.mark.parametrize("path", ["/secret/run.py", "/data/model", "/mnt/x/y z/w"])
def test_files_are_no_names(path: str) -> None:
    assert "/" not in shorten_paths(path, may_be_name=True)
