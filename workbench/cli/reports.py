"""Findings reports, as several commands make them."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.analysis.analysis import Analysis
    from workbench.findings.calibration import Outcome
    from workbench.findings.document import FindingsDocument
    from workbench.report.findings_files import ReportFiles
    from workbench.report.origin import Origin

# What switches a calibration file off.
NO_CALIBRATION = "none"


@dataclass(frozen=True)
class Report:
    """What a report says, and where that comes from."""

    analysis: "Analysis"
    document: "FindingsDocument"
    origin: "Origin"


def compile_report(capture: Path, rules: Sequence[Path] = (), calibration: str | None = None) -> Report:
    """Reads a capture, and the manifest beside it, and finds what there is to find.

    Args:
        capture: the capture.
        rules: rule files of the user.
        calibration: a file of outcomes, or `NO_CALIBRATION`; None takes that of the current folder, if it has one.

    Raises:
        UserError: the capture, a rule file or the calibration file cannot be read.
    """
    from workbench.analysis.analysis import Analysis
    from workbench.analysis.footprint import read_footprint
    from workbench.attribution.attribution import attribute
    from workbench.attribution.rule_files import load_rules
    from workbench.cli.captures import manifest_of, open_capture
    from workbench.findings.document import compile_document
    from workbench.report.origin import Origin, as_named

    layer_rules, outcomes = load_rules(tuple(rules)), _outcomes(calibration)
    attribution = attribute(open_capture(capture), layer_rules)
    manifest = manifest_of(capture)
    analysis = Analysis(attribution, read_footprint(manifest.workload if manifest else None))
    named = as_named(Path(calibration)) if calibration else ""
    origin = Origin(as_named(capture), tuple(map(as_named, rules)), manifest, calibration=named)
    return Report(analysis, compile_document(analysis, outcomes), origin)


def _outcomes(calibration: str | None) -> "tuple[Outcome, ...]":
    from workbench.calibration_file import default_calibration, read_calibration

    if calibration == NO_CALIBRATION:
        return ()
    path = default_calibration() if calibration is None else Path(calibration)
    return read_calibration(path) if path else ()


def with_counterpart(report: Report, other: Report) -> Report:
    """A report that also says what is predicted where the same program ran with graphs the other way.

    Raises:
        UserError: the other capture is not of the same program, or its graphs are not the other way.
    """
    from workbench.compare.comparability import Kind, differences, label
    from workbench.compare.fingerprint import fingerprint
    from workbench.findings import document

    found = document.with_counterpart(report.document, other.document, other.analysis)
    one, counterpart = (fingerprint(each.origin.manifest, each.analysis) for each in (report, other))
    refused = [each for each in differences(one, counterpart, ["graphs"]) if each.kind is Kind.REFUSED]
    if refused:
        texts = ", ".join(f"{label(each.field)} ({each.before}, {each.after})" for each in refused)
        raise UserError(
            f"{other.document.info.file_name} is no counterpart of {report.document.info.file_name}, for they differ "
            f"in {texts}; name a capture that was made alike, but for graphs"
        )
    return replace(report, document=found, origin=replace(report.origin, counterpart=other.origin.capture))


def print_report(report: Report) -> None:
    """Shows a report on standard output."""
    from workbench.cli.console import output_console
    from workbench.report.findings_terminal import print_findings

    print_findings(report.document, output_console(), report.origin)


def write_report(report: Report, output: Path, *, as_json: bool, force: bool, is_new: bool = False) -> tuple[Path, ...]:
    """Writes a report, its picture and its SQL, all or none; returns what was written, the report first.

    Args:
        report: the report.
        output: where it is to lie.
        as_json: one JSON file instead.
        force: files of any origin may be replaced.
        is_new: not even an earlier report may be.

    Raises:
        UserError: a file is there that may not be replaced, or cannot be written.
    """
    from workbench.report.findings_files import report_files

    files = report_files(report.document, output, report.origin, as_json=as_json)
    return write_files(files, force=force, is_new=is_new)


def write_files(files: "ReportFiles", *, force: bool, is_new: bool = False) -> tuple[Path, ...]:
    """Writes the files of a report, all or none; returns what was written, the report first.

    Args:
        files: what each holds.
        force: files of any origin may be replaced.
        is_new: not even an earlier report may be.

    Raises:
        UserError: a file is there that may not be replaced, or cannot be written.
    """
    from workbench.files import refuse_to_replace, remove_ours, write_texts

    for path in files.texts:
        refuse_to_replace(path, force=force, ours="" if is_new else files.mark)
    write_texts(files.texts)
    for path in files.stale:
        if not is_new and remove_ours(path, files.mark):
            print(f"wb: removed {path}, which an earlier report had and this one has not", file=sys.stderr)
    return tuple(files.texts)
