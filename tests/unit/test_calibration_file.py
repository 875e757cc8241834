import json
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from tests.schemas import check, schema
from tests.unit.findings.test_calibration import an_outcome
from workbench import calibration_file
from workbench.calibration_file import append_calibration, default_calibration, read_calibration
from workbench.errors import UserError

UNKNOWN = replace(
    an_outcome(),
    found_in="4",
    model=None,
    gpu=None,
    graphs=None,
    is_met=False,
    together=(),
    met_together=0,
    realised_ns=None,
)


def a_line(**changes: Any) -> str:
    """A line as it is written, with other members."""
    document = {"schema": "wb.calibration/1", **vars(an_outcome()), **changes}
    return json.dumps({name: value for name, value in document.items() if value != "left out"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profiles" / "calibration.jsonl"


def test_what_is_added_is_read_again(path: Path) -> None:
    assert append_calibration(path, [an_outcome(), UNKNOWN]) == 2
    assert read_calibration(path) == (an_outcome(), UNKNOWN)


def test_every_line_is_of_the_schema_and_the_schema_knows_every_member(path: Path) -> None:
    append_calibration(path, [an_outcome(claim="größer"), UNKNOWN])
    lines = path.read_text(encoding="utf-8").splitlines()
    for line in lines:
        check(line, "calibration")
    assert "größer" in lines[0]
    assert json.loads(lines[0]).keys() == schema("calibration")["properties"].keys()


def test_verifying_twice_adds_nothing(path: Path) -> None:
    append_calibration(path, [an_outcome()])
    before = path.stat().st_mtime_ns, path.read_bytes()
    assert append_calibration(path, [an_outcome(realised_ns=1)]) == 0
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    assert append_calibration(path, [an_outcome(), an_outcome(after="later", captures=("c0ffee",))]) == 1
    assert [outcome.after for outcome in read_calibration(path)] == ["fast", "later"]


def test_what_a_file_holds_stays_as_it_is(path: Path) -> None:
    """Spaces, ends of lines, empty lines and double ones are the user's; only a missing last end is mended."""
    path.parent.mkdir()
    text = f"  {a_line(found_in='1')}\r\n\n{a_line(found_in='1', claim='again')}"
    path.write_bytes(text.encode())
    assert append_calibration(path, [an_outcome(found_in="2")]) == 1
    assert path.read_bytes().startswith(f"{text}\n".encode())
    assert [outcome.found_in for outcome in read_calibration(path)] == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "it is no JSON object"),
        ("[" * 100_000, "it is no JSON object"),
        ("[]", "it is not of schema wb.calibration/1"),
        (a_line(schema="wb.calibration/2"), "it is not of schema wb.calibration/1"),
        (a_line(detector="left out"), "detector is missing"),
        (a_line(surprise=1), "surprise is no member of it"),
        (a_line(realised_ns=1.5), "realised_ns is no int"),
        (a_line(met_together=True), "met_together is no int"),
        (a_line(is_met=1), "is_met is no bool"),
        (a_line(detector=None), "detector is no str"),
        (a_line(step_before_ns=float("nan")), "NaN is no JSON number"),
        (a_line(captures="c0ffee"), "captures is no list"),
        (a_line(together=[3]), r"together\[0\] is no str"),
        (a_line(step_before_ns=1 << 63), "step_before_ns is beyond all bounds"),
        (a_line().replace("1000", "1" * 5_000), "a number has 5000 digits"),
        (a_line(predicted_low_ns=501), "its predicted gain is no interval"),
        (a_line(predicted_low_ns=-1), "its predicted gain is no interval"),
        (a_line(is_met=False), "it credits a gain to a finding that is not met"),
    ],
)
def test_a_line_that_is_not_understood_is_named_and_stays(path: Path, line: str, reason: str) -> None:
    path.parent.mkdir()
    text = f"{a_line()}\n{line}\n"
    path.write_text(text)
    add: Callable[[Path], object] = lambda path: append_calibration(path, [UNKNOWN])  # noqa: E731
    for use in (read_calibration, add):
        with pytest.raises(UserError, match=f"line 2 of .*calibration.jsonl is malformed: {reason}"):
            use(path)
    assert path.read_text() == text


def test_what_is_no_text_file_is_refused(tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="No such file"):
        read_calibration(path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, reason in (("pipe", "no ordinary file"), (".", "Is a directory"), ("binary", "it is no text")):
        for use in (read_calibration, lambda place: append_calibration(place, [UNKNOWN])):
            with pytest.raises(UserError, match=reason):
                use(tmp_path / name)
    monkeypatch.setattr(calibration_file, "_MOST_BYTES", 100)
    append_calibration(path, [UNKNOWN])
    with pytest.raises(UserError, match="larger than"):
        read_calibration(path)


def test_only_the_current_folders_file_is_a_default(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parents[1])
    assert default_calibration() is None
    append_calibration(path, [UNKNOWN])
    found = default_calibration()
    assert found == Path("profiles/calibration.jsonl")
    assert read_calibration(found) == (UNKNOWN,)


def _add(arguments: tuple[Path, int]) -> int:
    path, number = arguments
    return append_calibration(path, [an_outcome(found_in=f"{number}")])


def test_runs_that_add_at_once_lose_nothing(path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        assert sum(pool.map(_add, [(path, number) for number in range(24)])) == 24
    assert sorted(int(outcome.found_in) for outcome in read_calibration(path)) == list(range(24))
    assert [entry.name for entry in path.parent.iterdir()] == ["calibration.jsonl"]


def test_a_run_waits_for_the_one_that_adds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another run adds between reading and writing is not written over."""
    fcntl = pytest.importorskip("fcntl")
    held = []
    monkeypatch.setattr(
        fcntl, "flock", lambda handle, how: held.append((os.path.samestat(os.fstat(handle), path.parent.stat()), how))
    )
    append_calibration(path, [an_outcome()])
    assert held == [(True, fcntl.LOCK_EX)]


def test_nothing_to_add_makes_no_folder(path: Path) -> None:
    assert append_calibration(path, []) == 0
    assert not path.parent.exists()
