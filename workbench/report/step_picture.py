"""Draws where one step goes, as SVG: a bar of its parts, and the same step in time."""

import itertools
from dataclasses import dataclass

import numpy as np
from jinja2 import Environment, PackageLoader

from workbench.analysis.intervals import Timeline
from workbench.analysis.step_profile import COPIES, HIDDEN, UNATTRIBUTED, Part, StepProfile
from workbench.report import quantities
from workbench.report.terms import IDLE_NAMES
from workbench.report.texts import cut, one_line

WIDTH, MARGIN = 960, 24
STRIP_HEIGHT = 26
_INNER = WIDTH - 2 * MARGIN
_LABEL_WIDTH = 7.2  # of a character, about
_LONGEST_LEGEND = 32
# Layer types keep their colours in every report; those that decoders have stay apart for colour-blind readers.
COLOURS = {
    "attention": "#0072b2",
    "mlp": "#e69f00",
    "norm": "#009e73",
    "lm_head": "#cc79a7",
    "moe": "#d55e00",
    "gated_delta_net": "#5a0f96",
    "embedding": "#56b4e9",
    "residual": "#f0e442",
    "sampling": "#7a3b1e",
    "positions_and_masks": "#9d6bff",
    "matmul": "#1e0fc3",
    "elementwise": "#a5d2b4",
    "reduction": "#780069",
    "copy": "#a5874b",
    "scan": "#7896ff",
    "state_space": "#00e1e1",
    "collective": "#00d25a",
    "random": "#e61ee6",
    COPIES: "#7f7f7f",
    HIDDEN: "#3b3b3b",
    UNATTRIBUTED: "#c3002f",
}
SPARE_COLOURS = ("#a8d820", "#ff9b8c", "#005a5a", "#d2b4ff", "#4b5a00")


@dataclass(frozen=True)
class Hatch:
    """How idle time of a kind is filled: greys alone do not stay apart."""

    ground: str
    line: str = ""
    lines: str = ""


# On tiles of 8 by 8.
HATCHES = {
    "launch_starved": Hatch("#eceff2", "#818b98", "M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4"),
    "synchronizing": Hatch("#c8d0d9", "#59636e", "M-2,6 l4,4 M0,0 l8,8 M6,-2 l4,4"),
    "in_graph": Hatch("#f6f7f8", "#9aa4af", "M4,0 v8"),
    "no_work": Hatch("#ffffff"),
    "queued": Hatch("#dfe4e9", "#59636e", "M4,3 v2"),
    "unknown": Hatch("#ffffff", "#9aa4af", "M0,0 l8,8 M0,8 l8,-8"),
}
_DARK_INK, _LIGHT_INK = "#1f2328", "#ffffff"


@dataclass(frozen=True)
class Box:
    """A rectangle of the picture, and the text that fits in it."""

    x: float
    width: float
    colour: str
    text: str
    title: str
    height: float = 40
    ink: str = _DARK_INK


@dataclass(frozen=True)
class LegendEntry:
    """A line of the legend."""

    x: float
    y: float
    colour: str
    name: str
    value: str


def draw_step(profile: StepProfile, mark: str = "", program: str = "", device: str = "the GPU") -> str:
    """The picture as an SVG document.

    Args:
        profile: the step.
        mark: is put into a comment, by which the file is known to be ours.
        program: whose step it is, if that is known.
        device: what is busy.
    """
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
        subtitle=f"{program and program + ': '}step {profile.step}, {which}, takes {quantities.time(profile.wall_ns)}",
        hatches={name: hatch for name, hatch in HATCHES.items() if _fill(name) in colours},
        bar=bar,
        legend=legend,
        strip_height=STRIP_HEIGHT,
        strip=_strip(profile, colours),
        device=device,
        ticks=_ticks(profile),
    )


def part_colours(profile: StepProfile) -> list[str]:
    """What each part is filled with: a colour, or a hatch for idle time."""
    spare = itertools.cycle(SPARE_COLOURS)
    return [_fill(part.label) if part.is_idle else COLOURS.get(part.label) or next(spare) for part in profile.parts]


def _fill(idle_kind: str) -> str:
    return f"url(#{idle_kind})"


def _ink(fill: str) -> str:
    """The colour of text on a fill."""
    if not fill.startswith("#"):
        return _DARK_INK
    red, green, blue = (int(fill[start : start + 2], 16) for start in (1, 3, 5))
    return _DARK_INK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else _LIGHT_INK


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
        boxes.append(Box(x, width, colour, text, f"{name}: {quantities.time(part.time_ns)}", ink=_ink(colour)))
        x += width
    return boxes


def _legend(profile: StepProfile, colours: list[str]) -> list[LegendEntry]:
    columns = 2
    column_width = _INNER / columns
    rows = -(-len(profile.parts) // columns)
    return [
        LegendEntry(
            x=MARGIN + column_width * (number // rows),
            y=136 + 22 * (number % rows),
            colour=colour,
            name=cut(part_name(part), _LONGEST_LEGEND),
            value=f"{quantities.time(part.time_ns)}  {quantities.share(part.time_ns / max(1, profile.wall_ns))}",
        )
        for number, (part, colour) in enumerate(zip(profile.parts, colours, strict=True))
    ]


def _strip(profile: StepProfile, colours: list[str]) -> list[Box]:
    """The step in time, in columns a pixel wide: as high as the GPU was busy, in the colour of what took most."""
    if not profile.wall_ns:
        return []
    # In units in which every column of pixels begins at a whole number.
    edges = np.arange(_INNER + 1) * profile.wall_ns
    busy = np.zeros((_INNER, len(profile.parts)), np.int64)
    for part in np.unique(profile.part).tolist():
        own = profile.part == part
        timeline = Timeline(profile.begin_ns[own] * _INNER, profile.end_ns[own] * _INNER)
        busy[:, part] = timeline.covered_between(edges[:-1], edges[1:])
    share = busy.sum(axis=1) / profile.wall_ns
    height = np.where(share > 0, np.maximum(2, np.round(STRIP_HEIGHT * np.minimum(1, share))), 0)
    main = busy.argmax(axis=1)
    begins = np.flatnonzero(np.diff(main * 100 + height, prepend=-1))
    ends = np.append(begins[1:], _INNER)
    return [
        Box(MARGIN + begin, end - begin, colours[main[begin]], "", "", float(height[begin]))
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
        if height[begin]
    ]


def _ticks(profile: StepProfile) -> list[tuple[float, str]]:
    fractions = (0.0, 0.25, 0.5, 0.75, 1.0)
    texts = quantities.times([profile.wall_ns * fraction for fraction in fractions])
    return [(MARGIN + _INNER * fraction, text) for fraction, text in zip(fractions, texts, strict=True)]
