import re
import shlex
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.conftest import CAPTURES
from tests.unit.findings.test_calibration import an_outcome
from tests.unit.report.odd_captures import ODD_CAPTURES
from tests.unit.report.rendered import cell_counts, code_blocks, html, least_width, pictures, tables
from tests.unit.test_manifest import a_manifest
from workbench.analysis.analysis import Analysis
from workbench.findings.document import FindingsDocument, compile_document, with_counterpart
from workbench.report.findings import MARK, nothing_found
from workbench.report.findings_markdown import LONGEST_SQL, to_markdown
from workbench.report.manifest import manifest_facts
from workbench.report.markdown import escape
from workbench.report.origin import Origin
from workbench.report.terms import terms
from workbench.report.texts import one_line

Named = Callable[[str], Analysis]
Document = Callable[[Analysis], FindingsDocument]
# About what a page shows beside its menus.
PAGE_CHARACTERS = 110


@pytest.fixture(params=[*CAPTURES, *ODD_CAPTURES])
def report(request: pytest.FixtureRequest, real: Named, odd: Named, document: Document) -> FindingsDocument:
    """The report of each capture in turn, real or odd."""
    return document((real if request.param in CAPTURES else odd)(request.param))


def test_tables_are_well_formed(report: FindingsDocument) -> None:
    assert all(len(counts) == 1 for counts in cell_counts(to_markdown(report)))


def test_tables_are_read_without_sideways_scrolling(report: FindingsDocument) -> None:
    for table in tables(to_markdown(report)):
        assert least_width(table) <= PAGE_CHARACTERS, table[0]


def test_no_name_becomes_html(report: FindingsDocument) -> None:
    allowed = {
        f"<!-- {MARK} -->",
        "<details><summary>SQL that yields these tables on the export</summary>",
        "</details>",
    }
    assert html(to_markdown(report)) <= allowed


def test_every_table_of_evidence_comes_with_its_sql(report: FindingsDocument) -> None:
    blocks = code_blocks(to_markdown(report), "sql")
    for finding in report.findings.findings:
        if not finding.is_minor:
            for evidence in finding.evidence:
                # Markdown knows one end of line only.
                sql = evidence.sql.replace("\r", "\n")
                assert f"-- {one_line(evidence.title)}\n{sql};\n" in blocks


def test_long_sql_stands_in_the_file_beside_the_report_only(report: FindingsDocument) -> None:
    markdown = to_markdown(report, sql_file="my report.sql")
    told = [finding for finding in report.findings.findings if not finding.is_minor]
    evidence = [evidence for finding in told for evidence in finding.evidence]
    long = [part for part in evidence if len(part.sql) > LONGEST_SQL]
    assert [part for part in evidence if part.sql not in markdown] == long
    assert markdown.count("is a long one: see F") == markdown.count("in [my report.sql](my%20report.sql).") == len(long)
    assert len(code_blocks(markdown, "sql")) == len(evidence) - len(long)


def test_it_says_how_the_capture_was_made_where_that_is_known(real: Named, document: Document) -> None:
    report, manifest = document(real("engine_style")), a_manifest()
    (about,) = [table for table in tables(to_markdown(report, Origin(manifest=manifest))) if table[0] == ["", ""]]
    assert [row[0] for row in about[-8:]] == [name for name, _ in manifest_facts(manifest)]


def test_the_first_lines_say_the_coverage(report: FindingsDocument) -> None:
    lines = to_markdown(report).splitlines()
    assert lines[0].startswith("# Findings: ")
    assert "kernel time" in lines[2]
    assert "is attributed to layers" in lines[2]


def test_the_title_names_the_program_where_it_is_known(real: Named, document: Document) -> None:
    report = document(real("engine_style"))
    assert to_markdown(report).startswith("# Findings: capture-1.sqlite.xz\n")
    named = replace(a_manifest(), workload={"program": "my *engine*"})
    markdown = to_markdown(report, Origin(manifest=named))
    assert markdown.startswith("# Findings: capture-1.sqlite.xz (my \\*engine\\*)\n")


def test_the_capture_says_which_of_several_it_is(real: Named, document: Document) -> None:
    report, manifest = document(real("engine_style")), a_manifest()
    (one,) = manifest.captures
    several = replace(manifest, captures=(replace(one, file="capture-1.sqlite.xz"), one, one))
    about = next(table for table in tables(to_markdown(report, Origin(manifest=several))) if table[0] == ["", ""])
    assert about[1][1].startswith("capture-1.sqlite.xz, capture 1 of 3, recorded ")


def test_every_term_is_defined(report: FindingsDocument) -> None:
    markdown = to_markdown(report)
    for term, meaning in terms(with_rooflines=False):
        assert markdown.count(f"- **{term}**: {escape(meaning)}\n") == 1


def test_every_finding_stands_in_the_summary(report: FindingsDocument) -> None:
    summaries = [table[1:] for table in tables(to_markdown(report)) if table[0][2:3] == ["finding"]]
    numbers = [row[0] for rows in summaries for row in rows]
    assert numbers == [f"F{n}" for n in range(1, len(report.findings.findings) + 1)]


def test_pictures_are_linked_whatever_their_names(real: Named, document: Document) -> None:
    markdown = to_markdown(document(real("engine_style")), pictures=["my report (2).svg"])
    assert pictures(markdown) == ["my%20report%20%282%29.svg"]


def test_commands_to_reproduce_take_any_file_name(real: Named, document: Document) -> None:
    report = document(real("engine_style"))
    named = replace(report, info=replace(report.info, file_name="my capture's $1.sqlite"))
    (commands,) = code_blocks(to_markdown(named), "sh")
    assert [shlex.split(command)[2] for command in commands.splitlines()] == ["my capture's $1.sqlite"] * 2


def test_commands_to_reproduce_are_what_was_typed(real: Named, odd: Named, document: Document) -> None:
    origin = Origin("profiles/my run", ("own.yaml", "it's more.yaml"))
    rules = ["--rules", "own.yaml", "--rules", "it's more.yaml"]
    (commands,) = code_blocks(to_markdown(document(real("engine_style")), origin), "sh")
    assert [shlex.split(command) for command in commands.splitlines()] == [
        ["wb", "findings", "profiles/my run", *rules, "-o", "FINDINGS.md"],
        ["wb", "attribute", "profiles/my run", *rules, "--by", "layer_type,role", "--phase", "decode"],
    ]
    (commands,) = code_blocks(to_markdown(document(odd("without_ranges")), Origin("run.sqlite")), "sh")
    assert commands.splitlines()[1] == "wb attribute run.sqlite --by layer_type,role"


def test_file_names_are_text(real: Named, document: Document) -> None:
    report = document(real("engine_style"))
    named = replace(report, info=replace(report.info, file_name="a|b <i>.sqlite"))
    markdown = to_markdown(named)
    assert markdown.startswith("# Findings: a\\|b \\<i\\>.sqlite\n")
    assert all(len(counts) == 1 for counts in cell_counts(markdown))


def test_compressed_captures_say_that_sql_needs_them_decompressed(real: Named, odd: Named, document: Document) -> None:
    assert "decompress it first" in to_markdown(document(real("engine_style")))
    assert "decompress it first" not in to_markdown(document(odd("without_ranges")))


def test_processes_are_named_where_there_are_several(odd: Named, document: Document) -> None:
    markdown = to_markdown(document(odd("several_processes")))
    assert "### Where a decode (pid 7) step goes" in markdown
    assert "### Where a decode (pid 8) step goes" in markdown
    summary = next(table for table in tables(markdown) if table[0][2:3] == ["finding"])
    assert {row[1] for row in summary[1:]} == {"decode (pid 7)", "decode (pid 8)"}


def test_a_capture_without_steps_speaks_of_none(odd: Named, document: Document) -> None:
    markdown = to_markdown(document(odd("without_ranges")))
    assert "Where a" not in markdown
    assert "Observed while it was profiled" not in markdown


def test_a_report_without_findings_says_so_in_a_sentence(odd: Named, document: Document) -> None:
    report = document(odd("without_ranges"))
    for findings, sentence in (
        (report.findings, nothing_found(report)),
        (replace(report.findings, silent=(), findings=()), "Nothing could be looked for: "),
    ):
        markdown = to_markdown(replace(report, findings=findings))
        _, _, found = markdown.partition("## What was found\n\n")
        assert found.startswith(sentence)
        assert found.split("\n")[1:3] == ["", "## The capture"]
        assert "Best return" not in markdown
        assert "## Findings" not in markdown


def test_findings_without_a_gain_are_minor(real: Named, document: Document) -> None:
    report = document(real("hf_qwen3_graph"))
    first = report.findings.findings[0]
    assert first.gain
    gain = replace(first.gain, low_ns=0, high_ns=0)
    findings = replace(report.findings, findings=(replace(first, gain=gain, claim="A claim."),))
    markdown = to_markdown(replace(report, findings=findings, measured=(33,)))
    assert "### F1." not in markdown
    assert "promises less than one percent of a step, and no other finding promises more." in markdown
    assert "- **F1.** A claim. Predicted gain: no gain predicted. Done when " in markdown
    assert "(now 33).\n" in markdown


def test_targets_say_what_they_measure_now_with_its_unit(real: Named, document: Document) -> None:
    markdown = to_markdown(document(real("hf_qwen3_eager")))
    assert re.search(r"`step\.launch_starved_ns <= \d+` \(at most \d\.\d\d ms; now 52\.5 ms\)", markdown)


def test_it_is_known_for_ours(real: Named, document: Document) -> None:
    assert MARK in to_markdown(document(real("engine_style")))


@pytest.fixture(scope="module")
def paired(real: Named) -> FindingsDocument:
    """A report with a counterpart and a calibration."""
    eager, graph = real("hf_qwen3_eager"), real("hf_qwen3_graph")
    report = compile_document(eager, [an_outcome(detector="tiny_kernels", gpu=None)])
    return with_counterpart(report, compile_document(graph), graph)


def test_both_modes_of_graphs_stand_beside_each_other(paired: FindingsDocument) -> None:
    markdown = to_markdown(paired)
    summary = next(table for table in tables(markdown) if table[0][2:3] == ["finding"])
    assert summary[0][3:] == ["gain with graphs off", "with graphs on", "effort"]
    assert "does not arise" in {row[4] for row in summary}
    assert least_width(summary) <= PAGE_CHARACTERS
    assert all(len(counts) == 1 for counts in cell_counts(markdown))
    (about,) = [table for table in tables(markdown) if table[0] == ["", ""]]
    assert ["counterpart", "capture-1.sqlite.xz, the same program with graphs on"] in about
    assert "- **Predicted gain:** with graphs off: 50.4 ms to 52.5 ms off a step of 55.9 ms" in markdown


def test_what_predictions_came_to_is_quoted_and_defined(
    paired: FindingsDocument, real: Named, document: Document
) -> None:
    sentence = "predictions of this detector were realised at 0.8 times (n = 1, alone)"
    tiny = [finding for finding in paired.findings.findings if finding.detector == "tiny_kernels"]
    assert to_markdown(paired).count(sentence) == len(tiny) > 0
    assert "- **realised**: " in to_markdown(paired)
    alone = to_markdown(document(real("hf_qwen3_eager")))
    assert "realised" not in alone
    assert "counterpart" not in alone


def test_commands_to_reproduce_name_what_stood_beside(paired: FindingsDocument) -> None:
    origin = Origin("one", counterpart="the other", calibration="mine.jsonl")
    (commands,) = code_blocks(to_markdown(paired, origin), "sh")
    asked = ["--counterpart", "the other", "--calibration", "mine.jsonl"]
    assert shlex.split(commands.splitlines()[0]) == ["wb", "findings", "one", *asked, "-o", "FINDINGS.md"]
    assert "other" not in commands.splitlines()[1]


def test_time_in_calls_is_told_apart_by_whether_it_was_critical(real: Named, document: Document) -> None:
    report = document(real("hf_qwen3_eager"))
    markdown = to_markdown(report)
    told = [finding for finding in report.findings.findings if finding.call_time and not finding.is_minor]
    assert markdown.count("- **Time in these calls:** ") == len(told) > 0
    (phases,) = [table for table in tables(markdown) if table[0][:2] == ["phase", "steps"]]
    assert phases[0][-2:] == ["API time", "critical"]
    by_phase = {row[0]: row[-1] for row in phases[1:]}
    assert by_phase["other"] == "-"
    assert by_phase["decode"].endswith(" ms")
