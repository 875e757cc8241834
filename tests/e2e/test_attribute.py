import csv
import io
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.conftest import capture_path
from tests.e2e.captures import of_schema, unpacked
from tests.e2e.command_line import environment, is_one_sentence, wb
from tests.exports import Export
from tests.schemas import check

ENGINE = capture_path("engine_style")


def answer(*arguments: str | Path, folder: Path, **variables: str) -> dict[str, Any]:
    done = wb("attribute", *arguments, "--format", "json", folder=folder, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    check(done.stdout, "attribution")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_table_is_the_default(tmp_path: Path) -> None:
    done = wb("attribute", ENGINE, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == ENGINE.name
    assert lines[1].startswith("94.7 % of 111 µs kernel time (31 kernels) is attributed to layers")
    mlp = next(line.split() for line in lines if line.split()[:2] == ["decode", "mlp"])
    assert mlp[2:9] == ["12", "42.6", "µs", "38.5", "%", "3.55", "µs"]


def test_a_table_is_as_wide_as_it_is_told_to_be_and_whole_in_a_pipe(tmp_path: Path) -> None:
    export, name = Export(), "void gemv<" + ", ".join(["float"] * 40) + ">(float*)"
    export.launch("gemv", 10, 100, 850, long_name=name)
    export.write(tmp_path / "capture.sqlite")
    arguments = ("attribute", "capture.sqlite", "--by", "kernel", "--demangled")
    narrow = wb(*arguments, folder=tmp_path, COLUMNS="80").stdout.splitlines()
    assert max(map(len, narrow)) <= 80
    assert narrow[-1] == "Cut to the terminal's width: `--format csv` shows all."
    whole = wb(*arguments, folder=tmp_path, COLUMNS="").stdout
    assert any(line.startswith(f"{name}  ") for line in whole.splitlines())
    assert "Cut to" not in whole


def test_steps_of_different_phases_are_warned_of(tmp_path: Path) -> None:
    capture = capture_path("hf_qwen3_graph")
    done = wb("attribute", capture, "--by", "step", "--format", "csv", folder=tmp_path)
    assert done.stdout.startswith("step,count,")
    assert is_one_sentence(done.stderr)
    assert "steps of different phases share numbers; add phase to --by, or give --phase" in done.stderr
    for more in (["--by", "step", "--phase", "decode"], ["--by", "phase,step"]):
        assert wb("attribute", capture, *more, folder=tmp_path).stderr == ""


def test_json_is_of_its_schema_and_adds_up(tmp_path: Path) -> None:
    found = answer(ENGINE, folder=tmp_path)
    assert found["by"] == ["phase", "layer_type"]
    assert sum(row["total_ns"] for row in found["rows"]) == found["totals"]["kernel_ns"] == 110_688
    totals = [row["total_ns"] for row in found["rows"]]
    assert totals == sorted(totals, reverse=True)


def test_every_form_of_a_capture_says_the_same(tmp_path: Path) -> None:
    plain = unpacked("engine_style", tmp_path)
    (tmp_path / "capture.sqlite.zst").write_bytes(pa.compress(plain.read_bytes(), "zstd", asbytes=True))
    answers = [answer(path, folder=tmp_path) for path in (plain, "capture.sqlite.zst", ENGINE, ENGINE.parent)]
    assert [found["capture"].pop("file") for found in answers] == [
        plain.name,
        "capture.sqlite.zst",
        ENGINE.name,
        f"{ENGINE.parent.name}/{ENGINE.name}",
    ]
    assert all(found == answers[0] for found in answers)


def test_keys_and_a_phase(tmp_path: Path) -> None:
    found = answer(ENGINE, "--by", "role, layer", "--phase", "decode", folder=tmp_path)
    assert (found["by"], found["phase_filter"]) == (["role", "layer"], "decode")
    assert {(row["role"], row["layer"], row["count"]) for row in found["rows"]} == {
        (role, layer, 4) for role in ("qkv_proj", "gate_up_proj") for layer in range(3)
    }
    assert sum(row["share"] for row in found["rows"]) == pytest.approx(1)
    assert found["totals"]["kernel_count"] == 31


def test_csv_holds_the_rows_of_the_json(tmp_path: Path) -> None:
    done = wb("attribute", ENGINE, "--by", "kernel,layer", "--format", "csv", folder=tmp_path)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    found = answer(ENGINE, "--by", "kernel,layer", folder=tmp_path)["rows"]
    assert [{key: "" if value is None else str(value) for key, value in row.items()} for row in found] == rows


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    plain = unpacked("engine_style", tmp_path)
    with sqlite3.connect(plain) as connection:
        for table, column in (("NVTX_EVENTS", "text"), ("StringIds", "value")):
            connection.execute(f"UPDATE {table} SET {column} = CAST(CAST({column} AS BLOB) || X'FF' AS TEXT)")
    found = answer(plain, "--by", "kernel", folder=tmp_path)
    assert {row["kernel"] for row in found["rows"]} >= {"gemv_fp16\ufffd"}
    for command in (["findings"], ["rules", "explain"]):
        done = wb(*command, plain, *(["gemv"] if "explain" in command else []), folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")


def test_markdown(tmp_path: Path) -> None:
    done = wb("attribute", ENGINE, "--format", "markdown", folder=tmp_path)
    assert done.stdout.startswith(f"# Attribution of {ENGINE.name}\n")
    assert "| decode | mlp | 12 | 42.6 µs | 38.5 % |" in done.stdout


def test_long_names_on_demand(tmp_path: Path) -> None:
    capture = of_schema("3.20.3", tmp_path / "capture.sqlite")
    names = [
        [row["kernel"] for row in answer(capture, "--by", "kernel", *more, folder=tmp_path)["rows"]]
        for more in ([], ["--demangled"])
    ]
    assert names == [["gemv"], ["void gemv<float>(float*)"]]


def test_rules_of_the_user_win(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("layers: [{range: qkv_proj, layer_type: mine}]")
    (tmp_path / "more.yaml").write_text("kernels: [{kernel: fill, layer_type: filling, anywhere: true}]")
    rules = ["--rules", "own.yaml", "--rules", "more.yaml"]
    found = answer(ENGINE, "--by", "layer_type", *rules, folder=tmp_path)
    assert {row["layer_type"]: row["count"] for row in found["rows"]} == {"mlp": 15, "mine": 15, "filling": 1}
    assert found["coverage"]["attributed_share"] == 1


def test_of_a_folder_with_several_captures_the_first_is_read(tmp_path: Path) -> None:
    for name in ("capture-2.sqlite.xz", "capture-1.sqlite.xz"):
        shutil.copy(ENGINE, tmp_path / name)
    done = wb("attribute", ".", folder=tmp_path)
    assert done.returncode == 0
    assert is_one_sentence(done.stderr)
    assert "holds 2 captures; this is capture-1.sqlite.xz" in done.stderr


def test_a_capture_at_graph_level_is_read_with_a_warning(tmp_path: Path) -> None:
    done = wb("attribute", capture_path("cupy_graph_level"), "--format", "json", folder=tmp_path)
    assert done.returncode == 0
    assert is_one_sentence(done.stderr)
    assert "which hides the kernels of 5 graph launches" in done.stderr
    found = json.loads(done.stdout)
    assert found["totals"]["hidden_graph_count"] == 5
    assert [f"wb: warning: {warning}\n" for warning in found["capture"]["warnings"]] == [done.stderr]


def test_a_schema_newer_than_any_known_is_read_with_a_warning(tmp_path: Path) -> None:
    of_schema("3.99.1", tmp_path / "new.sqlite")
    done = wb("attribute", "new.sqlite", "--by", "layer_type", "--format", "csv", folder=tmp_path)
    assert done.returncode == 0
    assert is_one_sentence(done.stderr)
    assert "export schema 3.99.1, newer than the newest known here" in done.stderr
    assert done.stdout.splitlines()[1].startswith("mlp,1,750,1.0,")


def test_with_and_without_the_cache_the_answer_is_the_same(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    variables = {"WB_CACHE_DIR": str(cache)}
    first = answer(ENGINE, "--by", "range,kernel", folder=tmp_path, **variables)
    (entry,) = cache.iterdir()
    before = entry.stat().st_ino
    second = answer(ENGINE, "--by", "range,kernel", folder=tmp_path, **variables)
    assert [path.stat().st_ino for path in cache.iterdir()] == [before]
    for file in entry.iterdir():
        file.write_bytes(file.read_bytes()[:100])
    damaged = answer(ENGINE, "--by", "range,kernel", folder=tmp_path, **variables)
    without = answer(ENGINE, "--by", "range,kernel", folder=tmp_path, WB_CACHE_BYTES="0")
    assert first == second == damaged == without


def test_where_nothing_can_be_kept_nothing_is(tmp_path: Path) -> None:
    """Below a file no folder can be made, whoever asks."""
    (tmp_path / "a file").write_text("")
    answer(ENGINE, folder=tmp_path, WB_CACHE_DIR=str(tmp_path / "a file" / "cache"))
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]


def test_a_read_only_cache_is_read_and_no_more(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = answer(ENGINE, folder=tmp_path, WB_CACHE_DIR=str(cache))
    for path in (*cache.iterdir(), cache):
        path.chmod(0o555)
    try:
        assert answer(ENGINE, folder=tmp_path, WB_CACHE_DIR=str(cache)) == first
        answer(capture_path("cupy_nodes"), folder=tmp_path, WB_CACHE_DIR=str(cache))
    finally:
        for path in (cache, *cache.iterdir()):
            path.chmod(0o755)


def test_a_capture_is_only_read(tmp_path: Path) -> None:
    capture = unpacked("engine_style", tmp_path)
    before = capture.read_bytes()
    capture.chmod(0o444)
    answer(capture, folder=tmp_path)
    assert capture.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [capture.name]


def test_a_terminal_of_another_encoding_gets_what_it_can_show(tmp_path: Path) -> None:
    done = wb("attribute", ENGINE, folder=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "111 ?s kernel time" in done.stdout


def test_a_reader_may_stop_early(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "workbench", "attribute", str(ENGINE), "--by", "step,range,kernel"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout
        assert running.stderr
        running.stdout.close()
        assert b"Traceback" not in running.stderr.read()
