"""Short names for the kernels of a comparison, such that no two of them read alike."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from workbench.compare.measurement import Kernel
from workbench.compare.rows import KernelPair
from workbench.findings.names import label

if TYPE_CHECKING:
    from workbench.compare.comparison import Comparison

_UNNAMED = "<unnamed>::"
# What nsys writes around arguments and says nothing: scopes, casts of numbers.
_CLUTTER = re.compile(r"<unnamed>::|\b\w+::|\([a-z][a-z ]*\)(?=-?\d)")
_OPEN, _CLOSE = "<([{", ">)]}"


def kernel_labels(comparison: "Comparison") -> dict[Kernel, str]:
    """The shortest spelling of each kernel that tells it from all others of both sides.

    That is its short name; the same with what it was instantiated for (`reduce_kernel (Mean)`), or with those of its
    template arguments in which kernels of that name differ (`gemv <…, 8>`); or its long name.
    """
    kernels = (
        kernel
        for row in comparison.rows
        for pair in row.kernels
        for kernel in (*pair.before_kernels, *pair.after_kernels)
    )
    return label_kernels(kernels)


def label_kernels(kernels: Iterable[Kernel]) -> dict[Kernel, str]:
    """The same for some kernels."""
    open_ones = list(dict.fromkeys(kernels))
    found: dict[Kernel, str] = {}
    for spell in _WAYS:
        spelled = spell(open_ones)
        count = Counter([*spelled, *found.values()])
        found |= {kernel: text for kernel, text in zip(open_ones, spelled, strict=True) if text and count[text] == 1}
        open_ones = [kernel for kernel in open_ones if kernel not in found]
    return found | {kernel: kernel.long for kernel in open_ones}


def pair_label(pair: KernelPair, labels: Mapping[Kernel, str]) -> str:
    """What became of what: `softmax + cast -> softmax_to_fp16`; one name where both sides have the same, or one has."""
    before, after = (
        " + ".join(labels.get(kernel, kernel.short) for kernel in kernels)
        for kernels in (pair.before_kernels, pair.after_kernels)
    )
    if before == after or not (before and after):
        return before or after
    return f"{before} -> {after}"


def _short(kernels: Sequence[Kernel]) -> list[str]:
    return [kernel.short for kernel in kernels]


def _instantiated(kernels: Sequence[Kernel]) -> list[str]:
    return [label(kernel.short, kernel.long) for kernel in kernels]


def _differing(kernels: Sequence[Kernel]) -> list[str]:
    """Short names with the template arguments in which kernels of one name differ; empty where there are none."""
    arguments = [template_arguments(kernel.long) for kernel in kernels]
    alike: dict[tuple[str, int], list[tuple[str, ...]]] = {}
    for kernel, own in zip(kernels, arguments, strict=True):
        alike.setdefault((kernel.short, len(own)), []).append(own)
    return [
        f"{kernel.short} <{_shown(own, alike[kernel.short, len(own)])}>" if own else ""
        for kernel, own in zip(kernels, arguments, strict=True)
    ]


def _shown(own: Sequence[str], alike: Sequence[Sequence[str]]) -> str:
    """A kernel's template arguments; dots for each run of those that all have."""
    shown: list[str] = []
    for argument, *others in zip(own, *alike, strict=True):
        text = "…" if len(set(others)) == 1 else argument
        if text != "…" or shown[-1:] != ["…"]:
            shown.append(text)
    return ", ".join(shown)


def template_arguments(long: str) -> tuple[str, ...]:
    """The outermost template arguments in a function's name, without scopes and casts; none where it has none."""
    begin = long.replace(_UNNAMED, "_" * len(_UNNAMED)).find("<")
    if begin < 0:
        return ()
    arguments, depth, argument = [], 0, ""
    for character in long[begin + 1 :]:
        if depth == 0 and character in ",>":
            arguments.append(_CLUTTER.sub("", " ".join(argument.split())))
            argument = ""
            if character == ">":
                break
            continue
        depth += (character in _OPEN) - (character in _CLOSE)
        argument += character
    return tuple(arguments)


_WAYS: tuple[Callable[[Sequence[Kernel]], list[str]], ...] = (_short, _instantiated, _differing)
