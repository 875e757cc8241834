import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import jsonschema
import pytest
from rich.console import Console

from tests.schemas import check, schema
from tests.unit.compare.loops import Analysed, conditions, loop, observed_as, report_of, verified
from tests.unit.compare.test_credit import change
from tests.unit.report.rendered import cell_counts, html, inline_text, least_width, tables
from workbench.analysis.analysis import Analysis
from workbench.compare.comparability import FieldDifference, Kind
from workbench.compare.credit import TargetResult
from workbench.compare.fingerprint import Fingerprint
from workbench.compare.results import ResultsComparison, Verdict
from workbench.compare.verification import Observed, Verification, find_now, verify
from workbench.findings.calibration import Realised
from workbench.findings.target import parse_target
from workbench.manifest import Speed
from workbench.report.diff_terms import VERDICT_TERMS
from workbench.report.verify import (
    MARK,
    brought_words,
    joint_sentences,
    promise_words,
    realised_cell,
    state_words,
    step_words,
    target_sentence,
    values_words,
    verdict,
)
from workbench.report.verify_context import context, limitations, unspoken_sentence
from workbench.report.verify_json import to_json
from workbench.report.verify_markdown import to_markdown
from workbench.report.verify_origin import VerifyOrigin, calibration_sentences, command
from workbench.report.verify_tables import finding_table, part_table, phase_table, speed_table
from workbench.report.verify_terminal import print_verification
from workbench.report.verify_terms import verify_terms

Verify = Callable[..., Verification]


@pytest.fixture
def looped(analysed: Analysed) -> Verify:
    """A loop of two memsets a step, verified by loops of other memsets and products."""

    def verification(*after: tuple[int, int], before: int = 2) -> Verification:
        captures = [analysed(loop(memsets, product_ns=product_ns)) for memsets, product_ns in after]
        return verified(analysed(loop(before)), *captures)

    return verification


@pytest.fixture(scope="session")
def graphs(real: Callable[[str], Analysis]) -> Verification:
    """A real eager loop, verified by the same model in a graph."""
    report = report_of(real("hf_qwen3_eager"))
    after = real("hf_qwen3_graph")
    observation = observed_as("hf_qwen3_graph", after, [finding.target for finding in report.findings])
    return verify(report, "hf_qwen3_graph", Observed([observation], find_now(after)), conditions(report))


def shown(verification: Verification, width: int = 100) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        print_verification(verification, console)
    return capture.get()


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([(0, 100_000)], "The one finding came true: decode takes 151 µs instead of 157 µs a step."),
        (
            [(0, 104_000)],
            "The one finding is met, and fell short: decode takes 155 µs instead of 157 µs a step; "
            "F1 promised 6.00 µs and brought 2.00 µs.",
        ),
        (
            [(0, 90_000)],
            "The one finding is met, and brought more than promised: decode takes 141 µs instead of 157 µs a step; "
            "F1 promised 6.00 µs and brought 16.0 µs.",
        ),
        (
            [(0, 110_000)],
            "The one finding is met, and fell short: decode takes 161 µs instead of 157 µs a step; "
            "F1 promised 6.00 µs and made the step 4.00 µs longer.",
        ),
        ([(1, 100_000)], "The one finding is not met: decode takes 154 µs instead of 157 µs a step."),
        ([(2, 100_000)], "The one finding is not met: decode takes 157 µs a step, as before."),
        (
            [(0, 91_000), (0, 100_000), (0, 109_000)],
            "The one finding is met, and brought no more than noise: decode takes 151 µs instead of 157 µs a step, "
            "a difference within noise.",
        ),
    ],
)
def test_the_first_sentence_is_the_verdict(looped: Verify, after: list[tuple[int, int]], expected: str) -> None:
    assert verdict(looped(*after)) == expected


def test_without_findings_the_verdict_says_so(looped: Verify) -> None:
    found = looped((2, 100_000), before=0)
    assert verdict(found) == (
        "The earlier report has no findings to verify: decode takes 157 µs instead of 151 µs a step."
    )


def test_of_several_outcomes_each_is_counted(graphs: Verification) -> None:
    credits_ = [one.credit for one in graphs.findings if one.credit]
    assert len(credits_) > 2
    broken = replace(credits_[0], kept=type(credits_[0].kept).FELL_SHORT, together=("F2",))
    findings = [replace(one, credit=broken) if one.credit is credits_[0] else one for one in graphs.findings]
    text = verdict(replace(graphs, findings=tuple(findings)))
    kept = Counter(one.kept.value for one in findings if one.kept)
    assert text.startswith(
        f"{sum(one.is_met for one in findings)} of {len(findings)} findings are met, of which {kept['came true']} came "
        f"true, {kept['exceeded']} brought more than promised and 1 fell short: "
    )
    assert re.search(r"; F2 promised 50\.4 to \S+ ms and brought 51\.0 ms(;|\.$)", text)


def test_of_many_broken_promises_the_first_are_told(looped: Verify) -> None:
    verification = looped((0, 104_000))
    (one,) = verification.findings
    assert one.credit
    many = tuple(
        replace(one, credit=replace(one.credit, together=(number,))) for number in ("F1", "F2", "F3", "F4", "F4")
    )
    told = verdict(replace(verification, findings=many))
    assert told.endswith(
        "; F1 promised 6.00 µs and brought 2.00 µs; F2 promised 6.00 µs and brought 2.00 µs; "
        "2 more did not bring what they promised."
    )


def test_other_results_stand_out(looped: Verify) -> None:
    verification = looped((0, 100_000))
    results = ResultsComparison(Verdict.OTHER_TOKENS, first_token=3)
    other = replace(verification, conditions=replace(verification.conditions, results=results))
    assert f"\n**{results.sentence}**\n" in to_markdown(other)
    assert f"\n{verification.conditions.results.sentence}\n" in to_markdown(verification)


@pytest.mark.parametrize(
    ("low_ns", "high_ns", "expected"),
    [
        (60_000, 90_000, "60.0 to 90.0 µs"),
        (0, 90_000, "0 to 90.0 µs"),
        (600_000, 1_030_000, "0.60 to 1.03 ms"),
        (6_000, 6_000, "6.00 µs"),
        (0, 0, "nothing"),
    ],
)
def test_promises_are_told_in_one_unit(low_ns: int, high_ns: int, expected: str) -> None:
    assert promise_words(low_ns, high_ns) == expected


def test_gains_may_be_losses() -> None:
    assert [brought_words(gain_ns) for gain_ns in (12_000, 0, -3_000)] == [
        "brought 12.0 µs",
        "brought nothing",
        "made the step 3.00 µs longer",
    ]


def test_steps_that_read_alike_are_told_once() -> None:
    assert step_words(change([1_000_000], [1_000_001])) == "1.00 ms a step, as before"


def test_targets_that_captures_do_not_agree_on_show_all_values(looped: Verify) -> None:
    result = TargetResult(parse_target("step.busy_ns <= 2000"), (1_000, 3_000, 1_500), "")
    assert state_words(result) == "met in 2 of 3 captures"
    assert values_words(result) == "1.50 µs (1.00 µs, 3.00 µs, 1.50 µs)"
    (one,) = looped((0, 100_000), (1, 100_000)).findings
    assert target_sentence(one) == "met in 1 of 2 captures, which counts as not met: 0.5 (0, 1) now, 2 before"


def test_what_cannot_be_measured_says_why(looped: Verify) -> None:
    (one,) = looped((0, 100_000)).findings
    unknown = replace(one, result=TargetResult(one.finding.target, (None,), "no steps"))
    assert target_sentence(unknown) == "cannot be measured: no steps, 2 before"


def test_what_grew_instead_is_told(looped: Verify) -> None:
    text = shown(looped((0, 104_000)))
    assert "F1: Promised 6.00 µs, brought 2.00 µs: fell short. Against it, other time grew: mlp (+4.00 µs)." in (
        " ".join(text.split())
    )


def test_what_no_finding_speaks_of_is_flagged(looped: Verify) -> None:
    verification = looped((0, 104_000))
    (phase,) = verification.phases
    assert unspoken_sentence(verification, phase) == "No finding that is met speaks of mlp (+4.00 µs) in decode."
    assert [row[:2] for row in part_table(phase).rows] == [
        ("mlp", "no finding"),
        ("copies and memsets", "F1"),
        ("queued", "F1"),
    ]
    unmet = looped((1, 104_000))
    assert unspoken_sentence(unmet, unmet.phases[0]) == ""


def test_the_table_of_findings_tells_promised_and_brought(looped: Verify) -> None:
    (row,) = finding_table(looped((0, 104_000))).rows
    assert row == (
        "F1", "decode", "Decode sets memory 2 times a step.", "met", "fell short", "2", "0", "6.00 µs", "2.00 µs",
    )  # fmt: skip
    (row,) = finding_table(looped((1, 100_000))).rows
    assert row[3:] == ("not met", "-", "2", "1", "6.00 µs", "-")


def test_steps_are_told_by_median_and_mean(looped: Verify) -> None:
    rows = phase_table(looped((0, 100_000))).rows
    assert [row[:8] for row in rows] == [
        ("decode", "median", "no verdict", "1 -> 1", "8 -> 8", "157 µs", "151 µs", "-6.00 µs"),
        ("decode", "mean", "no verdict", "1 -> 1", "8 -> 8", "157 µs", "151 µs", "-6.00 µs"),
    ]


def with_speeds(verification: Verification, before: Speed | None, after: Speed | None) -> Verification:
    fingerprint = Fingerprint(prompt_tokens="256", batch="1")
    told = replace(verification.conditions, after=fingerprint, before_speed=before, after_speed=after)
    return replace(verification, conditions=told)


def test_speeds_without_the_profiler_are_told_where_they_are_known(looped: Verify) -> None:
    verification = looped((0, 100_000))
    assert speed_table(verification).rows == ()
    before, after = Speed((8_000_000,) * 3, (96_000_000,) * 3, 48), Speed((8_000_000,) * 3, (72_000_000,) * 3, 48)
    assert speed_table(with_speeds(verification, before, after)).rows == (
        ("a prefill", "within the spread of runs", "8.00 ms", "8.00 ms", "0.0 %", "32 000", "32 000"),
        ("a decode step", "beyond the spread of runs", "2.00 ms", "1.50 ms", "-25.0 %", "500", "667"),
    )
    (_, row) = speed_table(with_speeds(verification, None, after)).rows
    assert row == ("a decode step", "not measured on both sides", "-", "1.50 ms", "-", "-", "667")


def test_what_differs_is_told_by_what_it_means(looped: Verify) -> None:
    verification = looped((0, 100_000))
    differences = (
        FieldDifference("graphs", "off", "on", Kind.VARIED),
        FieldDifference("host", "a", "b", Kind.NOTED),
        FieldDifference("driver", None, "580", Kind.UNKNOWN),
    )
    told = replace(verification.conditions, vary=("graphs",), differences=differences, caveats=("Beware.",))
    sentences = context(replace(verification, conditions=told))
    assert sentences[0] == "Under test: graphs (off before, on after)."
    assert sentences[1] == "Differs as well: host (a before, b after)."
    assert sentences[2].startswith("Not known to be equal: ")
    assert sentences[-1] == "Beware."
    assert context(verification)[0] == "Under test is the commit, and no difference is known."


def test_limitations_speak_of_noise_where_it_is_not_measured(looped: Verify) -> None:
    assert limitations(looped((0, 100_000)))[0].startswith("With one capture a side nobody can tell")
    assert limitations(looped((0, 100_000), (0, 100_100)))[0].startswith("The earlier report is of one capture;")


def test_calibration_is_told_as_far_as_it_goes(looped: Verify) -> None:
    verification = looped((0, 100_000))
    assert calibration_sentences(verification, VerifyOrigin()) == ["No outcome was kept."]
    record = {"memsets_in_steps": Realised(0.7, 0.3, 1.1, 6, 4)}
    origin = VerifyOrigin(calibration="c.jsonl", eligible=2, added=1, realised=record)
    assert calibration_sentences(verification, origin) == [
        "1 outcome was added to c.jsonl.",
        "Predictions of memsets in steps were realised at 0.7 times (0.3 to 1.1, n = 6, 4 of them alone).",
    ]
    (again,) = calibration_sentences(verification, VerifyOrigin(calibration="c.jsonl", eligible=2))
    assert again == "Of 2 outcomes none is new: nothing was added to c.jsonl."
    (nothing,) = calibration_sentences(verification, VerifyOrigin(calibration="c.jsonl"))
    assert nothing == "No finding promised a gain and could be measured: nothing was added to c.jsonl."


def test_the_command_asks_for_the_same_report(looped: Verify) -> None:
    verification = looped((0, 100_000))
    assert command(verification, VerifyOrigin()) == ["wb", "verify", "FINDINGS.json", "AFTER", "--calibration", "none"]
    told = replace(verification, conditions=replace(verification.conditions, vary=("graphs", "variant")))
    origin = VerifyOrigin(
        "f.json", "runs", "old", rules=("own.yaml",), calibration="profiles/calibration.jsonl", is_default=True
    )
    assert command(told, origin) == [
        "wb", "verify", "f.json", "runs", "--before", "old", "--vary", "graphs,variant", "--rules", "own.yaml",
    ]  # fmt: skip


def test_json_is_of_its_schema(looped: Verify, graphs: Verification) -> None:
    jsonschema.Draft202012Validator.check_schema(schema("verify"))
    record = {"launch_bound": Realised(0.7, 0.3, 1.1, 6, 4, "NVIDIA H200")}
    for verification in (looped((0, 104_000)), looped((0, 100_000), (1, 100_000)), looped((2, 1), before=0), graphs):
        check(
            to_json(verification, VerifyOrigin(calibration="c.jsonl", eligible=1, added=1, realised=record)), "verify"
        )
    speeds = with_speeds(looped((0, 100_000)), Speed((8,), (96,), 48), None)
    check(to_json(replace(speeds, report=replace(speeds.report, notice="Beware."))), "verify")


def test_json_says_what_the_table_says(looped: Verify) -> None:
    document = json.loads(to_json(looped((0, 104_000))))
    (finding,) = document["findings"]
    assert finding["target"] == {
        "text": "memset.calls_per_step <= 0",
        "state": "met",
        "before": 2,
        "now": 0,
        "values": [0],
        "met_in": 1,
        "problem": None,
    }
    assert finding["predicted"] == {"low_ns": 6_000, "high_ns": 6_000, "step_ns": 157_000, "of_mean_step": False}
    realised = finding["realised"]
    assert (realised["verdict"], realised["gain_ns"], realised["basis"]) == ("fell_short", 2_000, "median")
    assert [reason["kind"] for reason in realised["reasons"]] == ["offset"]
    assert (finding["is_open"], document["open"], document["new"]) == (False, [], [])


def test_markdown_is_what_its_tables_say(graphs: Verification) -> None:
    markdown = to_markdown(graphs)
    assert markdown.startswith("# Findings, after: ")
    first = next(line for line in markdown.splitlines() if line.startswith("**"))
    assert inline_text(first) == verdict(graphs)
    assert all(len(counts) == 1 for counts in cell_counts(markdown))
    assert html(markdown) == {f"<!-- {MARK} -->"}
    table = tables(markdown)[0]
    assert [row[0] for row in table[1:]] == [one.finding.number for one in graphs.findings]
    assert all(least_width(table) < 260 for table in tables(markdown))
    for one in graphs.findings:
        assert (f"### {one.finding.number}. " in markdown) is one.is_met
        assert (f"\n- **{one.finding.number}.** " in markdown.split("## Carried on")[1]) is not one.is_met


def test_what_is_told_together_is_told_once(graphs: Verification) -> None:
    text = " ".join(to_markdown(graphs).split())
    assert text.count("F2, F3 and F8 speak of the same work, so theirs is one promise: 50.4 to ") == 1
    assert text.count("A promise that is claimed several times counts once") == 1
    (sentence,) = (one for one in joint_sentences(graphs) if one.startswith("Several promises share"))
    assert re.search(r": F4 \d\S* %, F17 and F25 \S+ %\.$", sentence)


def test_only_what_other_promises_have_a_part_of_is_marked_as_shared(graphs: Verification) -> None:
    cells = {one.finding.number: realised_cell(one) for one in graphs.findings if one.credit}
    assert {number for number, cell in cells.items() if cell.endswith(" (shared)")} == {"F4", "F17", "F25"}
    assert cells["F2"] == cells["F3"] == cells["F8"] == "51.0 ms"


def test_terms_of_verdicts_are_those_of_a_comparison() -> None:
    told, compared = dict(verify_terms()), dict(VERDICT_TERMS)
    for term in ("interval", "faster, slower (idle time: shorter, longer)", "no difference shown", "no verdict"):
        assert told[term] == compared[term]


def test_a_narrow_terminal_is_no_wider(graphs: Verification) -> None:
    assert max(map(len, shown(graphs, 80).splitlines())) <= 80
    assert "rows more: see --format markdown." in shown(graphs)


def test_names_that_would_steer_a_terminal_are_shown_harmless(looped: Verify) -> None:
    verification = looped((0, 104_000))
    (one,) = verification.findings
    odd = replace(one, finding=replace(one.finding, claim="a\x1b[31m | `b`\n# c <script>"))
    verification = replace(verification, findings=(odd,), after="x\x1b]0;y")
    assert "\x1b" not in shown(verification)
    markdown = to_markdown(verification)
    assert "\x1b" not in markdown
    assert "<script>" not in html(markdown)
    assert all(len(counts) == 1 for counts in cell_counts(markdown))


def test_what_must_be_said_first_stands_first(looped: Verify) -> None:
    verification = looped((0, 100_000))
    told = replace(verification, report=replace(verification.report, notice="CPU times."))
    assert to_markdown(told).startswith("**CPU times.**\n")
    assert shown(told).startswith("CPU times.\n")
    assert next(iter(json.loads(to_json(told)))) == "notice"
