"""Kernel names as people can read them."""

import re

# What tells one PyTorch elementwise or reduction kernel from another: the operation among its template arguments.
_OPERATION = re.compile(r"\b(\w+?)(?:_kernel_impl|_kernel_cuda|_kernel_impl_cuda|_kernel|Functor|Ops|Op)\b")
_CONTAINERS = {
    "Binary", "AUnary", "BUnary", "CUDA", "gpu", "elementwise", "unrolled_elementwise", "vectorized_elementwise",
    "Reduce", "reduce", "distribution_elementwise_grid_stride", "distribution_nullary", "index_elementwise",
}  # fmt: skip
# CUTLASS launches everything through a template of one of these names; its first argument is the kernel's.
_CUTLASS = re.compile(r"\bcutlass::(?:Kernel2?|device_kernel)<(?:\w+::)*(\w+)")
_LONGEST = 72


def label(short: str, long: str) -> str:
    """A short name, with what it was instantiated for where its long name tells that: `reduce_kernel (Mean)`."""
    if wrapped := _CUTLASS.search(long):
        return f"{short} ({wrapped[1]})"
    if "at::native" in long:
        arguments = long[long.find("<") :]
        operations = [found for found in _OPERATION.findall(arguments) if found not in _CONTAINERS]
        if operations and operations[0] not in short:
            return f"{short} ({operations[0]})"
    return short


def readable(short: str, long: str) -> str:
    """The label, cut where it is too long to be read in a sentence."""
    text = label(short, long)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def short_of(long: str) -> str:
    """The name of a function alone, without its return type, scopes, template arguments and parameters."""
    bare = re.split(r"[<(]", long.replace("(anonymous namespace)", "_"), maxsplit=1)[0].strip()
    return bare.rpartition(" ")[2].rpartition("::")[2] or long


def spellings(short: str, long: str) -> tuple[str, str, str]:
    """The names by which a target may know a kernel, the shortest first."""
    return short, label(short, long), long


def rounded(number: float) -> str:
    """A mean count, with one decimal where a small one is no whole number: `0.5`, `6`, `225`."""
    return f"{number:.1f}" if number < 10 and abs(number - round(number)) >= 0.05 else f"{number:.0f}"


def counted(number: int, noun: str) -> str:
    """A number and what it counts: `1 call`, `3 calls`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
