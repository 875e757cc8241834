"""Whether a run may be held against a baseline: the same thing, on the same machine, in the same state.

A baseline that was measured on a depressed machine would let losses pass, so both sides' conditions count. Reasons for
which a driver holds clocks down come and go: those that both sides name are how the machine is; a power cap that one
of them names is none where its clocks are those of the other.
"""

from collections.abc import Iterator, Sequence

from workbench.compare.comparability import FieldDifference, Kind, differences, label
from workbench.gate.measured import Conditions, MeasuredModel
from workbench.gate.verdict import GateResult, Line, Status

GATE = "comparable"
VARY = ("commit",)

# The same request was made of both sides, so what became of graphs is the code's doing; a gate of its own judges it.
_JUDGED_ELSEWHERE = ("graphs",)
# Boost clocks of one GPU were seen 4 % apart.
CLOCK_TOLERANCE = 0.05
# With nothing known of the other side, a busy GPU runs no further below its highest clock.
_LEAST_CLOCK = 0.7
POWER_TOLERANCE = 0.01
_NO_REASONS = {"", "none", "idle", "gpu idle", "not active"}
_LONGEST_SHOWN = 100
# Differences that change how long things take, and nothing of what is computed and kept.
_OF_TIMES_ALONE = {
    "clocks", "max_clocks", "power_limit", "driver", "nsys", "recorder", "graph_trace", "sm_clock", "throttle_reasons",
    "other_processes",
}  # fmt: skip


def judge(baseline: MeasuredModel, now: MeasuredModel, vary: Sequence[str] = VARY) -> GateResult:
    """Compares fingerprints and conditions.

    Args:
        baseline: what was kept.
        now: what was measured now.
        vary: what is under test, factors of `compare.comparability`.

    Raises:
        UserError: there is no such factor.
    """
    found = differences(baseline.fingerprint, now.fingerprint, (*vary, *_JUDGED_ELSEWHERE))
    lines = [_field_line(one) for one in found]
    lines += _condition_lines(baseline.conditions, now.conditions, {line.name for line in lines})
    refused = [line for line in lines if line.status is Status.UNDECIDED]
    if refused:
        return GateResult(GATE, Status.UNDECIDED, " ".join(line.sentence for line in refused), tuple(lines))
    untold = [label(line.name) for line in lines if line.status is Status.NOT_RUN]
    sentence = "The same, on the same machine"
    rest = f"; not known of both sides: {', '.join(untold)}." if untold else "."
    return GateResult(GATE, Status.PASSED, sentence + rest, tuple(lines))


def concerns_times_alone(result: GateResult) -> bool:
    """Whether all that this gate refused leaves what is computed and kept as it was."""
    return all(line.name in _OF_TIMES_ALONE for line in result.lines if line.status is Status.UNDECIDED)


def reasons_named(conditions: Conditions) -> frozenset[str]:
    """Why clocks were held down, in words that are spelled alike; what is no reason is left out."""
    return frozenset(map(_plain, conditions.throttle_reasons)) - _NO_REASONS


def _field_line(one: FieldDifference) -> Line:
    """A difference of fingerprints."""
    if one.kind is Kind.UNKNOWN:
        side = "the baseline" if one.before is None else "this run"
        sentence = f"The {label(one.field)} of {side} is not known."
        # Times of nobody knows which GPU are comparable with none.
        status = Status.UNDECIDED if one.field == "gpu" else Status.NOT_RUN
        return Line(one.field, status, None, None, "", sentence=sentence)
    first = "Under test, another" if one.kind is Kind.VARIED else "Another"
    sentence = f"{first} {label(one.field)}: {_shown(one.before)} in the baseline, {_shown(one.after)} now."
    status = Status.UNDECIDED if one.kind is Kind.REFUSED else Status.PASSED
    return Line(one.field, status, None, None, "", sentence=sentence)


def _condition_lines(then: Conditions, now: Conditions, said: set[str]) -> Iterator[Line]:
    sentence = _clock_sentence(then, now)
    is_clock_alike = None not in (then.sm_clock_mhz, now.sm_clock_mhz) and not sentence
    if sentence and "clocks" not in said:
        yield _depressed("sm_clock", then.sm_clock_mhz, now.sm_clock_mhz, sentence)
    for reason, side in _reasons(then, now):
        if not (is_clock_alike and "power cap" in reason):
            yield _depressed("throttle_reasons", None, None, f"Clocks were held down {side}: {_shown(reason)}.")
    if (other_limit := _power_sentence(then, now)) and "power_limit" not in said:
        yield _depressed("power_limit", then.power_limit_w, now.power_limit_w, other_limit)
    for conditions, side in ((then, "in the baseline"), (now, "now")):
        if others := conditions.other_processes:
            text = f"{others} other process{'' if others == 1 else 'es'} used the GPU"
            yield _depressed("other_processes", then.other_processes, now.other_processes, f"{text} {side}.")


def _depressed(name: str, baseline: float | None, now: float | None, sentence: str) -> Line:
    return Line(name, Status.UNDECIDED, baseline, now, "", sentence=sentence)


def _clock_sentence(then: Conditions, now: Conditions) -> str:
    """What is wrong with clocks under load; empty where nothing is known to be."""
    before, after = then.sm_clock_mhz, now.sm_clock_mhz
    if before is not None and after is not None:
        if abs(after - before) <= CLOCK_TOLERANCE * max(before, after):
            return ""
        return f"The GPU ran at {after} MHz, where it ran at {before} MHz in the baseline."
    for conditions, side in ((then, "In the baseline the"), (now, "The")):
        clock, most = conditions.sm_clock_mhz, conditions.max_sm_clock_mhz
        if clock is not None and most is not None and clock < _LEAST_CLOCK * most:
            return f"{side} GPU ran at {clock} MHz under load, of {most} MHz."
    return ""


def _reasons(then: Conditions, now: Conditions) -> Iterator[tuple[str, str]]:
    """Reasons that one side alone names, and when."""
    each = [reasons_named(one) for one in (then, now)]
    yield from ((reason, "in the baseline") for reason in sorted(each[0] - each[1]))
    yield from ((reason, "now") for reason in sorted(each[1] - each[0]))


def _power_sentence(then: Conditions, now: Conditions) -> str:
    before, after = then.power_limit_w, now.power_limit_w
    if before is None or after is None or abs(after - before) <= POWER_TOLERANCE * max(before, after):
        return ""
    return f"The power limit is {after:g} W, where it was {before:g} W in the baseline."


def _plain(reason: str) -> str:
    return " ".join(reason.casefold().replace("_", " ").split())


def _shown(text: str | None) -> str:
    """A value as a sentence may hold it."""
    line = " ".join((text or "").split())
    return line if len(line) <= _LONGEST_SHOWN else f"{line[: _LONGEST_SHOWN - 1]}…"
