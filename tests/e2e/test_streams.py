"""Whatever standard output and standard error are, no command ends with a traceback."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import capture_path
from tests.e2e.command_line import WB, environment

_BROKEN_PIPE = 141
_GENERATE = ("generate", "--model", "tiny-qwen3", "--prompt", "hello", "--max-tokens", "64")
_FINDINGS = ("findings", str(capture_path("engine_style")), "--format", "json")
_NOWHERE = ("findings", "nowhere.sqlite")


@pytest.mark.parametrize("arguments", [_GENERATE, _FINDINGS], ids=lambda arguments: arguments[0])
def test_whoever_has_read_enough_is_no_error(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with subprocess.Popen(
        [*WB, *arguments], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout
        assert running.stderr
        running.stdout.close()
        errors = running.stderr.read().decode()
    assert running.returncode == _BROKEN_PIPE
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "code"), [(_GENERATE, 0), (_FINDINGS, 0), (_FINDINGS[:2], 0), (_NOWHERE, 2), (("--help",), 0)]
)
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_is_no_error(tmp_path: Path, arguments: tuple[str, ...], code: int, closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", *WB, *arguments],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "wb: " not in done.stdout
