"""Turns an nsys report into an SQLite export, with the nsys of this machine."""

import re
import shlex
import sqlite3
import subprocess
from pathlib import Path

from workbench.capture.nsys import HOW_TO_INSTALL, Nsys, find_nsys
from workbench.errors import UserError
from workbench.files import whole_file

# How nsys calls a report that a newer one wrote.
_TOO_NEW = re.compile(r"version number is invalid|newer version|unsupported version", re.IGNORECASE)


def export_report(report: Path, target: Path) -> None:
    """Exports a report of the user's.

    Args:
        report: an `.nsys-rep`, which is only read.
        target: the SQLite file to write, in a folder of ours; it appears whole or not at all.

    Raises:
        UserError: there is no nsys here, or it cannot read the report.
    """
    nsys = find_nsys()
    if nsys is None:
        raise UserError(f"{report.name} needs nsys to be read, and there is none here; {elsewhere(report)}")
    export_with(nsys, report, target)


def export_with(nsys: Nsys, report: Path, target: Path) -> None:
    """Exports a report with this nsys; `target` appears whole or not at all.

    Raises:
        UserError: nsys cannot read the report, or not write the export.
    """
    with whole_file(target) as work:
        command = [str(nsys.path), "export", "--type=sqlite", "--force-overwrite=true", "--quiet=true"]
        # In a process group of its own a Ctrl-C meant for the profiled program does not reach it.
        done = subprocess.run(
            [*command, f"--output={work}", str(report)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            process_group=0,
        )
        # nsys exits with 0 when the disk is full.
        if done.returncode != 0 or not _is_export(work):
            raise UserError(_reason(nsys, report, done.stdout))


def elsewhere(report: Path) -> str:
    """What to type on a machine whose nsys reads this report."""
    source, target = shlex.quote(report.name), shlex.quote(f"{report.stem}.sqlite")
    return (
        f"{HOW_TO_INSTALL}, or run this where there is one: "
        f"`nsys export --type sqlite -o {target} {source} && wb scrub {target} --in-place`"
    )


def _is_export(path: Path) -> bool:
    connection = sqlite3.connect(path)
    connection.text_factory = bytes
    try:
        connection.execute("SELECT id, value FROM StringIds LIMIT 1").fetchone()
    except sqlite3.Error:
        return False
    finally:
        connection.close()
    return True


def _reason(nsys: Nsys, report: Path, output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    # Such as `Exportation error: ...`, or `[QuadDCommon::tag_message*] = ...` at the end of a dump.
    last = re.sub(r"^(\[.*\] = |Exportation error: )", "", lines[-1]).rstrip(".") if lines else "it gave no reason"
    if _TOO_NEW.search(last):
        return f"{report.name} was recorded by a newer nsys than {nsys.version_text} here; {elsewhere(report)}"
    return f"nsys {nsys.version_text} could not export {report.name} ({last}); record it again, or copy it again"
