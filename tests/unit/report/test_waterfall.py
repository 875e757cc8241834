import itertools
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from tests.unit.report.comparisons import COMPARISONS, faster, many_parts, names_of_all_kinds, slower, unshown
from workbench.compare.comparison import Comparison
from workbench.compare.estimate import Estimate
from workbench.compare.reconciliation import Contribution, ReconciledStep
from workbench.report.step_picture import COLOURS, HATCHES, WIDTH
from workbench.report.texts import one_line
from workbench.report.waterfall import (
    LESS_COLOUR,
    MORE_COLOUR,
    MOST_PARTS,
    UNSHOWN_COLOUR,
    Bar,
    axis_of,
    bars,
    draw_waterfall,
)

SVG = "{http://www.w3.org/2000/svg}"
WITH_STEPS = [name for name in COMPARISONS if COMPARISONS[name]().phases]


def step_of(comparison: Comparison) -> ReconciledStep:
    assert comparison.phase is not None
    assert comparison.phase.step is not None
    return comparison.phase.step


def step(before: float, *differences: float, residual: float = 0.0) -> ReconciledStep:
    """A step whose parts changed so."""

    def time(one: float, other: float) -> Estimate:
        return Estimate(one, other, other - one, None, None, None, None)

    parts = tuple(
        Contribution(f"part {number}", False, time(before, before + difference), None)
        for number, difference in enumerate(differences)
    )
    after = before + sum(differences) + residual
    return ReconciledStep("decode", 1, 1, time(before, after), before, after, parts, residual)


def texts(root: ET.Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("name", WITH_STEPS)
def test_every_picture_is_well_formed_and_everything_lies_inside(name: str) -> None:
    root = ET.fromstring(draw_waterfall(step_of(COMPARISONS[name]()), "a mark", "a -> b"))
    height = float(root.attrib["height"])
    for shape in root.iter(f"{SVG}polygon"):
        for x, y in (map(float, corner.split(",")) for corner in shape.attrib["points"].split()):
            assert 0 <= x <= WIDTH
            assert 0 <= y <= height
    assert all(float(text.attrib["y"]) < height for text in root.iter(f"{SVG}text"))


@pytest.mark.parametrize("name", WITH_STEPS)
def test_bars_lead_from_the_step_before_to_the_one_after(name: str) -> None:
    wall = step_of(COMPARISONS[name]()).wall
    first, *parts, last = bars(step_of(COMPARISONS[name]()))
    assert (first.name, first.end_ns) == ("before", wall.before)
    assert (last.name, last.end_ns) == ("after", wall.after)
    assert all(bar.begin_ns == earlier.end_ns for earlier, bar in itertools.pairwise([first, *parts]))
    assert [first, *parts][-1].end_ns == pytest.approx(wall.after, abs=0.01)


def test_bars_are_named_and_labelled_and_keep_the_colours_of_other_pictures() -> None:
    found = bars(step_of(faster()))
    assert [(bar.name, bar.text, bar.fill) for bar in found[1:-1]] == [
        ("attention", "-50.0 µs", COLOURS["attention"]),
        ("mlp", "+15.0 µs", COLOURS["mlp"]),
        ("waiting for launches", "-40.0 µs", "url(#launch_starved)"),
    ]
    shown = texts(ET.fromstring(draw_waterfall(step_of(faster()))))
    assert all(bar.name in shown and bar.text in shown for bar in found)
    assert "504 µs before, 429 µs after: -75.0 µs (-14.9 %), faster" in shown


def test_less_and_more_are_told_apart_by_colour_arrow_and_sign() -> None:
    colours = [bar.colour for bar in bars(step_of(faster()))[1:-1]]
    assert colours == [LESS_COLOUR, MORE_COLOUR, LESS_COLOUR]
    root = ET.fromstring(draw_waterfall(step_of(faster())))
    arrows = [path.attrib for path in root.iter(f"{SVG}path") if path.get("d", "").endswith(" z")]
    # The last two belong to the legend.
    assert [(arrow["fill"], "l-9" in arrow["d"]) for arrow in arrows] == [
        (LESS_COLOUR, True),
        (MORE_COLOUR, False),
        (LESS_COLOUR, True),
        (LESS_COLOUR, True),
        (MORE_COLOUR, False),
    ]


def test_bars_point_where_they_go() -> None:
    root = ET.fromstring(draw_waterfall(step_of(slower())))
    shapes = [
        [tuple(map(float, corner.split(","))) for corner in shape.attrib["points"].split()]
        for shape in root.iter(f"{SVG}polygon")
    ]
    tips = [corners[2][0] - corners[0][0] for corners in shapes[1:-1]]
    assert [tip > 0 for tip in tips] == [True, False, True]


def test_differences_that_are_not_shown_are_grey() -> None:
    colours = {bar.colour for bar in bars(step_of(unshown())) if not bar.is_total}
    assert colours == {UNSHOWN_COLOUR}
    assert any(
        "grey: no difference is shown" in text for text in texts(ET.fromstring(draw_waterfall(step_of(unshown()))))
    )


def test_of_many_parts_the_smallest_are_one_bar() -> None:
    found = bars(step_of(many_parts()))
    assert len(found) == MOST_PARTS + 3
    # 59 of the 60 changed.
    assert found[-2].name == f"other ({59 - MOST_PARTS} parts)"
    few = bars(step(1000.0, -100.0, 50.0, 20.0))
    assert [bar.name for bar in few] == ["before", "part 0", "part 1", "part 2", "after"]


def test_what_changed_by_nothing_has_no_bar_and_a_residual_has_one() -> None:
    assert [bar.name for bar in bars(step(1000.0, 0.0, -5.0))] == ["before", "part 1", "after"]
    found = bars(step(1000.0, -5.0, residual=-2.0))
    assert [bar.name for bar in found] == ["before", "part 0", "unexplained residual", "after"]
    assert [bar.name for bar in bars(step(1000.0, -5.0, residual=1e-9))] == ["before", "part 0", "after"]


@pytest.mark.parametrize(
    ("before", "differences", "begin", "end"),
    [
        (1000.0, (-900.0,), 0.0, 1000.0),
        (1000.0, (-20.0, 40.0), 970.0, 1020.0),
        (1000.0, (), 0.0, 1000.0),
        (0.0, (), 0.0, 0.0),
        (0.0, (5.0,), 0.0, 5.0),
    ],
)
def test_the_axis_begins_at_0_unless_the_change_is_small(
    before: float, differences: tuple[float, ...], begin: float, end: float
) -> None:
    axis = axis_of(bars(step(before, *differences)))
    # A quarter of the span is left beside it.
    expected = begin if begin in (0.0, before) else before - 20 - 0.25 * 40
    assert (axis.begin_ns, axis.end_ns) == (expected, end)
    assert axis.is_torn == (begin > 0)


def test_a_torn_axis_is_told() -> None:
    for differences, is_torn in (((-900.0,), False), ((-20.0,), True)):
        shown = texts(ET.fromstring(draw_waterfall(step(1000.0, *differences))))
        assert any("the axis does not begin at 0" in text for text in shown) == is_torn


def test_ticks_tell_neighbours_apart() -> None:
    shown = texts(ET.fromstring(draw_waterfall(step(1_000_000.0, -100.0))))
    ticks = [text for text in shown if re.fullmatch(r"\d+\.\d{5} ms", text)]
    assert len(ticks) == len(set(ticks)) >= 3


def test_every_hatch_that_is_used_is_drawn_and_no_other() -> None:
    root = ET.fromstring(draw_waterfall(step_of(faster())))
    assert [pattern.attrib["id"] for pattern in root.iter(f"{SVG}pattern")] == [next(iter(HATCHES))]


def test_names_are_text_and_no_markup() -> None:
    comparison = names_of_all_kinds()
    root = ET.fromstring(draw_waterfall(step_of(comparison), "", comparison.before.name))
    drawn = {"svg", "title", "rect", "text", "defs", "path", "polygon"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == drawn
    assert one_line(comparison.before.name) in texts(root)


def test_a_picture_is_the_same_each_time() -> None:
    assert draw_waterfall(step_of(many_parts())) == draw_waterfall(step_of(many_parts()))


def test_the_mark_by_which_it_is_known_is_in_it() -> None:
    assert "<!-- ours -->" in draw_waterfall(step(1.0), "ours")


def test_a_part_of_an_unknown_idle_kind_is_drawn_all_the_same() -> None:
    one = step(1000.0, -100.0)
    odd = replace(one, contributions=tuple(replace(part, is_idle=True) for part in one.contributions))
    assert isinstance(bars(odd)[1], Bar)
    ET.fromstring(draw_waterfall(odd))
