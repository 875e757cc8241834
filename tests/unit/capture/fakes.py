"""Programs that stand in for those of NVIDIA."""

from pathlib import Path

import pytest


def fake_program(path: Path, script: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def fake_nsys(path: Path, version: str = "2025.3.1.90", script: str = "") -> Path:
    """An nsys that tells its version, and otherwise runs `script`."""
    told = f'if [ "$1" = --version ]; then echo "NVIDIA Nsight Systems version {version}-25v0"; exit; fi'
    return fake_program(path, f"{told}\n{script}")


def only_programs_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts a folder before all others in $PATH, and takes `WB_NSYS` away."""
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.delenv("WB_NSYS", raising=False)
