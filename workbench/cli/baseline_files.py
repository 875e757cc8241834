"""Reads and writes files of baselines."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.gate.baseline import Baseline
    from workbench.gate.measured import MeasuredModel

FOLDER = Path("baselines")
# The schema's line in a file that we wrote.
MARK = '"schema": "wb.baseline/1"'
_MOST_BYTES = 64 << 20
_ADVICE = "name a file that `wb baseline record` wrote"


def read_baseline(path: Path) -> "Baseline":
    """Reads a baseline.

    Raises:
        UserError: there is no such file, it cannot be read, or it is no baseline to rely on.
    """
    from workbench.gate.baseline import parse_baseline

    return parse_baseline(read_text(path, _ADVICE), str(path), datetime.now(UTC))


def read_text(path: Path, advice: str) -> str:
    """The text of a file of moderate size.

    Raises:
        UserError: there is no such file, or it holds no text.
    """
    from workbench.files import UnsuitableFileError, read_ordinary_file

    try:
        return read_ordinary_file(path, _MOST_BYTES).decode()
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; {advice}") from error
    except UnsuitableFileError as error:
        raise UserError(f"{path} cannot be read (it is {error}); {advice}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no text; {advice}") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}); {advice}") from error


def default_file(models: "Sequence[MeasuredModel]", stem: str | None) -> Path:
    """Where a baseline goes that nobody named a file for: one that does not exist yet.

    Args:
        models: what was measured.
        stem: of a suite's file; None takes the model and its format.
    """
    first, more = models[0], f"and-{len(models) - 1}-more" if len(models) > 1 else ""
    parts = [Path(first.request.model).name, first.fingerprint.weights or "", *first.request.variants, more]
    named = stem or "-".join(filter(None, parts))
    date = first.measured_utc[:10]
    return free_file(
        "-".join(filter(None, map(_spelled, (named, first.fingerprint.gpu or first.request.backend, date))))
    )


def free_file(stem: str) -> Path:
    """The first of `stem.json`, `stem-2.json` ... that does not exist."""
    names = (f"{stem}.json" if number == 1 else f"{stem}-{number}.json" for number in count(1))
    return next(path for name in names if not (path := FOLDER / name).exists())


def write_baseline(path: Path, models: "Sequence[MeasuredModel]") -> "Baseline":
    """Writes a baseline, whole or not at all.

    Raises:
        UserError: the folder cannot be written, or what was measured cannot be.
    """
    from workbench.files import write_text
    from workbench.gate.baseline import Baseline

    baseline = Baseline(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", tuple(models))
    write_text(path, baseline.to_json())
    return baseline


def refuse_target(output: Path | None) -> None:
    """Checks that a new baseline can be written, before anything is measured for it.

    Args:
        output: where to; None for `FOLDER`.

    Raises:
        UserError: something lies there, or the folder cannot be written.
    """
    from workbench.files import refuse_unwritable_folder

    if output is not None:
        refuse_taken(output)
    else:
        refuse_unwritable_folder(FOLDER, "-o")


def refuse_taken(path: Path) -> None:
    """Checks that nothing lies where a new baseline is to be written.

    Raises:
        UserError: something does, or the folder cannot be written.
    """
    from workbench.files import refuse_unwritable_folder

    if path.exists() or path.is_symlink():
        raise UserError(f"{path} exists, and a baseline is never written over; give another name, or refresh it")
    if not path.name:
        raise UserError(f"{path} is a folder; name a file in it")
    refuse_unwritable_folder(path.parent, "-o")


def _spelled(text: str) -> str:
    """The text as part of a file's name: `NVIDIA H200` is `nvidia-h200`."""
    return re.sub(r"[^a-z0-9._+]+", "-", text.lower()).strip("-.")
