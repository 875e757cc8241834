import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.exports import Export
from tests.unit.report.odd_captures import NAMES
from tests.unit.report.rendered import cell_counts, html, tables
from workbench.analysis.analysis import Analysis
from workbench.analysis.breakdown import KEYS, MemopRow
from workbench.analysis.summary import AttributionSummary, summarize
from workbench.report.attribution import print_tables, to_csv, to_json, to_markdown, warnings
from workbench.report.terms import IDLE_NAMES
from workbench.report.texts import one_line

Analysed = Callable[[Export], Analysis]
Odd = Callable[[str], Analysis]
STATISTICS = ("count", "total_ns", "share", "mean_ns", "median_ns", "min_ns", "max_ns")


def printed(summary: AttributionSummary, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_tables(summary, console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def small_program() -> Export:
    export = Export()
    export.range("decode", 0, 1000)
    export.range("model.layers.0.mlp", 5, 15)
    export.launch("gemv", 10, 100, 850)
    export.launch("lonely", 20, 900, 1150)
    return export


def test_json_holds_the_rows_by_falling_total(analysed: Analysed) -> None:
    document = json.loads(to_json(summarize(analysed(small_program()), ["phase", "layer_type", "layer"])))
    assert document["schema"] == "wb.attribution/1"
    assert (document["by"], document["phase_filter"]) == (["phase", "layer_type", "layer"], None)
    statistics = {"count": 1, "total_ns": 750, "mean_ns": 750.0, "median_ns": 750.0, "min_ns": 750, "max_ns": 750}
    assert document["rows"][0] == {
        "phase": "decode",
        "layer_type": "mlp",
        "layer": 0,
        "share": 0.75,
        **statistics,
    }
    assert [(row["layer_type"], row["layer"], row["total_ns"]) for row in document["rows"]] == [
        ("mlp", 0, 750),
        (None, None, 250),
    ]


def test_a_filter_shows_in_json_and_leaves_totals_alone(analysed: Analysed) -> None:
    export = small_program()
    export.launch("outside", 1200, 1300, 1400)
    document = json.loads(to_json(summarize(analysed(export), phase="decode")))
    assert document["phase_filter"] == "decode"
    assert sum(row["total_ns"] for row in document["rows"]) == 1000
    assert document["totals"]["kernel_ns"] == 1100
    assert [phase["phase"] for phase in document["phases"]] == ["decode", "other"]


def test_json_keeps_every_name_as_it_is(odd: Odd) -> None:
    text = to_json(summarize(odd("names_of_all_kinds"), ["kernel"]))
    assert {row["kernel"] for row in json.loads(text)["rows"]} == set(NAMES)
    assert text.isascii()


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def expected(summary: AttributionSummary) -> list[dict[str, str]]:
    rows = [{**row.keys, **{name: getattr(row, name) for name in STATISTICS}} for row in summary.rows]
    return [{key: "" if value is None else str(value) for key, value in row.items()} for row in rows]


@pytest.mark.parametrize("keys", [("phase", "layer_type"), KEYS])
def test_csv_parses_back_to_the_same_rows(odd_capture: Analysis, keys: tuple[str, ...]) -> None:
    summary = summarize(odd_capture, keys)
    text = to_csv(summary)
    assert parsed(text) == expected(summary)
    assert text.splitlines()[0] == ",".join([*summary.keys, *STATISTICS])


def test_csv_of_real_captures_parses_back(real_capture: Analysis) -> None:
    summary = summarize(real_capture, ["layer", "role", "range", "kernel"], demangled=True)
    assert parsed(to_csv(summary)) == expected(summary)


def test_csv_numbers_are_exact(real_capture: Analysis) -> None:
    rows = parsed(to_csv(summarize(real_capture, ["kernel"])))
    assert sum(int(row["total_ns"]) for row in rows) == real_capture.totals.kernel_ns


def test_markdown_tables_are_well_formed(odd_capture: Analysis) -> None:
    markdown = to_markdown(summarize(odd_capture, ["phase", "layer_type", "role", "range", "kernel"]))
    assert all(len(counts) == 1 for counts in cell_counts(markdown))
    assert html(markdown) == set()


def test_markdown_shows_names_as_they_are(odd: Odd) -> None:
    summary = summarize(odd("names_of_all_kinds"), ["kernel", "range"])
    kernels = next(table for table in tables(to_markdown(summary)) if table[0][0] == "kernel")
    assert [row[:2] for row in kernels[1:]] == [
        [one_line(str(row.keys["kernel"])), one_line(str(row.keys["range"]))] for row in summary.rows
    ]


def test_markdown_says_what_is_filtered_and_what_is_inferred(analysed: Analysed) -> None:
    export = Export()
    for step in range(4):
        for number, name in enumerate("abc"):
            at = 1000 * step + 100 * number
            export.launch(name, at, at + 20, at + 60)
    markdown = to_markdown(summarize(analysed(export), phase="decode"))
    assert "## Kernels in decode" in markdown
    assert "The steps of decode are inferred from kernels." in markdown


def test_the_terminal_shows_sums_as_people_read_them(analysed: Analysed) -> None:
    lines = printed(summarize(analysed(small_program()))).splitlines()
    start = lines.index("Kernels")
    assert lines[start + 1 :] == [
        "phase   layer_type  count   total   share    mean",
        "decode  mlp             1  750 ns  75.0 %  750 ns",
        "decode  -               1  250 ns  25.0 %  250 ns",
        "Cut to the terminal's width: `--format csv` shows all.",
    ]


def test_a_wide_terminal_shows_medians_and_extremes_too(analysed: Analysed) -> None:
    summary = summarize(analysed(small_program()))
    assert "median" not in printed(summary, 100)
    assert "median     min     max" in printed(summary, 120)


def test_what_is_cut_is_said_in_the_last_line_with_what_shows_it(analysed: Analysed) -> None:
    export = small_program()
    export.launch("w" * 200, 300, 1200, 1300)
    analysis = analysed(export)
    hint = "Cut to the terminal's width: `--format {} shows all."
    assert printed(summarize(analysis, ["kernel"]), 120).splitlines()[-1] == hint.format("csv`")
    assert "Cut to" not in printed(summarize(analysis, ["kernel"]), 1000)
    wide = summarize(analysis, ["phase"])
    assert "Cut to" not in printed(wide, 120)
    copies = replace(wide, memops=(MemopRow("decode", "w" * 200, "memset", 1, 1, 1),))
    assert printed(copies, 120).splitlines()[-1] == hint.format("markdown`")


def test_idle_kinds_have_their_names_in_markdown_too(real: Callable[[str], Analysis]) -> None:
    phases = tables(to_markdown(summarize(real("hf_qwen3_graph"))))[0]
    assert {"waiting for launches", "between graph nodes", "queued"} < set(phases[0][4:]) <= set(IDLE_NAMES.values())


def test_steps_of_different_phases_are_warned_of(analysed: Analysed) -> None:
    export = small_program()
    assert warnings(summarize(analysed(export), ["step"])) == []
    export.range("prefill", 1200, 1300)
    export.launch("gemv", 1210, 1300, 1400)
    analysis = analysed(export)
    (warning,) = warnings(summarize(analysis, ["step", "kernel"]))
    assert warning == "steps of different phases share numbers; add phase to --by, or give --phase"
    assert warnings(summarize(analysis, ["step"], phase="decode")) == []
    assert warnings(summarize(analysis, ["phase", "step"])) == []
    assert warnings(summarize(analysis, ["kernel"])) == []


def test_wall_time_is_shown_with_all_that_adds_up_to_it(analysed: Analysed) -> None:
    export = small_program()
    for start, end in ((1200, 1300), (1340, 1360)):
        export.kernel("of unknown origin", start, end, 999)
    lines = printed(summarize(analysed(export))).splitlines()
    assert lines[lines.index("Phases") :][:4] == [
        "Phases",
        "phase   steps     wall     busy  queued  launch unknown",
        "decode      1  1.05 µs  1.00 µs   50 ns               -",
        "other       -   160 ns   120 ns       -           40 ns",
    ]


def test_processes_are_named_where_there_are_several(odd: Odd) -> None:
    text = printed(summarize(odd("several_processes")))
    assert "decode (pid 7)" in text
    assert "decode (pid 8)" in text
    assert "other (pid 9)" in text


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(odd_capture: Analysis, width: int) -> None:
    text = printed(summarize(odd_capture, ["phase", "step", "layer_type", "role", "range", "kernel"]), width)
    assert max(map(cell_len, text.splitlines())) <= width


@pytest.mark.parametrize("keys", [("phase", "layer_type"), ("kernel",), ("layer_type", "role", "kernel")])
def test_eighty_columns_are_enough_for_every_number(real_capture: Analysis, keys: tuple[str, ...]) -> None:
    assert "the terminal is narrow" not in printed(summarize(real_capture, keys), 80)
