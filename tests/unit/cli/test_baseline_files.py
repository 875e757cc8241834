from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.gate.measured_models import FINGERPRINT, measured
from workbench.cli.baseline_files import default_file, read_baseline, refuse_taken, write_baseline
from workbench.errors import UserError
from workbench.gate.measured import Request


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_is_written_is_read() -> None:
    path = Path("some", "where", "b.json")
    written = write_baseline(path, [measured()])
    assert read_baseline(path) == written
    assert written.models == (measured(),)


def test_a_file_is_named_after_model_format_gpu_and_date() -> None:
    assert default_file([measured()], None) == Path("baselines/qwen3-4b-q8_0-nvidia-h200-2026-11-21.json")
    slow = measured(request=Request("models/Qwen3 4B.gguf", variants=("no-pdl",)))
    assert default_file([slow], None).name == "qwen3-4b.gguf-q8_0-no-pdl-nvidia-h200-2026-11-21.json"
    assert default_file([measured(), slow], None).name == "qwen3-4b-q8_0-and-1-more-nvidia-h200-2026-11-21.json"
    unknown = measured(fingerprint=replace(FINGERPRINT, gpu=None, weights=None))
    assert default_file([unknown], "suite").name == "suite-cuda-2026-11-21.json"


def test_a_second_one_on_the_same_day_gets_a_number() -> None:
    for name in ("", "-2"):
        path = default_file([measured()], None)
        assert path.stem.endswith(f"2026-11-21{name}")
        write_baseline(path, [measured()])
    assert default_file([measured()], None).stem.endswith("2026-11-21-3")


def test_what_exists_is_not_written_over() -> None:
    Path("b.json").write_text("mine")
    Path("link.json").symlink_to("nowhere")
    for path in ("b.json", "link.json", "."):
        with pytest.raises(UserError):
            refuse_taken(Path(path))
    refuse_taken(Path("new/c.json"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "no such file"), (b"\xff\xfe", "is no text"), (b"", "is empty"), (b"{}", "is not of schema")],
)
def test_what_is_no_baseline_is_refused(content: bytes | None, reason: str) -> None:
    if content is not None:
        Path("b.json").write_bytes(content)
    with pytest.raises(UserError, match=reason):
        read_baseline(Path("b.json"))
