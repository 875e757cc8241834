"""Renders a findings report as the Markdown document that a kernel engineer would write."""

import shlex
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader

from workbench.analysis.idle import IdleKind
from workbench.analysis.roofline import PhaseRoofline
from workbench.analysis.step_profile import StepProfile
from workbench.findings.document import FindingsDocument
from workbench.findings.finding import Evidence
from workbench.report import quantities
from workbench.report.capture import SOURCES, coverage_sentences, notice
from workbench.report.findings import (
    LONGEST_NAME,
    MARK,
    Entry,
    call_sentence,
    entries,
    evidence_cells,
    finding_label,
    gain_cells,
    gain_columns,
    graphs_words,
    heading,
    not_looked_for,
    nothing_found,
    phase_label,
    prediction,
    profile_label,
    roofline_label,
    speeds,
    target_words,
    text_columns,
    verdict,
)
from workbench.report.findings_sql import commented_sql
from workbench.report.manifest import manifest_facts, place_in_folder, program_name
from workbench.report.markdown import code, code_block, escape, link, markdown_table
from workbench.report.origin import UNKNOWN, Origin
from workbench.report.roofline import HEADINGS, TEXT_COLUMNS, roofline_rows
from workbench.report.speed import speed_sentences
from workbench.report.step_picture import part_name
from workbench.report.terms import IDLE_NAMES, terms
from workbench.report.texts import cut, cut_words

# A longer statement is a list of places rather than something to read.
LONGEST_SQL = 1_500


def to_markdown(
    document: FindingsDocument, origin: Origin = UNKNOWN, *, pictures: Sequence[str] = (), sql_file: str = ""
) -> str:
    """The report as a Markdown document.

    Args:
        document: what it says.
        origin: what was asked, and what is known of the capture beside it.
        pictures: file names of pictures that lie beside it.
        sql_file: the name of the file beside it that holds all SQL; without one, long statements are in here, too.
    """
    environment = Environment(
        loader=PackageLoader("workbench.report"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {
        "escape_md": escape,
        "link": link,
        "prediction": prediction,
        "call_sentence": call_sentence,
        "evidence_table": _evidence_table,
        "is_short": lambda sql: not sql_file or len(sql) <= LONGEST_SQL,
        "sql_block": _sql_block,
        "code": code,
        "target_words": target_words,
    }
    all_entries = entries(document)
    return environment.get_template("findings.md.j2").render(
        mark=MARK,
        document=document,
        notice=notice(document.info),
        program=program_name(origin.manifest),
        coverage=coverage_sentences(document.totals, document.coverage),
        verdict=verdict(document),
        pictures=pictures,
        sql_file=sql_file,
        place=place_in_folder(origin.manifest, document.info.file_name),
        manifest=manifest_facts(origin.manifest) if origin.manifest else [],
        phases=_phase_table(document),
        profiles=[
            (profile, profile_label(document, profile), _profile_table(profile)) for profile in document.profiles
        ],
        speeds=[*speeds(document), *speed_sentences(origin.manifest)],
        rooflines=[(roofline_label(document, one), _roofline_table(one)) for one in document.rooflines],
        not_looked_for=not_looked_for(document),
        reproduce=_reproduce(document, origin),
        terms=terms(
            with_rooflines=bool(document.rooflines),
            calibrated=bool(document.realised),
            of_cpu=document.info.is_of_cpu,
        ),
        counterpart=_counterpart_fact(document),
        summary=_summary_table(document, all_entries) if all_entries else nothing_found(document),
        major=[entry for entry in all_entries if not entry.finding.is_minor],
        minor=[entry for entry in all_entries if entry.finding.is_minor],
    )


def _summary_table(document: FindingsDocument, found: Sequence[Entry]) -> str:
    rows = [
        [
            entry.number,
            finding_label(document, entry.finding),
            cut_words(entry.finding.claim, LONGEST_NAME),
            *gain_cells(entry),
            entry.finding.effort,
        ]
        for entry in found
    ]
    headings = ["", "phase", "finding", *gain_columns(document), "effort"]
    return markdown_table(headings, rows, numbers_from=len(headings))


def _phase_table(document: FindingsDocument) -> str:
    rows = [
        [
            phase_label(document, phase),
            f"{phase.steps} ({SOURCES[phase.steps_source]})" if phase.steps_source else "-",
            quantities.time(phase.wall_ns),
            quantities.time(phase.busy_ns),
            quantities.time(phase.idle_ns[IdleKind.LAUNCH]),
            quantities.count(phase.kernels),
            quantities.count(phase.launches),
            quantities.time(phase.api_ns),
            quantities.time(critical_ns) if phase.steps else "-",
        ]
        for phase, critical_ns in zip(document.phases, document.critical_api_ns, strict=True)
    ]
    waiting = IDLE_NAMES[IdleKind.LAUNCH.label]
    headings = ["phase", "steps", "wall", "busy", waiting, "kernels", "launches", "API time", "critical"]
    return markdown_table(headings, rows, numbers_from=2)


def _profile_table(profile: StepProfile) -> str:
    rows = [
        [
            cut(part_name(part), LONGEST_NAME),
            quantities.count(part.operations) if part.operations else "",
            quantities.time(part.time_ns),
            quantities.share(part.time_ns / max(1, profile.wall_ns)),
        ]
        for part in profile.parts
    ]
    return markdown_table(["part", "operations", "time", "share"], rows, numbers_from=1)


def _roofline_table(roofline: PhaseRoofline) -> str:
    return markdown_table(HEADINGS, roofline_rows(roofline), numbers_from=TEXT_COLUMNS)


def _counterpart_fact(document: FindingsDocument) -> str:
    """Which capture tells of the other mode of graphs."""
    other = document.counterpart
    return f"{other.file_name}, the same program {graphs_words(other.graphs)}" if other else ""


def _evidence_table(evidence: Evidence) -> str:
    headings = [heading(column) for column in evidence.columns]
    return markdown_table(headings, evidence_cells(evidence), numbers_from=text_columns(evidence))


def _sql_block(evidence: Evidence) -> str:
    return code_block(commented_sql(evidence), "sql")


def _reproduce(document: FindingsDocument, origin: Origin) -> str:
    asked = [origin.capture or document.info.file_name, *(word for name in origin.rules for word in ("--rules", name))]
    beside = [
        *(["--counterpart", origin.counterpart] if origin.counterpart else []),
        *(["--calibration", origin.calibration] if origin.calibration else []),
    ]
    phase = ["--phase", document.profiles[0].phase] if document.profiles else []
    commands = (
        ["wb", "findings", *asked, *beside, "-o", "FINDINGS.md"],
        ["wb", "attribute", *asked, "--by", "layer_type,role", *phase],
    )
    return code_block("\n".join(map(shlex.join, commands)), "sh")
