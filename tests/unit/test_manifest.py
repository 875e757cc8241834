import json
import os
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from workbench.errors import UserError
from workbench.manifest import (
    CaptureFile,
    Commit,
    Device,
    Gpu,
    Host,
    Manifest,
    Profiler,
    Program,
    Slowdown,
    Speed,
    read_manifest,
)

_SCHEMA = json.loads((files("workbench") / "schemas" / "manifest.schema.json").read_text(encoding="utf-8"))


def check_against_schema(text: str) -> None:
    jsonschema.Draft202012Validator.check_schema(_SCHEMA)
    jsonschema.Draft202012Validator(_SCHEMA).validate(json.loads(text))


def a_manifest() -> Manifest:
    """A manifest in which everything is told."""
    return Manifest(
        created_utc="2026-01-02T03:04:05Z",
        program=Program(("python", "run.py", "--token", "***")),
        workload={"model": "Qwen/Qwen3-4B", "shapes": {"prompt": 256}, "tokens_per_s": [1.5, None]},
        device=Device("580.159", "13.0", (Gpu("NVIDIA H200", 1980, 3201, 1980, 3201, "P0", 700.0),)),
        host=Host("Linux 6.8 x86_64", "3.12.3"),
        nsys=Profiler("2025.3.1.90", ("--trace=cuda,nvtx",)),
        commit=Commit("41dd254c0ffee1234567890abcdefabcdef12345", dirty=True),
        captures=(CaptureFile("capture-1.sqlite.zst", "ab" * 32, 1000, 1, 0, 1.5, interrupted=False),),
        warnings=("one",),
        unprofiled=Speed((1_000, 1_100), (20_000, 20_200), 10),
        profiled=Speed((1_200,), (25_000,), 10),
        slowdown=Slowdown(1.14, None),
        notice="Read this first.",
    )


SILENT_GPU = Gpu("NVIDIA H200", None, None, None, None, None, None)
ADOPTED = CaptureFile("capture-1.sqlite.xz", "ab" * 32, 1000, 1, None, None, interrupted=False)
STOPPED = CaptureFile("capture-1.sqlite.zst", "ab" * 32, 1000, 1, None, 2.0, interrupted=True)


@pytest.mark.parametrize(
    "manifest",
    [
        a_manifest(),
        replace(a_manifest(), workload=None, device=None, commit=None, captures=(STOPPED,), warnings=()),
        replace(a_manifest(), program=Program(()), host=None, captures=(ADOPTED,)),
        replace(a_manifest(), device=Device(None, None, (SILENT_GPU,))),
        replace(a_manifest(), nsys=None, unprofiled=None, profiled=None, slowdown=None, notice=None),
    ],
    ids=["everything is told", "nothing is told", "recorded elsewhere", "a silent driver", "recorded by itself"],
)
def test_it_is_read_as_it_was_written(manifest: Manifest, tmp_path: Path) -> None:
    check_against_schema(manifest.to_json())
    (tmp_path / "manifest.json").write_text(manifest.to_json())
    assert read_manifest(tmp_path) == manifest


def _set(*path: str | int, to: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (_set("program", to="run"), "program is no dict"),
        (_set("program", "command", to=[1]), r"program\.command\[0\] is no str"),
        (_set("captures", 0, "size_bytes", to="1000"), r"captures\[0\]\.size_bytes is no int"),
        (_set("captures", 0, "exit_code", to=True), r"captures\[0\]\.exit_code is no int"),
        (_set("captures", 0, "duration_s", to="long"), r"captures\[0\]\.duration_s is no float"),
        (_set("captures", 0, "file", to="../../secrets"), "lies outside the folder"),
        (_set("device", "gpus", to={}), r"device\.gpus is no list"),
        (_set("workload", to=[]), "workload is no dict"),
        (_set("unprofiled", "prefill_ns", to=[1.5]), r"unprofiled\.prefill_ns\[0\] is no int"),
        (_set("unprofiled", "prefill_ns", to=[]), r"unprofiled\.prefill_ns holds no times"),
        (_set("profiled", "decode_ns", to=[]), r"profiled\.decode_ns holds no times"),
        (_set("profiled", "decode_ns", to=[-1]), r"profiled\.decode_ns holds no times"),
        (_set("unprofiled", "decode_steps", to=0), r"unprofiled\.decode_steps is no count"),
        (_set("unprofiled", "prefill_ns", to=[10**400]), "a number has 401 digits"),
        (_set("slowdown", "prefill", to=10**400), "a number has 401 digits"),
        (_set("slowdown", "prefill", to=-1.0), "slowdown holds what is no factor"),
        (_set("captures", 0, "duration_s", to=10**400), "a number has 401 digits"),
        (_set("workload", to={"pp": 10**400}), "a number has 401 digits"),
        (lambda document: document["slowdown"].pop("decode"), r"slowdown\.decode is missing"),
        (lambda document: document.pop("nsys"), "nsys is missing"),
    ],
)
def test_a_malformed_one_is_the_users_error(tmp_path: Path, change: Callable[[Any], None], where: str) -> None:
    document = json.loads(a_manifest().to_json())
    change(document)
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(UserError, match=where):
        read_manifest(tmp_path)


def test_a_manifest_is_no_file_of_gigabytes(tmp_path: Path) -> None:
    with (tmp_path / "manifest.json").open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(UserError, match="it is larger than 16 MiB"):
        read_manifest(tmp_path)


def test_a_manifest_is_no_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(UserError, match="it is no ordinary file"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": "wb.manifest/2"}', "[" * 200_000, '{"schema": NaN}', '{"schema": 1e999}']
)
def test_what_is_no_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=r"manifest\.json"):
        read_manifest(tmp_path)


def test_a_folder_without_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no manifest\.json"):
        read_manifest(tmp_path)


def test_what_must_be_said_first_stands_first() -> None:
    assert next(iter(json.loads(a_manifest().to_json()))) == "notice"
    assert "notice" not in json.loads(replace(a_manifest(), notice=None).to_json())


def test_manifests_from_before_there_were_speeds_are_read(tmp_path: Path) -> None:
    document = json.loads(a_manifest().to_json())
    for name in ("unprofiled", "profiled", "slowdown", "notice"):
        del document[name]
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    assert read_manifest(tmp_path).slowdown is None
    check_against_schema(json.dumps(document))


def test_unknown_keys_are_passed_over(tmp_path: Path) -> None:
    document = json.loads(a_manifest().to_json())
    document["later"] = document["program"]["later"] = 1
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    assert read_manifest(tmp_path) == a_manifest()
