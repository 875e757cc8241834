"""Whatever a user gets wrong is one sentence on standard error, exit code 2, and nothing else anywhere."""

import lzma
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import capture_path
from tests.e2e.captures import unpacked
from tests.e2e.command_line import is_one_sentence, wb
from tests.exports import Export
from workbench.capture.nsys import find_nsys

ENGINE = capture_path("engine_style")


def fails(*arguments: str | Path, folder: Path, **variables: str) -> str:
    """Runs `wb`, which must fail as it should; returns the sentence."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = wb(*arguments, folder=folder, **variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr), done.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    sentence = done.stderr.removeprefix("wb: ").removesuffix("\n")
    assert sentence.isprintable()
    return sentence


def cut(source: Path, path: Path, keep: float) -> Path:
    content = source.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    return path


def no_kernels(path: Path) -> None:
    export = Export()
    export.range("decode", 0, 100)
    export.copy(1, 64, 10, 20, None)
    export.write(path)


def no_tables_of_nsys(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE birds (name)")
    connection.commit()
    connection.close()


def damaged_pages(path: Path) -> None:
    """An export as long as it should be, half of it overwritten."""
    unpacked("engine_style", path.parent).rename(path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xaa" * (size // 2))


def damaged_schema(path: Path) -> None:
    """An SQLite file whose damage SQLite tells in the file's own bytes."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE birds (name)")
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET name = ?, sql = 'CREATE TABLE'", ("\x1b[2J\x07",))
    connection.commit()
    connection.close()


BAD_CAPTURES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing.sqlite": (lambda _: None, "missing.sqlite: no such file; give an .sqlite export of nsys"),
    "missing.nsys-rep": (lambda _: None, "missing.nsys-rep: no such file; give an .sqlite export of nsys"),
    "empty.sqlite": (lambda path: path.touch(), "empty.sqlite is not an SQLite file; make one with `nsys export"),
    "text.sqlite": (lambda path: path.write_text("a,b\n1,2\n" * 99), "text.sqlite is not an SQLite file"),
    "half.sqlite": (lambda path: cut(unpacked("engine_style", path.parent), path, 0.5), "half.sqlite is cut off"),
    "nearly.sqlite": (lambda path: cut(unpacked("engine_style", path.parent), path, 0.999), "nearly.sqlite is cut off"),
    "tiny.sqlite": (lambda path: cut(unpacked("engine_style", path.parent), path, 0.0002), "tiny.sqlite is cut off"),
    "damaged.sqlite": (damaged_pages, "damaged.sqlite"),
    "garbage.sqlite.xz": (lambda path: path.write_bytes(b"garbage" * 99), "garbage.sqlite.xz is damaged or cut off"),
    "cut.sqlite.xz": (lambda path: cut(ENGINE, path, 0.5), "cut.sqlite.xz is damaged or cut off"),
    "empty.sqlite.xz": (lambda path: path.touch(), "empty.sqlite.xz"),
    "text.sqlite.xz": (lambda path: path.write_bytes(lzma.compress(b"text")), "text.sqlite.xz is not an SQLite file"),
    "garbage.sqlite.zst": (lambda path: path.write_bytes(b"garbage" * 99), "garbage.sqlite.zst"),
    "birds.sqlite": (no_tables_of_nsys, "birds.sqlite is an SQLite file but no nsys export; make one with"),
    "schema.sqlite": (damaged_schema, "schema.sqlite cannot be read as an SQLite file (malformed database schema"),
    "idle.sqlite": (no_kernels, "idle.sqlite: the capture holds neither kernels nor graph launches; trace the program"),
    "folder": (lambda path: path.mkdir(), "folder holds no capture; give an .sqlite export of nsys or a folder that"),
}


@pytest.mark.parametrize("name", BAD_CAPTURES)
def test_what_is_no_capture(tmp_path: Path, name: str) -> None:
    make, message = BAD_CAPTURES[name]
    make(tmp_path / name)
    assert message in fails("attribute", name, folder=tmp_path)


@pytest.mark.parametrize(
    "command", [["findings", "{}"], ["findings", "{}", "-o", "out.md"], ["rules", "explain", "{}", "gemv"]]
)
def test_all_commands_say_so_alike(tmp_path: Path, command: list[str]) -> None:
    cut(unpacked("engine_style", tmp_path), tmp_path / "half.sqlite", 0.5)
    arguments = [argument.format("half.sqlite") for argument in command]
    assert "half.sqlite is cut off: it is shorter than its header says" in fails(*arguments, folder=tmp_path)


@pytest.mark.skipif(find_nsys({}) is not None, reason="an installer has put nsys where wb finds it without PATH")
def test_a_report_without_nsys_gets_the_line_to_run_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "their run.nsys-rep").write_bytes(b"a report")
    (tmp_path / "empty").mkdir()
    message = fails("findings", "their run.nsys-rep", folder=tmp_path, PATH=str(tmp_path / "empty"), WB_NSYS="")
    assert (
        "`nsys export --type sqlite -o 'their run.sqlite' 'their run.nsys-rep' && wb scrub 'their run.sqlite' "
        "--in-place`"
    ) in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--by", "phase,size"], "'size' is no key to sum by; keys are phase, step, layer_type,"),
        (["--by", ""], "name each key to sum by once; keys are phase,"),
        (["--by", "phase,phase"], "name each key to sum by once; keys are phase,"),
        (["--phase", "decoding"], "'decoding' is no phase; phases are load, warmup, prefill, decode, other"),
        (["--format", "xml"], "--format xml is not known; give table, json, csv or markdown"),
        (["--format", "it's"], "--format it's is not known; give table, json, csv or markdown"),
        (["--fromat", "json"], "No such option: --fromat"),
        (["surplus"], "unexpected extra argument"),
        (["--by"], "--by"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, options: list[str], message: str) -> None:
    assert message in fails("attribute", ENGINE, *options, folder=tmp_path)


@pytest.mark.parametrize(
    "arguments", [["attribute"], ["rules", "explain"], ["atribute"], ["--fast"], ["rules", "wxplain"]]
)
def test_commands_that_cannot_be(tmp_path: Path, arguments: list[str]) -> None:
    assert "--help`" in fails(*arguments, folder=tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the rule file own.yaml"),
        (b"\xff\xfe\x00", "the rule file own.yaml"),
        (b"layers: [", "own.yaml is no valid YAML"),
        (b"layers: [{range: x}]", "own.yaml: layers:1: layer_type is missing"),
        (b"layers: [{range: '(', layer_type: mlp}]", "own.yaml: layers:1.range: '(' is no regular expression"),
        (b"layer: []", "own.yaml: the file: unknown key 'layer'; known are description, layers,"),
    ],
)
def test_rule_files_that_are_none(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "own.yaml").write_bytes(content)
    assert message in fails("attribute", ENGINE, "--rules", "own.yaml", folder=tmp_path)


def test_rule_files_are_read_before_the_capture(tmp_path: Path) -> None:
    for command in (["findings", "missing.sqlite"], ["rules", "explain", "missing.sqlite", "k"]):
        assert "own.yaml cannot be read" in fails(*command, "--rules", "own.yaml", folder=tmp_path)


@pytest.mark.parametrize(
    ("output", "more", "message"),
    [
        ("a file/report.md", [], "a file/report.md cannot be written"),
        ("a folder", [], "a folder is a folder; name a file in it"),
        ("a folder", ["--force"], "a folder is a folder; name a file in it"),
        ("report.md", ["--format", "terminal"], "--format terminal cannot be written to a file; leave out -o"),
        ("report.svg", [], "report.svg is what a file beside the report is called; name the report report.md"),
        ("report.sql", [], "report.sql is what a file beside the report is called; name the report report.md"),
        ("report.md", ["--format", "pdf"], "--format pdf is not known; give terminal, markdown or json"),
    ],
)
def test_reports_that_cannot_be_written(tmp_path: Path, output: str, more: list[str], message: str) -> None:
    (tmp_path / "a file").write_text("theirs")
    (tmp_path / "a folder").mkdir()
    assert message in fails("findings", ENGINE, "-o", output, *more, folder=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file", "a folder"]
