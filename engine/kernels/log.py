"""Reads what the compiler says: what each kernel takes of the chip, and where a source is wrong."""

import re
from dataclasses import dataclass

_ENTRY = re.compile(r"Compiling entry function '(?P<kernel>[^']+)'")
_STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_REGISTERS = re.compile(r"Used (\d+) registers")
_SHARED = re.compile(r"(\d+) bytes smem")
_ERROR = re.compile(r"^(?P<file>[^\n(]+)\((?P<line>\d+)\): (?:catastrophic )?error: (?P<message>.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Resources:
    """What one kernel takes, by the assembler's own account.

    Attributes:
        kernel: its name.
        registers: of each thread.
        spill_bytes: written to and read from local memory because registers ran out, instructions counted once.
        stack_bytes: local memory of each thread.
        shared_bytes: shared memory of each block that the source itself declares.
    """

    kernel: str
    registers: int
    spill_bytes: int
    stack_bytes: int
    shared_bytes: int


def parse_resources(log: str) -> tuple[Resources, ...]:
    """Every kernel in a log of `ptxas -v`, by name."""
    starts = list(_ENTRY.finditer(log))
    ends = [*(start.start() for start in starts), len(log)][1:]
    parts = ((start["kernel"], log[start.end() : end]) for start, end in zip(starts, ends, strict=True))
    return tuple(sorted((_resources(kernel, part) for kernel, part in parts), key=lambda each: each.kernel))


def _resources(kernel: str, log: str) -> Resources:
    local, registers, shared = _STACK.search(log), _REGISTERS.search(log), _SHARED.search(log)
    stack, stores, loads = map(int, local.groups()) if local else (0, 0, 0)
    return Resources(
        kernel=kernel,
        registers=int(registers[1]) if registers else 0,
        spill_bytes=stores + loads,
        stack_bytes=stack,
        shared_bytes=int(shared[1]) if shared else 0,
    )


def explain(log: str) -> str:
    """The first error of a compiler's log, its source line below it, or the log where no error names a line."""
    log = log.replace("\x00", "")
    errors = list(_ERROR.finditer(log))
    if not errors:
        return log.strip()
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    excerpt = _excerpt(log[first.end() :].lstrip("\n"))
    return "\n".join([f"{first['file']}:{first['line']}: {first['message']}{more}", *excerpt])


def _excerpt(rest: str) -> list[str]:
    """What follows an error: further lines of its message, the source line and a caret under the place."""
    lines: list[str] = []
    for line in rest.splitlines():
        if not line.strip():
            break
        lines.append(line.rstrip())
        if line.strip() == "^":
            break
    return lines
