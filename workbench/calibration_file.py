"""The file in which predictions and their outcomes are kept: one JSON object a line, schema `wb.calibration/1`.

`workbench/schemas/calibration.schema.json` describes a line; its members are those of `Outcome`, and `schema`.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args, get_type_hints

from workbench.decoding import whole_number
from workbench.errors import UserError
from workbench.files import UnsuitableFileError, read_ordinary_file, whole_file
from workbench.findings.calibration import Outcome, unseen

SCHEMA = "wb.calibration/1"
DEFAULT_FILE = Path("profiles", "calibration.jsonl")
_MOST_BYTES = 64 << 20
# Times beyond this are no times of a capture.
_MOST_NS = 1 << 63
_MEMBERS = get_type_hints(Outcome)


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

    What the file holds stays as it is, byte for byte.

    Raises:
        UserError: the file holds what is not understood, cannot be read, or cannot be written.
    """
    text = _text(path) if os.path.lexists(path) else ""
    added = unseen(_outcomes(path, text), outcomes)
    if added:
        end = "" if not text or text.endswith("\n") else "\n"
        with whole_file(path) as work:
            work.write_bytes(f"{text}{end}{''.join(map(_line, added))}".encode(errors="replace"))
    return len(added)


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
            except (ValueError, RecursionError) as error:
                problem = "it is no JSON object" if isinstance(error, (json.JSONDecodeError, RecursionError)) else error
                raise UserError(f"line {number} of {path} is malformed: {problem}; mend or remove the line") from error
    return tuple(found)


def _outcome(line: str) -> Outcome:
    """Reads a line.

    Raises:
        ValueError: it is no JSON object of the schema.
    """
    document = json.loads(line, parse_int=whole_number)
    if not isinstance(document, dict) or document.pop("schema", None) != SCHEMA:
        raise ValueError(f"it is not of schema {SCHEMA}")
    missing, unknown = _MEMBERS.keys() - document.keys(), document.keys() - _MEMBERS.keys()
    if missing or unknown:
        raise ValueError(f"{min(missing)} is missing" if missing else f"{min(unknown)} is no member of it")
    for name, expected in _MEMBERS.items():
        _check(name, document[name], get_args(expected) or (expected,))
    outcome = Outcome(**document)
    if not 0 <= outcome.predicted_low_ns <= outcome.predicted_high_ns:
        raise ValueError("its predicted gain is no interval")
    if outcome.realised_ns is not None and not outcome.is_met:
        raise ValueError("it credits a gain to a finding that is not met")
    return outcome


def _check(name: str, value: Any, types: tuple[type, ...]) -> None:
    # bool is a subclass of int, and no number here.
    if type(value) not in types:
        raise ValueError(f"{name} is not of the type that it should be")
    if type(value) is int and abs(value) >= _MOST_NS:
        raise ValueError(f"{name} is beyond all bounds")
