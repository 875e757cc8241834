"""Layer rules: which ranges and kernel names mean which layer, and which ranges are phases and steps.

Rules are data: one YAML file a family of programs, parsed by `rule_parser`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

PHASES = ("load", "warmup", "prefill", "decode", "other")
STEPPED_PHASES = ("prefill", "decode")


@dataclass(frozen=True)
class RangePattern:
    """What a range must look like: its name is searched for `name`, domain and category must match whole."""

    name: re.Pattern[str]
    domain: re.Pattern[str] | None = None
    category: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Value:
    """Where a rule takes a value from.

    Attributes:
        constant: the value itself, unless `field` is set.
        field: a named group of the patterns, or `name`, `category` or `payload` of the innermost matched range.
    """

    constant: str = ""
    field: str = ""


@dataclass(frozen=True)
class LayerRule:
    """Ranges, outermost to innermost, that make a layer of what was described inside them.

    Attributes:
        source: the rule's place, as `file:number`.
        ranges: patterns that must match ranges of the stack in this order, not necessarily neighbours.
        kernel: if set, the kernel's long name must contain a match.
        layer_type, role, layer: what the operation becomes; role and layer may be None.
    """

    source: str
    ranges: tuple[RangePattern, ...]
    kernel: re.Pattern[str] | None
    layer_type: Value
    role: Value | None
    layer: Value | None


@dataclass(frozen=True)
class KernelRule:
    """A layer told by a kernel's name, for programs that have no layer ranges.

    Attributes:
        source: the rule's place, as `file:number`.
        kernel: the kernel's long name must contain a match.
        layer_type, role: what the kernel becomes.
        symbol: one character that stands for such kernels in the sequences of the same file, or empty.
        anywhere: whether it is asked for kernels that no range tells in programs with ranges, too.
    """

    source: str
    kernel: re.Pattern[str]
    layer_type: str
    role: str
    symbol: str
    anywhere: bool


@dataclass(frozen=True)
class SequencePiece:
    """A part of a sequence.

    Attributes:
        match: a regular expression over symbols.
        layer_type: what the kernels become that it matches; empty leaves them to their names.
        roles: their roles, by symbol; under the empty symbol that of all others.
    """

    match: str
    layer_type: str
    roles: Mapping[str, str]


@dataclass(frozen=True)
class SequenceRule:
    """Layers told by the order of kernels, where names alone do not tell them: all of it matches, or nothing.

    Attributes:
        source: the rule's place, as `file:number`.
        pattern: the pieces joined, one group a piece; `|` stands for the ends of a step.
        pieces: the pieces.
        is_layer: whether each match is a layer of the model, numbered within its step.
        symbols: what kernels' names are turned into, in order; names that match none become a space.
    """

    source: str
    pattern: re.Pattern[str]
    pieces: tuple[SequencePiece, ...]
    is_layer: bool
    symbols: tuple[tuple[re.Pattern[str], str], ...]


@dataclass(frozen=True)
class PhaseRule:
    """A range that is a phase, or a step of one.

    A group named `step` in the pattern is the step's number, else the range's payload is.
    """

    source: str
    range: RangePattern
    phase: str


@dataclass(frozen=True)
class LayerRules:
    """All rules, those that win first.

    `block_input_roles` names, by layer type, the projections that read the block's own input (and never another
    projection's output). `library_domains` are NVTX domains that libraries annotate of their own accord.
    """

    layers: tuple[LayerRule, ...] = ()
    kernels: tuple[KernelRule, ...] = ()
    sequences: tuple[SequenceRule, ...] = ()
    phases: tuple[PhaseRule, ...] = ()
    block_input_roles: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    library_domains: tuple[re.Pattern[str], ...] = ()

    def __add__(self, other: "LayerRules") -> "LayerRules":
        return LayerRules(
            self.layers + other.layers,
            self.kernels + other.kernels,
            self.sequences + other.sequences,
            self.phases + other.phases,
            {**other.block_input_roles, **self.block_input_roles},
            self.library_domains + other.library_domains,
        )
