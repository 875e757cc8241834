import itertools
import xml.etree.ElementTree as ET
from collections.abc import Callable

import numpy as np
import pytest

from tests.exports import Export
from workbench.analysis.analysis import Analysis
from workbench.analysis.idle import IdleKind
from workbench.analysis.step_profile import StepProfile
from workbench.attribution.rules import LayerRules
from workbench.findings.document import FindingsDocument
from workbench.report.step_picture import (
    COLOURS,
    HATCHES,
    MARGIN,
    SPARE_COLOURS,
    WIDTH,
    draw_step,
    part_colours,
    part_name,
)
from workbench.report.texts import one_line

Named = Callable[[str], Analysis]
Document = Callable[[Analysis], FindingsDocument]
SVG = "{http://www.w3.org/2000/svg}"
BAR_HEIGHT = "40"


@pytest.fixture
def profiles(odd_capture: Analysis, document: Document) -> tuple[StepProfile, ...]:
    return document(odd_capture).profiles


def texts(root: ET.Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


def bar(root: ET.Element) -> list[ET.Element]:
    """The boxes of the bar, which carry titles."""
    return [box for box in root.iter(f"{SVG}rect") if box.find(f"{SVG}title") is not None]


def test_every_picture_is_well_formed(profiles: tuple[StepProfile, ...]) -> None:
    for profile in profiles:
        root = ET.fromstring(draw_step(profile, "a mark"))
        assert root.tag == f"{SVG}svg"


def test_pictures_of_real_captures_are_well_formed(real_capture: Analysis, document: Document) -> None:
    for profile in document(real_capture).profiles:
        ET.fromstring(draw_step(profile))


def test_names_are_text_and_no_markup(odd: Named, document: Document) -> None:
    (profile,) = document(odd("names_of_all_kinds")).profiles
    root = ET.fromstring(draw_step(profile))
    drawn = {"svg", "title", "rect", "text", "defs", "pattern", "path"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == drawn
    titles = {box.findtext(f"{SVG}title", "").rpartition(": ")[0] for box in bar(root)}
    assert titles == {part_name(part) for part in profile.parts}
    assert one_line("<script>alert('x')</script>") in texts(root)


def test_the_bar_is_as_long_as_the_step(real_capture: Analysis, document: Document) -> None:
    for profile in document(real_capture).profiles:
        boxes = bar(ET.fromstring(draw_step(profile)))
        widths = [float(box.attrib["width"]) for box in boxes]
        inner = WIDTH - 2 * MARGIN
        assert sum(widths) == pytest.approx(inner, abs=0.01 * len(boxes))
        assert float(boxes[0].attrib["x"]) == MARGIN
        for box, part in zip(boxes, profile.parts, strict=True):
            assert float(box.attrib["width"]) == pytest.approx(inner * part.time_ns / profile.wall_ns, abs=0.01)


def test_the_legend_names_every_part_with_its_time_and_share(real: Named, document: Document) -> None:
    profile = document(real("engine_style")).profiles[0]
    shown = texts(ET.fromstring(draw_step(profile)))
    # Half of it attention, half mlp, and little else.
    assert [part.label for part in profile.parts[:2]] == ["mlp", "attention"]
    for part in profile.parts:
        assert part_name(part) in shown


def test_everything_lies_inside_the_picture(profiles: tuple[StepProfile, ...]) -> None:
    for profile in profiles:
        root = ET.fromstring(draw_step(profile))
        height = float(root.attrib["height"])
        for box in root.iter(f"{SVG}rect"):
            left, top = float(box.get("x", "0")), float(box.get("y", "0"))
            assert left >= 0
            assert left + float(box.attrib["width"]) <= WIDTH + 0.01
            assert top + float(box.attrib["height"]) <= height
        assert all(float(text.attrib["y"]) < height for text in root.iter(f"{SVG}text"))


def test_neighbouring_parts_have_different_colours(profiles: tuple[StepProfile, ...]) -> None:
    for profile in profiles:
        colours = part_colours(profile)
        assert len(colours) == len(profile.parts)
        assert all(one != other for one, other in itertools.pairwise(colours))


def test_a_layer_type_has_its_colour_in_every_picture(real: Named, document: Document) -> None:
    colours = set()
    for name in ("hf_qwen3_eager", "hf_qwen3_graph", "engine_style"):
        for profile in document(real(name)).profiles:
            labels = [part.label for part in profile.parts]
            colours.add(part_colours(profile)[labels.index("attention")])
    assert len(colours) == 1


def test_a_step_says_whether_it_is_the_median_or_the_only_one(odd: Named, document: Document) -> None:
    (one,) = document(odd("one_moment")).profiles
    (median,) = document(odd("names_of_all_kinds")).profiles
    assert "step 0, the only one, takes 0 ns" in texts(ET.fromstring(draw_step(one)))
    assert "step 1, the median of 6, takes 100 µs" in texts(ET.fromstring(draw_step(median)))


def test_the_program_is_named_where_it_is_known(odd: Named, document: Document) -> None:
    (profile,) = document(odd("one_moment")).profiles
    root = ET.fromstring(draw_step(profile, program="<mine> & theirs"))
    assert "<mine> & theirs: step 0, the only one, takes 0 ns" in texts(root)


def red_green_blue(colour: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The colour's light, linear."""
    encoded = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    linear: np.ndarray[tuple[int], np.dtype[np.float64]] = np.where(
        encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4
    )
    return linear


def difference(one: str, other: str) -> float:
    """How different two colours look: their distance in CIELAB, in which 2 can just be seen."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    roots = [np.cbrt(to_xyz @ red_green_blue(colour) / (0.9505, 1, 1.089)) for colour in (one, other)]
    lab = [(116 * y, 500 * (x - y), 200 * (y - z)) for x, y, z in roots]
    return float(np.linalg.norm(np.subtract(*lab)))


def test_colours_are_told_apart() -> None:
    pairs = itertools.combinations([*COLOURS.values(), *SPARE_COLOURS], 2)
    assert min(difference(one, other) for one, other in pairs) > 20


def test_layer_types_of_the_shipped_rules_have_colours_of_their_own(rules: LayerRules) -> None:
    by_range = {rule.layer_type.constant for rule in rules.layers if rule.layer_type.constant}
    by_name = {rule.layer_type for rule in rules.kernels}
    by_order = {piece.layer_type for rule in rules.sequences for piece in rule.pieces}
    assert by_range | by_name | by_order <= COLOURS.keys()


def test_every_idle_kind_has_a_hatch_of_its_own() -> None:
    assert list(HATCHES) == [kind.label for kind in IdleKind]
    assert len({(hatch.ground, hatch.lines) for hatch in HATCHES.values()}) == len(HATCHES)
    assert sum(not hatch.lines for hatch in HATCHES.values()) == 1


def test_every_hatch_that_is_used_is_drawn_and_no_other(real_capture: Analysis, document: Document) -> None:
    for profile in document(real_capture).profiles:
        root = ET.fromstring(draw_step(profile))
        fills = {box.attrib["fill"] for box in root.iter(f"{SVG}rect") if box.attrib["fill"].startswith("url")}
        assert fills == {f"url(#{pattern.attrib['id']})" for pattern in root.iter(f"{SVG}pattern")}
        assert len(fills) == sum(part.is_idle for part in profile.parts)


def test_the_strip_is_as_high_as_the_gpu_is_busy(analysed: Callable[[Export], Analysis], document: Document) -> None:
    """Half a step of a kernel, a quarter of another: the first and the last kernel end the step."""
    export = Export()
    export.range("decode", 0, 1000)
    for name, start, end in (("a", 1000, 3000), ("b", 4000, 5000)):
        export.launch(name, 10, start, end)
    (profile,) = document(analysed(export)).profiles
    strip = [box for box in ET.fromstring(draw_step(profile)).iter(f"{SVG}rect") if box.get("height") == "26.0"]
    inner = WIDTH - 2 * MARGIN
    assert [(float(box.attrib["x"]) - MARGIN, float(box.attrib["width"])) for box in strip] == [
        (0, inner / 2),
        (inner * 3 / 4, inner / 4),
    ]


def test_the_mark_by_which_it_is_known_is_in_it(odd: Named, document: Document) -> None:
    (profile,) = document(odd("one_moment")).profiles
    assert "<!-- ours -->" in draw_step(profile, "ours")
