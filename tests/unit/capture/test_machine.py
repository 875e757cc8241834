import subprocess
from pathlib import Path

import pytest

from tests.unit.capture.fakes import fake_program, only_programs_of
from workbench.capture.machine import describe_commit, describe_device, describe_host
from workbench.manifest import Device, Gpu

_TABLE = """NVIDIA H200, 580.159, 345, 3201, 1980, 3201, P0, 700.00
NVIDIA H200, 580.159, [N/A], [N/A], [N/A], [N/A], [Not Supported], [N/A]"""
_SMI = f"""
case "$1" in
    --query-gpu=*) echo '{_TABLE}';;
    *) echo '| NVIDIA-SMI 580.159   Driver Version: 580.159   CUDA Version: 13.0 |';;
esac
"""


def test_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_program(tmp_path / "nvidia-smi", _SMI)
    only_programs_of(tmp_path, monkeypatch)
    assert describe_device() == Device(
        driver="580.159",
        cuda="13.0",
        gpus=(
            Gpu("NVIDIA H200", 345, 3201, 1980, 3201, "P0", 700.0),
            Gpu("NVIDIA H200", None, None, None, None, None, None),
        ),
    )


@pytest.mark.parametrize("script", ["echo 'No devices were found'", "echo failed >&2; exit 9"])
def test_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    fake_program(tmp_path / "nvidia-smi", script)
    only_programs_of(tmp_path, monkeypatch)
    assert describe_device() is None


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_commit_and_what_makes_it_dirty(tmp_path: Path) -> None:
    assert describe_commit(tmp_path) is None
    _git(tmp_path, "init", "--quiet")
    assert describe_commit(tmp_path) is None
    (tmp_path / "file").write_text("one")
    _git(tmp_path, "add", "file")
    _git(tmp_path, "commit", "--quiet", "-m", "One")
    (tmp_path / "untracked").write_text("two")
    commit = describe_commit(tmp_path)
    assert commit is not None
    assert (commit.sha, commit.dirty) == (_git(tmp_path, "rev-parse", "HEAD"), False)
    (tmp_path / "file").write_text("two")
    commit = describe_commit(tmp_path)
    assert commit is not None
    assert commit.dirty


def test_the_host_is_not_named() -> None:
    import platform

    host = describe_host()
    assert host.python == platform.python_version()
    assert platform.node() not in host.platform.split()
