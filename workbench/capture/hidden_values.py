"""Says whose values were masked in what a program said, so that the user can rename or unset what is harmless."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workbench.capture.environment_values import EnvironmentValues


@dataclass(frozen=True)
class HiddenValue:
    """A value of the environment that was masked.

    Attributes:
        variables: the names of the variables that have it.
        texts: how many distinct texts lost it.
    """

    variables: tuple[str, ...]
    texts: int


def hidden_values(texts: Iterable[str], values: EnvironmentValues) -> tuple[HiddenValue, ...]:
    """What `EnvironmentValues.mask_in_speech` masks in these texts, what hides most first."""
    counts = Counter(variables for text in set(texts) for variables in values.variables_in_speech(text))
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(HiddenValue(variables, count) for variables, count in ordered)


def ranges_warnings(hidden: Sequence[HiddenValue]) -> tuple[str, ...]:
    """What the names of ranges lost and what to do about it, in one sentence; none where they lost nothing."""
    if not hidden:
        return ()
    (first, *others) = hidden
    counts = [f"{_owners(first)} in {first.texts} {'name' if first.texts == 1 else 'names'}"]
    counts += [f"{_owners(value)} in {value.texts}" for value in others]
    return (
        f"names of ranges hold values of environment variables, which are masked: {', '.join(counts)}; "
        "rename the ranges, or unset the variables, where layers or steps are lost by it",
    )


def manifest_warnings(hidden: Sequence[HiddenValue]) -> tuple[str, ...]:
    """What the command line and the workload lost and what to do about it, in one sentence; none likewise."""
    if not hidden:
        return ()
    return (
        "the command line or the workload holds values of environment variables, which are masked in the manifest: "
        f"{', '.join(map(_owners, hidden))}; unset the variables if all may know them",
    )


def _owners(value: HiddenValue) -> str:
    return " and ".join(value.variables)
