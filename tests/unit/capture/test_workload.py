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


@pytest.mark.parametrize("text", ["", "[1]", "{"])
def test_what_is_no_object(tmp_path: Path, text: str) -> None:
    file = tmp_path / "workload.json"
    file.write_text(text)
    with pytest.raises(UserError, match="left out"):
        read_workload(file)


def test_secrets_and_paths_go_and_digests_stay() -> None:
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    workload = {"weights": ["/home/alice/w.gguf", 1], "team": "blueberry", "logits": {"sha256": sha256}}
    values = EnvironmentValues([("TEAM", "blueberry")])
    assert clean_workload(workload, values) == {"weights": ["w.gguf", 1], "team": "***", "logits": {"sha256": sha256}}


def test_all_texts_of_a_workload() -> None:
    workload = {"weights": ["/home/alice/w.gguf", 1], "logits": {"sha256": "ab", "finite": True}}
    assert set(texts_of(workload)) == {"weights", "w.gguf", "logits", "sha256", "ab", "finite"}
    assert list(texts_of(None)) == []
