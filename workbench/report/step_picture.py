"""Draws where one step goes, as SVG: a bar of its parts, and the same step in time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader
from numpy.typing import NDArray

from workbench.analysis.step_profile import COPIES, HIDDEN, UNATTRIBUTED, Part, StepProfile
from workbench.report import units
from workbench.report.capture import IDLE_NAMES
from workbench.report.texts import cut, one_line
from workbench.trace.columns import IntArray

WIDTH, MARGIN = 960, 24
STRIP_HEIGHT = 26
_INNER = WIDTH - 2 * MARGIN
_LABEL_WIDTH = 7.2  # of a character, about
_LONGEST_LEGEND = 32
# Colours that stay apart for colour-blind readers; layer types keep theirs in every report.
_COLOURS = {
    "attention": "#0072b2",
    "mlp": "#e69f00",
    "norm": "#009e73",
    "lm_head": "#cc79a7",
    "moe": "#d55e00",
    "gated_delta_net": "#6a51a3",
    "embedding": "#56b4e9",
    "residual": "#b8a200",
    "sampling": "#8c564b",
    "matmul": "#4c78a8",
    "elementwise": "#bab0ac",
    COPIES: "#7f7f7f",
    HIDDEN: "#3b3b3b",
    UNATTRIBUTED: "#c44e52",
}
_SPARE = ("#1b9e77", "#7570b3", "#a6761d", "#66a61e", "#e7298a", "#666666")
_IDLE_COLOURS = {
    "launch_starved": "#e3e5e8",
    "synchronizing": "#cfd4da",
    "in_graph": "#eef0f2",
    "no_work": "#f6f7f8",
    "queued": "#dde2e6",
    "unknown": "#f6f7f8",
}


@dataclass(frozen=True)
class Box:
    """A rectangle of the picture, and the text that fits in it."""

    x: float
    width: float
    colour: str
    text: str
    title: str
    height: float = 40


@dataclass(frozen=True)
class Entry:
    """A line of the legend."""

    x: float
    y: float
    colour: str
    name: str
    value: str


def draw_step(profile: StepProfile, mark: str = "") -> str:
    """The picture as an SVG document; `mark` is put into a comment, by which the file is known to be ours."""
    colours = part_colours(profile)
    bar = _bar(profile, colours)
    legend = _legend(profile, colours)
    environment = Environment(loader=PackageLoader("workbench.report"), autoescape=True)
    which = "the only one" if profile.steps == 1 else f"the median of {profile.steps}"
    legend_bottom = max((entry.y for entry in legend), default=120.0)
    return environment.get_template("step.svg.j2").render(
        mark=mark,
        width=WIDTH,
        margin=MARGIN,
        inner=_INNER,
        height=legend_bottom + 96,
        strip_y=legend_bottom + 44,
        title=f"Where a {profile.phase} step goes",
        subtitle=f"step {profile.step}, {which}: {units.time(profile.wall_ns)}",
        bar=bar,
        legend=legend,
        strip_height=STRIP_HEIGHT,
        strip=_strip(profile, colours),
        ticks=_ticks(profile),
    )


def part_colours(profile: StepProfile) -> list[str]:
    """A colour for each part."""
    spare = iter(_SPARE * (1 + len(profile.parts) // len(_SPARE)))
    return [
        _IDLE_COLOURS[part.label] if part.is_idle else _COLOURS.get(part.label) or next(spare) for part in profile.parts
    ]


def part_name(part: Part) -> str:
    """What a part is called."""
    return IDLE_NAMES[part.label] if part.is_idle else one_line(part.label)


def _bar(profile: StepProfile, colours: list[str]) -> list[Box]:
    boxes = []
    x = float(MARGIN)
    for part, colour in zip(profile.parts, colours, strict=True):
        width = part.time_ns / profile.wall_ns * _INNER if profile.wall_ns else 0.0
        name = part_name(part)
        text = name if len(name) * _LABEL_WIDTH < width - 8 else ""
        boxes.append(Box(x, width, colour, text, f"{name}: {units.time(part.time_ns)}"))
        x += width
    return boxes


def _legend(profile: StepProfile, colours: list[str]) -> list[Entry]:
    columns = 2
    column_width = _INNER / columns
    rows = -(-len(profile.parts) // columns)
    return [
        Entry(
            x=MARGIN + column_width * (number // rows),
            y=136 + 22 * (number % rows),
            colour=colour,
            name=cut(part_name(part), _LONGEST_LEGEND),
            value=f"{units.time(part.time_ns)}  {units.share(part.time_ns / max(1, profile.wall_ns))}",
        )
        for number, (part, colour) in enumerate(zip(profile.parts, colours, strict=True))
    ]


def _strip(profile: StepProfile, colours: list[str]) -> list[Box]:
    """The step in time, in columns a pixel wide: as high as the GPU was busy, in the colour of what took most."""
    if not profile.wall_ns:
        return []
    edges_ns = np.arange(_INNER + 1) * (profile.wall_ns / _INNER)
    busy_ns = np.zeros((_INNER, len(profile.parts)))
    for part in np.unique(profile.part).tolist():
        own = profile.part == part
        busy_ns[:, part] = np.diff(_covered(profile.begin_ns[own], profile.end_ns[own], edges_ns))
    share = busy_ns.sum(axis=1) / (profile.wall_ns / _INNER)
    height = np.where(share > 0, np.maximum(2, np.round(STRIP_HEIGHT * np.minimum(1, share))), 0)
    main = busy_ns.argmax(axis=1)
    begins = np.flatnonzero(np.diff(main * 100 + height, prepend=-1))
    ends = np.append(begins[1:], _INNER)
    return [
        Box(MARGIN + begin, end - begin, colours[main[begin]], "", "", float(height[begin]))
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
        if height[begin]
    ]


def _covered(begin_ns: IntArray, end_ns: IntArray, at_ns: NDArray[Any]) -> NDArray[Any]:
    """How much of the time before each moment disjoint, ordered intervals cover."""
    if not len(begin_ns):
        return np.zeros(len(at_ns))
    before = np.concatenate([[0], np.cumsum(end_ns - begin_ns)])
    last = np.searchsorted(begin_ns, at_ns, "right") - 1
    within = np.minimum(at_ns, end_ns[last]) - begin_ns[last]
    return np.where(last >= 0, before[last] + within, 0)


def _ticks(profile: StepProfile) -> list[tuple[float, str]]:
    fractions = (0.0, 0.25, 0.5, 0.75, 1.0)
    texts = units.times([profile.wall_ns * fraction for fraction in fractions])
    return [(MARGIN + _INNER * fraction, text) for fraction, text in zip(fractions, texts, strict=True)]
