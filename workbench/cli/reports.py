"""Findings reports, as several commands make them."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.analysis.analysis import Analysis
    from workbench.findings.document import FindingsDocument
    from workbench.report.origin import Origin


@dataclass(frozen=True)
class Report:
    """What a report says, and where that comes from."""

    analysis: "Analysis"
    document: "FindingsDocument"
    origin: "Origin"


def compile_report(capture: Path, rules: Sequence[Path] = ()) -> Report:
    """Reads a capture, and the manifest beside it, and finds what there is to find.

    Raises:
        UserError: the capture or a rule file cannot be read.
    """
    from workbench.analysis.analysis import Analysis
    from workbench.analysis.footprint import read_footprint
    from workbench.attribution.attribution import attribute
    from workbench.attribution.rule_files import load_rules
    from workbench.cli.captures import manifest_of, open_capture
    from workbench.findings.document import compile_document
    from workbench.report.origin import Origin, as_named

    layer_rules = load_rules(tuple(rules))
    attribution = attribute(open_capture(capture), layer_rules)
    manifest = manifest_of(capture)
    analysis = Analysis(attribution, read_footprint(manifest.workload if manifest else None))
    origin = Origin(as_named(capture), tuple(map(as_named, rules)), manifest)
    return Report(analysis, compile_document(analysis), origin)


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
    from workbench.files import refuse_to_replace, remove_ours, write_texts
    from workbench.report.findings_files import report_files

    files = report_files(report.document, output, report.origin, as_json=as_json)
    for path in files.texts:
        refuse_to_replace(path, force=force, ours="" if is_new else files.mark)
    write_texts(files.texts)
    for path in files.stale:
        if not is_new and remove_ours(path, files.mark):
            print(f"wb: removed {path}, which an earlier report had and this one has not", file=sys.stderr)
    return tuple(files.texts)
