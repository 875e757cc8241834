from pathlib import Path

from tests.conftest import capture_path
from tests.e2e.command_line import is_one_sentence, wb

ENGINE = capture_path("engine_style")


def test_it_says_which_rule_took_a_kernel(tmp_path: Path) -> None:
    done = wb("rules", "explain", ENGINE, "gemv", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "30 kernels with 'gemv' in the name, 105 µs: gemv_fp16"
    assert "mlp gate_up_proj, layer 0 to 2" in lines
    assert any(line.startswith("  taken by engine.yaml:layers:1: range .") for line in lines)


def test_a_stub_for_what_none_took_can_be_filled_in_and_used(tmp_path: Path) -> None:
    done = wb("rules", "explain", ENGINE, "cupy_fill", folder=tmp_path)
    text, _, stub = done.stdout.partition("# No rule takes these kernels. A rule file for --rules might hold:\n")
    assert "not attributed: no_range" in text
    (tmp_path / "own.yaml").write_text(stub)
    refused = wb("attribute", ENGINE, "--rules", "own.yaml", folder=tmp_path)
    assert (refused.returncode, refused.stderr) == (2, "wb: own.yaml: kernels:1: layer_type is missing\n")
    (tmp_path / "own.yaml").write_text(stub.replace("# layer_type: attention", "layer_type: filling"))
    again = wb("rules", "explain", ENGINE, "cupy_fill", "--rules", "own.yaml", folder=tmp_path)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.splitlines()[2:4] == ["filling", "  taken by own.yaml:kernels:1: kernel cupy_fill"]


def test_a_kernel_that_is_not_there(tmp_path: Path) -> None:
    done = wb("rules", "explain", ENGINE, "no such kernel", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert "wb attribute --by kernel lists them" in done.stderr
