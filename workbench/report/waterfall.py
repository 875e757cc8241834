"""Draws where the difference of a step comes from, as SVG: part by part from the mean step before to the one after."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader

from workbench.compare.estimate import Change
from workbench.compare.reconciliation import Contribution, ReconciledStep
from workbench.report import quantities
from workbench.report.diff import LEAST_NS, change_words, largest_parts, part_label
from workbench.report.step_picture import COLOURS, HATCHES, MARGIN, SPARE_COLOURS, WIDTH
from workbench.report.texts import cut, one_line

# So many parts have a bar of their own, if they make so much of all changes; the others are one bar together.
MOST_PARTS, LEAST_SHARE = 12, 0.002
ROW_HEIGHT, BAR_HEIGHT = 26, 18
_TOP = 96
_PLOT_LEFT, _PLOT_RIGHT = 244, 816
_LONGEST_NAME, _LONGEST_SUBTITLE = 28, 120
# An axis that begins at 0 would leave a change that is smaller than this, as a part of the step, no room.
_SMALL_CHANGE, _ROOM = 0.35, 0.25
_TICKS = 5
LESS_COLOUR, MORE_COLOUR, UNSHOWN_COLOUR = "#1a7f37", "#cf222e", "#59636e"
_TOTAL_FILL, _OTHER_FILL, _RESIDUAL_FILL = "#59636e", "#d0d7de", "#1f2328"


@dataclass(frozen=True)
class Bar:
    """A bar from one time to another, in ns; `is_total` for the steps themselves, which begin at the axis."""

    name: str
    begin_ns: float
    end_ns: float
    fill: str
    text: str
    colour: str = "#1f2328"
    is_total: bool = False


@dataclass(frozen=True)
class Axis:
    """The times that the picture shows, in ns."""

    begin_ns: float
    end_ns: float

    def x(self, time_ns: float) -> float:
        """Where a time lies in the picture."""
        length_ns = self.end_ns - self.begin_ns
        return (
            _PLOT_LEFT + (time_ns - self.begin_ns) / length_ns * (_PLOT_RIGHT - _PLOT_LEFT) if length_ns else _PLOT_LEFT
        )

    @property
    def is_torn(self) -> bool:
        """Whether it does not begin at 0."""
        return self.begin_ns > 0


def draw_waterfall(step: ReconciledStep, mark: str = "", sides: str = "") -> str:
    """The picture as an SVG document.

    Args:
        step: the step.
        mark: is put into a comment, by which the file is known to be ours.
        sides: what is compared with what.
    """
    found = bars(step)
    axis = axis_of(found)
    wall = step.wall
    change = f" ({quantities.change(wall.share)})" if wall.share is not None else ""
    fills = {bar.fill for bar in found}
    environment = Environment(loader=PackageLoader("workbench.report"), autoescape=True)
    bottom = _TOP + ROW_HEIGHT * len(found)
    return environment.get_template("waterfall.svg.j2").render(
        mark=mark,
        width=WIDTH,
        height=bottom + 62,
        margin=MARGIN,
        left=_PLOT_LEFT,
        right=_PLOT_RIGHT,
        top=_TOP,
        bottom=bottom,
        title=f"Where the difference of a {step.phase} step comes from",
        sides=cut(one_line(sides), _LONGEST_SUBTITLE),
        subtitle=f"{quantities.time(wall.before)} before, {quantities.time(wall.after)} after: "
        f"{quantities.difference(wall.difference)}{change}, {change_words(wall)}",
        hatches={name: hatch for name, hatch in HATCHES.items() if _hatch(name) in fills},
        rows=[_row(number, bar, axis) for number, bar in enumerate(found)],
        links=[
            (axis.x(bar.end_ns), _TOP + ROW_HEIGHT * number + BAR_HEIGHT, _TOP + ROW_HEIGHT * (number + 1))
            for number, bar in enumerate(found[:-1])
        ],
        is_torn=axis.is_torn,
        ticks=_ticks(axis),
        less=LESS_COLOUR,
        more=MORE_COLOUR,
        has_unshown=any(bar.colour == UNSHOWN_COLOUR for bar in found),
    )


def bars(step: ReconciledStep) -> list[Bar]:
    """The step before, what its parts add or take away, and the step after."""
    wall = step.wall
    changed = [part for part in step.contributions if part.time.difference]
    least_ns = LEAST_SHARE * sum(abs(part.time.difference) for part in changed)
    shown, small = largest_parts(changed, MOST_PARTS, least_ns)
    fills = part_fills(shown)
    found = [Bar("before", 0.0, wall.before, _TOTAL_FILL, quantities.time(wall.before), is_total=True)]
    for part, fill in zip(shown, fills, strict=True):
        found.append(
            _next(found[-1], cut(part_label(part), _LONGEST_NAME), part.time.difference, fill, part.time.change)
        )
    if small:
        changes = {part.time.change for part in small}
        change = changes.pop() if len(changes) == 1 else Change.UNDECIDED
        difference = sum(part.time.difference for part in small)
        found.append(_next(found[-1], f"other ({len(small)} parts)", difference, _OTHER_FILL, change))
    if abs(step.residual) >= LEAST_NS:
        last = found[-1].end_ns
        text = quantities.difference(step.residual)
        found.append(Bar("unexplained residual", last, last + step.residual, _RESIDUAL_FILL, text))
    return [*found, Bar("after", 0.0, wall.after, _TOTAL_FILL, quantities.time(wall.after), is_total=True)]


def _next(last: Bar, name: str, difference: float, fill: str, change: Change) -> Bar:
    certain = LESS_COLOUR if difference < 0 else MORE_COLOUR
    colour = UNSHOWN_COLOUR if change in (Change.NONE_SHOWN, Change.UNDECIDED) else certain
    return Bar(name, last.end_ns, last.end_ns + difference, fill, quantities.difference(difference), colour)


def part_fills(parts: Sequence[Contribution]) -> list[str]:
    """What each part is filled with, as in the picture of a step."""
    spare = itertools.cycle(SPARE_COLOURS)
    return [
        _hatch(part.label) if part.is_idle and part.label in HATCHES else COLOURS.get(part.label) or next(spare)
        for part in parts
    ]


def _hatch(idle_kind: str) -> str:
    return f"url(#{idle_kind})"


def axis_of(found: Sequence[Bar]) -> Axis:
    """The times to be shown: from 0 on, unless the change would then be too small to be seen."""
    ends = [bar.end_ns for bar in found]
    low, high = min(ends), max(ends)
    span = high - low
    is_small = low > 0 and 0 < span < _SMALL_CHANGE * high
    begin = max(0.0, low - _ROOM * span) if is_small else min(0.0, low)
    return Axis(begin, high)


def _row(number: int, bar: Bar, axis: Axis) -> dict[str, object]:
    """What the template draws of a bar: its shape ends in an arrow that says which way it goes."""
    begin, end = axis.x(max(axis.begin_ns, 0.0) if bar.is_total else bar.begin_ns), axis.x(bar.end_ns)
    top = _TOP + ROW_HEIGHT * number
    tip = 0.0 if bar.is_total else math.copysign(min(6.0, abs(end - begin)), end - begin)
    corners = [
        (begin, top),
        (end - tip, top),
        (end, top + BAR_HEIGHT / 2),
        (end - tip, top + BAR_HEIGHT),
        (begin, top + BAR_HEIGHT),
    ]
    return {
        "bar": bar,
        "y": top,
        "shape": " ".join(f"{x:.2f},{y:.1f}" for x, y in corners),
        "is_less": bar.end_ns < bar.begin_ns,
        "is_more": not bar.is_total and bar.end_ns > bar.begin_ns,
        "title": f"{bar.name}: {bar.text}",
    }


def _ticks(axis: Axis) -> list[tuple[float, str]]:
    length_ns = axis.end_ns - axis.begin_ns
    if not length_ns:
        return []
    rough = length_ns / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    times_ns = [number * step for number in range(math.ceil(axis.begin_ns / step), math.floor(axis.end_ns / step) + 1)]
    return [(axis.x(time), text) for time, text in zip(times_ns, quantities.axis(times_ns, step), strict=True)]
