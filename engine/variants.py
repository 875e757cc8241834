"""Optimisations that the engine can run without: known causes of known costs, for findings to be judged by."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import EngineError
from engine.fields import shown


class Variant(StrEnum):
    """What is done the slow way. Results stay the same, bit by bit."""

    UNFUSED_QKV = "unfused-qkv"
    UNFUSED_GATE_UP = "unfused-gate-up"
    SEPARATE_CAST = "separate-cast"
    NO_PDL = "no-pdl"
    MALLOC_PER_STEP = "malloc-per-step"
    COPY_PER_HEAD = "copy-per-head"
    NO_GRAPHS = "no-graphs"


@dataclass(frozen=True)
class Story:
    """What a variant costs, and why someone would once have written it so; a line each."""

    cost: str
    reason: str


STORIES: dict[Variant, Story] = {
    Variant.UNFUSED_QKV: Story(
        "Two launches more a layer, and two small grids that leave most of the chip idle.",
        "Checkpoints store queries, keys and values as three matrices, and three products need no packing step.",
    ),
    Variant.UNFUSED_GATE_UP: Story(
        "Two launches more a layer, and the gate's and the up projection's outputs travel through memory once more.",
        "Gate and up are two modules in every model's code, and the activation is a kernel that exists already.",
    ),
    Variant.SEPARATE_CAST: Story(
        "A launch more before each product, two where a norm comes first; its input is written and read once more.",
        "A norm that knows nothing of weight formats, and one cast for each of them, are written once and reused.",
    ),
    Variant.NO_PDL: Story(
        "Each kernel starts only when the one before it has drained: about a microsecond a kernel.",
        "Programmatic dependent launch needs Hopper and a wait in every kernel; plain launches run everywhere.",
    ),
    Variant.MALLOC_PER_STEP: Story(
        "An allocation and a release in every decode step, each of which waits for the device.",
        "Scratch memory that lives as long as its step is the simplest to own, and hosts do it all the time.",
    ),
    Variant.COPY_PER_HEAD: Story(
        "A copy of a few hundred bytes for every head of every layer, each a node or a launch of its own.",
        "Attention wants its heads one after the other, and a loop over memcpy rearranges them without a kernel.",
    ),
    Variant.NO_GRAPHS: Story(
        "The host launches every kernel of every step: a few microseconds each.",
        "Without a graph, shapes and addresses may change from step to step, and a debugger sees every launch.",
    ),
}


def known_variants(names: Iterable[str]) -> frozenset[Variant]:
    """Variants by name.

    Raises:
        EngineError: there is none of this name.
    """
    chosen = set()
    for name in names:
        try:
            chosen.add(Variant(name))
        except ValueError as error:
            raise EngineError(f"there is no variant {shown(name)}; known are {', '.join(Variant)}") from error
    return frozenset(chosen)
