import os
from pathlib import Path

import pytest

from workbench.capture.environment_values import EnvironmentValues
from workbench.capture.workload import clean_workload, read_workload, texts_of
from workbench.errors import UserError


def test_what_a_program_writes(tmp_path: Path) -> None:
    file = tmp_path / "workload.json"
    assert read_workload(file) is None
    file.write_text('{"model": "Qwen/Qwen3-4B", "loss": NaN}')
    assert read_workload(file) == {"model": "Qwen/Qwen3-4B", "loss": None}


_DEEP = '{"a":' * 50_000 + "1" + "}" * 50_000
_QUITE_DEEP = '{"a":' * 100 + "1" + "}" * 100


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        "{",
        '{"a":"\\ud800"}',
        '{"a":1e999}',
        '{"a":1%s}' % ("0" * 400),
        _DEEP,
        _QUITE_DEEP,
        '{"a":"%s"}' % ("x" * (1 << 20)),
    ],
)
def test_what_is_no_object(tmp_path: Path, text: str) -> None:
    file = tmp_path / "workload.json"
    file.write_text(text)
    with pytest.raises(UserError, match="left out"):
        read_workload(file)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path / "pipe", tmp_path):
        with pytest.raises(UserError, match="left out"):
            read_workload(file)


def test_what_has_a_secret_name_is_masked() -> None:
    workload = {"db": {"password": "abc", "api_key": 12345678}, "token": None, "tokens": 5}
    assert clean_workload(workload, EnvironmentValues([])) == {
        "db": {"password": "***", "api_key": "***"},
        "token": None,
        "tokens": 5,
    }


def test_secrets_and_paths_go_and_digests_stay() -> None:
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    workload = {"weights": ["/home/alice/w.gguf", 1], "team": "blueberry", "logits": {"sha256": sha256}}
    values = EnvironmentValues([("TEAM", "blueberry")])
    assert clean_workload(workload, values) == {"weights": ["w.gguf", 1], "team": "***", "logits": {"sha256": sha256}}


def test_all_texts_of_a_workload() -> None:
    workload = {"weights": ["/home/alice/w.gguf", 1], "logits": {"sha256": "ab", "finite": True}}
    assert set(texts_of(workload)) == {"weights", "w.gguf", "logits", "sha256", "ab", "finite"}
    assert list(texts_of(None)) == []
