"""Whether two captures may be compared: which differences are under test, and which make the answer meaningless.

A difference is *refused* where it changes times by itself, so that what is under test could no longer be told from
it: another program, model, format of weights, workload or GPU, graphs, a driver, limits of clocks, a recorder, or a
commit that was not declared. It is only *noted* where its effect is usually far below what is looked for, and a
refusal would forbid most comparisons ever made: the host's kernel and Python, the versions of libraries (a commit
that is under test often brings them), CUDA's version beside an equal driver, uncommitted changes, flags of nsys.

- nsys: what tracing costs changed with its releases, most of all that of single graph nodes. Another year or major
  version is refused, a patch noted.
- Clocks: the momentary clock of a GPU at rest says nothing and is not compared. Limits must be equal; the clocks that
  the engine tells at the end of its run may lie 5 % apart, for boost clocks of one GPU were seen 4 % apart.
- Free words: what a program calls itself and its work cannot be compared but word by word. Other words are refused
  where nothing is under test that they could speak of, and noted where there is.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations

from workbench.compare.fingerprint import NO_VARIANT, OFF, WORKLOAD_FIELDS, Fingerprint, workload_text
from workbench.errors import UserError

FACTORS = ("commit", "graphs", "weights", "variant", "model", "driver", "program")
DEFAULT_FACTORS = ("commit",)

# The engine's variant that is nothing but graphs switched off.
_NO_GRAPHS = "no-graphs"
_CLOCK_TOLERANCE = 0.05
_LONGEST_SHOWN = 100
_LABELS = {
    "gpu": "GPU",
    "cuda": "CUDA version",
    "nsys": "nsys version",
    "multiprocessors": "number of multiprocessors",
    "clocks": "clock at the end of the run",
    "max_clocks": "clock limit",
    "tracing": "list of nsys flags",
    "graph_trace": "way in which graphs were recorded",
    "shape": "shape of the model",
    "weights": "format of weights",
    "weights_source": "source of weights",
    "worktree": "state of the worktree",
    "program_name": "name of the program",
    "cache_format": "format of the cache",
}


class Kind(StrEnum):
    """What a difference means."""

    VARIED = "varied"
    """It is under test, or follows from what is."""
    REFUSED = "refused"
    """It makes the comparison meaningless."""
    NOTED = "noted"
    """It is worth a word."""
    UNKNOWN = "unknown"
    """One side does not tell, so that nobody knows whether there is a difference."""


@dataclass(frozen=True)
class FieldDifference:
    """Something in which two captures differ, or may differ.

    Attributes:
        field: a field of `Fingerprint`.
        before, after: its values; None where unknown.
        kind: what that means.
    """

    field: str
    before: str | None
    after: str | None
    kind: Kind

    @property
    def text(self) -> str:
        """The difference in a few words."""
        if self.kind is Kind.UNKNOWN:
            return f"the {label(self.field)} of {'BEFORE' if self.before is None else 'AFTER'} is not known"
        return f"{label(self.field)} ({_shown(self.before)} before, {_shown(self.after)} after)"


@dataclass(frozen=True)
class _Rule:
    """How the values of a field are judged where they differ.

    Attributes:
        kind: what a difference is by itself.
        varied_by: factors of which it is a part, or a consequence.
        softened_by: factors beside which it is only noted.
        is_missed: whether it must be said that one side does not tell.
        tolerance: how far apart numbers in a value may lie, as a part of the larger.
    """

    kind: Kind = Kind.REFUSED
    varied_by: tuple[str, ...] = ()
    softened_by: tuple[str, ...] = ()
    is_missed: bool = True
    tolerance: float = 0.0


# What a program's own words may speak of.
_SPOKEN_OF = ("program", "graphs", "variant", "weights", "model")
_RULES = {
    "recorder": _Rule(),
    "program": _Rule(varied_by=("program",)),
    "model": _Rule(varied_by=("model",)),
    "shape": _Rule(varied_by=("model",), is_missed=False),
    # A model brings its own weights, but not their format.
    "weights": _Rule(varied_by=("weights",)),
    "weights_source": _Rule(varied_by=("weights", "model"), softened_by=("program",), is_missed=False),
    **{name: _Rule() for name in WORKLOAD_FIELDS},
    "graphs": _Rule(varied_by=("graphs",)),
    # Single nodes cost more to record than whole graphs, which hide their kernels.
    "graph_trace": _Rule(is_missed=False),
    "variant": _Rule(varied_by=("variant",)),
    "gpu": _Rule(),
    "multiprocessors": _Rule(is_missed=False),
    "driver": _Rule(varied_by=("driver",)),
    "cuda": _Rule(Kind.NOTED, varied_by=("driver",), is_missed=False),
    "max_clocks": _Rule(),
    "power_limit": _Rule(),
    "clocks": _Rule(tolerance=_CLOCK_TOLERANCE, is_missed=False),
    "nsys": _Rule(),
    "tracing": _Rule(Kind.NOTED, is_missed=False),
    # Another program has commits of its own.
    "commit": _Rule(varied_by=("commit", "program")),
    "worktree": _Rule(Kind.NOTED, varied_by=("commit", "program"), is_missed=False),
    "host": _Rule(Kind.NOTED, is_missed=False),
    "python": _Rule(Kind.NOTED, is_missed=False),
    "libraries": _Rule(Kind.NOTED, is_missed=False),
    "program_name": _Rule(varied_by=("program",), softened_by=_SPOKEN_OF, is_missed=False),
    "workload": _Rule(softened_by=_SPOKEN_OF, is_missed=False),
}


def label(field: str) -> str:
    """What a field is called in a sentence."""
    return _LABELS.get(field, field.replace("_", " "))


def factors(names: Iterable[str]) -> tuple[str, ...]:
    """The factors under test, in the order of `FACTORS`.

    Args:
        names: as given with --vary, each one factor or several with commas between.

    Raises:
        UserError: there is no such factor.
    """
    words = [part.strip() for name in names for part in name.split(",")]
    given = set(filter(None, words))
    if unknown := sorted(given - set(FACTORS)):
        raise UserError(f"--vary {_shown(unknown[0])} is no factor; name some of {', '.join(FACTORS)}")
    if words and not given:
        raise UserError(f"--vary names nothing; name some of {', '.join(FACTORS)}")
    return tuple(factor for factor in FACTORS if factor in given)


def differences(before: Fingerprint, after: Fingerprint, vary: Sequence[str]) -> tuple[FieldDifference, ...]:
    """In what two captures, or sets of captures, differ or may differ; nothing where both sides do not tell.

    Args:
        before: what one was made of.
        after: what the other was.
        vary: what is under test, some of `FACTORS`.

    Raises:
        UserError: there is no such factor.
    """
    declared = set(factors(vary))
    if "variant" not in declared:
        before, after = _without_no_graphs(before), _without_no_graphs(after)
    found = [
        difference
        for name, rule in _RULES.items()
        if (difference := _difference(name, rule, *_values(name, before, after), declared))
    ]
    if _explains_graphs(before, after, declared):
        found = [replace(one, kind=Kind.VARIED) if one.field == "graphs" else one for one in found]
    return tuple(_without_repetition(found, before, after))


def refuse_incomparable(found: Sequence[FieldDifference], vary: Sequence[str]) -> None:
    """Refuses a comparison that would be meaningless.

    Args:
        found: all differences.
        vary: what is under test.

    Raises:
        UserError: something differs that is not under test; the message names all of it.
    """
    refused = [one for one in found if one.kind is Kind.REFUSED]
    if not refused:
        return
    texts = ", ".join(one.text for one in refused)
    missing = _factors_to_declare(refused)
    varied = {factor for one in found if one.kind is Kind.VARIED for factor in _RULES[one.field].varied_by}
    names = ",".join(factor for factor in FACTORS if factor in missing | (varied & set(vary)))
    remedy = f"declare what is under test with --vary {names}, or " if missing else ""
    raise UserError(
        f"BEFORE and AFTER cannot be compared, for they differ in {texts}; {remedy}capture both sides alike"
    )


def refuse_mixed(members: Sequence[tuple[str, Fingerprint]]) -> None:
    """Refuses a set whose captures are not of the same thing.

    Args:
        members: the captures' names, and what they were made of.

    Raises:
        UserError: two of them differ; the message names both, and all in which they do.
    """
    for (name, one), (other_name, other) in combinations(members, 2):
        refused = [found for found in differences(one, other, ()) if found.kind is Kind.REFUSED]
        if refused:
            texts = ", ".join(f"{label(at.field)} ({_shown(at.before)}, {_shown(at.after)})" for at in refused)
            raise UserError(
                f"{name} and {other_name} do not belong in one set, for they differ in {texts}; "
                "give sets of captures that were made alike"
            )


def caveats(before: Fingerprint, after: Fingerprint) -> tuple[str, ...]:
    """What equal fingerprints do not promise, a sentence each."""
    sentences = [
        f"The program of {side} says that graphs were {one.graphs_told}, but its steps ran with graphs {one.graphs}."
        for side, one in (("BEFORE", before), ("AFTER", after))
        if one.graphs_told and one.graphs and one.graphs_told != one.graphs
    ]
    if before.commit == after.commit is not None and before.worktree == after.worktree == "with changes":
        sentences.append(
            "Both sides ran with uncommitted changes to the same commit, so the code may differ all the same."
        )
    return tuple(sentences)


def _values(name: str, before: Fingerprint, after: Fingerprint) -> tuple[str | None, str | None]:
    """The values of a field, or what stands for them, so that like is held against like."""
    pair = getattr(before, name), getattr(after, name)
    if name == "model" and None in pair and before.layers and after.layers and before.layers != after.layers:
        return pair[0] or before.layers, pair[1] or after.layers
    if name == "nsys" and None in pair and before.exporter and after.exporter:
        return before.exporter, after.exporter
    return pair


def _difference(
    name: str, rule: _Rule, before: str | None, after: str | None, declared: set[str]
) -> FieldDifference | None:
    if before is None or after is None:
        is_said = rule.is_missed and before is not after
        return FieldDifference(name, before, after, Kind.UNKNOWN) if is_said else None
    if _alike(before, after, rule.tolerance):
        return None
    if declared.intersection(rule.varied_by):
        kind = Kind.VARIED
    elif declared.intersection(rule.softened_by) or (name == "nsys" and _release(before) == _release(after)):
        kind = Kind.NOTED
    else:
        kind = rule.kind
    return FieldDifference(name, before, after, kind)


def _alike(before: str, after: str, tolerance: float) -> bool:
    """Whether two texts say the same, numbers in them within a tolerance."""
    if (is_equal := before.casefold() == after.casefold()) or not tolerance:
        return is_equal
    numbers = [[float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)] for text in (before, after)]
    return len(numbers[0]) == len(numbers[1]) and all(
        abs(one - other) <= tolerance * max(one, other) for one, other in zip(*numbers, strict=True)
    )


def _release(version: str) -> tuple[str, ...]:
    """Year and major version of nsys."""
    return tuple(version.split(".")[:2])


def _variants(one: Fingerprint) -> set[str]:
    return set((one.variant or NO_VARIANT).split(", ")) - {NO_VARIANT}


def _without_no_graphs(one: Fingerprint) -> Fingerprint:
    """The variant that switches graphs off is judged as graphs are: either way of doing so does the same."""
    if _NO_GRAPHS not in _variants(one):
        return one
    return replace(one, variant=", ".join(sorted(_variants(one) - {_NO_GRAPHS})) or NO_VARIANT)


def _explains_graphs(before: Fingerprint, after: Fingerprint, declared: set[str]) -> bool:
    """Whether graphs differ because one side ran the variant without them, and variants are under test."""
    without = [one for one in (before, after) if _NO_GRAPHS in _variants(one)]
    return "variant" in declared and len(without) == 1 and without[0].graphs == OFF


def _without_repetition(
    found: Sequence[FieldDifference], before: Fingerprint, after: Fingerprint
) -> Iterator[FieldDifference]:
    """Says once what has one cause: a model's shape follows from the model, and so on."""
    differing = {one.field for one in found if one.kind is not Kind.UNKNOWN}
    causes = {"shape": "model", "multiprocessors": "gpu", "program_name": "program", "variant": "program"}
    untold = _untold_workload(before, after)
    for one in found:
        if not (untold and one.field in WORKLOAD_FIELDS) and causes.get(one.field) not in differing:
            yield one
    if untold:
        yield untold


def _untold_workload(before: Fingerprint, after: Fingerprint) -> FieldDifference | None:
    """The whole workload as one unknown, where one side tells nothing of it, or nothing but words."""
    for tells in (_has_numbers, lambda one: one.workload is not None):
        texts = [workload_text(one) if tells(one) else None for one in (before, after)]
        if texts.count(None) == 1:
            return FieldDifference("workload", texts[0], texts[1], Kind.UNKNOWN)
        if None not in texts:
            break
    return None


def _has_numbers(one: Fingerprint) -> bool:
    return any(getattr(one, name) is not None for name in WORKLOAD_FIELDS)


def _factors_to_declare(refused: Sequence[FieldDifference]) -> set[str]:
    """The factors that would allow what is refused, as few as a glance finds; none where some of it never is."""
    options = sorted((_options(_RULES[one.field]) for one in refused), key=len)
    chosen: set[str] = set()
    for option in options:
        if not option:
            return set()
        if not chosen.intersection(option):
            chosen.add(option[0])
    return chosen


def _options(rule: _Rule) -> tuple[str, ...]:
    return rule.varied_by + rule.softened_by


def _shown(text: str | None) -> str:
    """A value as a sentence may hold it."""
    line = " ".join((text or "").split())
    line = line if len(line) <= _LONGEST_SHOWN else f"{line[: _LONGEST_SHOWN - 1]}…"
    return f"`{line}`" if "," in line else line
