"""The file in which predictions and their outcomes are kept: one JSON object a line, schema `wb.calibration/1`.

`workbench/schemas/calibration.schema.json` describes a line; its members are those of `Outcome`, and `schema`.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path

from workbench.decoding import MismatchError, NestingError, decode, parse_json
from workbench.errors import UserError
from workbench.files import UnsuitableFileError, read_ordinary_file, whole_file
from workbench.findings.calibration import Outcome, unseen

SCHEMA = "wb.calibration/1"
DEFAULT_FILE = Path("profiles", "calibration.jsonl")
_MOST_BYTES = 64 << 20
# Times beyond this are no times of a capture.
_MOST_NS = 1 << 63
_MEMBERS = {field.name for field in fields(Outcome)}


def default_calibration() -> Path | None:
    """The calibration file of the current folder, if it has one."""
    return DEFAULT_FILE if os.path.lexists(DEFAULT_FILE) else None


def read_calibration(path: Path) -> tuple[Outcome, ...]:
    """Reads all outcomes, in the order in which they were added.

    Raises:
        UserError: there is no such file, it cannot be read, or a line is malformed; the message names the line.
    """
    return _outcomes(path, _text(path))


def append_calibration(path: Path, outcomes: Iterable[Outcome]) -> int:
    """Adds the outcomes that the file does not hold yet, and says how many; a missing file is made.

    What the file holds stays as it is, byte for byte, and so does what another run adds meanwhile: a lock on its folder
    keeps the two apart, where the system has one.

    Raises:
        UserError: the file holds what is not understood, cannot be read, or cannot be written.
    """
    new = tuple(outcomes)
    with _alone(path.parent) if new else contextlib.nullcontext():
        text = _text(path) if os.path.lexists(path) else ""
        added = unseen(_outcomes(path, text), new)
        if added:
            end = "" if not text or text.endswith("\n") else "\n"
            with whole_file(path) as work:
                work.write_bytes(f"{text}{end}{''.join(map(_line, added))}".encode(errors="replace"))
    return len(added)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Waits until no other run adds to a file of this folder; the file itself is replaced, and so can hold no lock."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror or error}); name another folder") from error
    try:
        # A file system without locks is no reason to keep nothing.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _line(outcome: Outcome) -> str:
    return json.dumps({"schema": SCHEMA, **asdict(outcome)}, ensure_ascii=False) + "\n"


def _text(path: Path) -> str:
    try:
        return read_ordinary_file(path, _MOST_BYTES).decode()
    except UnsuitableFileError as error:
        raise UserError(f"{path} cannot be read (it is {error}); name a calibration file") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UserError(f"{path} cannot be read ({reason}); name a calibration file") from error


def _outcomes(path: Path, text: str) -> tuple[Outcome, ...]:
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                found.append(_outcome(line))
            except (ValueError, MismatchError) as error:
                problem = "it is no JSON object" if isinstance(error, (json.JSONDecodeError, NestingError)) else error
                raise UserError(f"line {number} of {path} is malformed: {problem}; mend or remove the line") from error
    return tuple(found)


def _outcome(line: str) -> Outcome:
    """Reads a line.

    Raises:
        ValueError, MismatchError: it is no JSON object of the schema.
    """
    document = parse_json(line)
    if not isinstance(document, dict) or document.pop("schema", None) != SCHEMA:
        raise ValueError(f"it is not of schema {SCHEMA}")
    if unknown := document.keys() - _MEMBERS:
        raise ValueError(f"{min(unknown)} is no member of it")
    outcome = decode(Outcome, document)
    for name, value in vars(outcome).items():
        if type(value) is int and abs(value) >= _MOST_NS:
            raise ValueError(f"{name} is beyond all bounds")
    if not 0 <= outcome.predicted_low_ns <= outcome.predicted_high_ns:
        raise ValueError("its predicted gain is no interval")
    if outcome.realised_ns is not None and not outcome.is_met:
        raise ValueError("it credits a gain to a finding that is not met")
    return outcome
