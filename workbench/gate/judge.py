"""All gates of all models of a baseline."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from workbench.gate import comparable, graphs, layers, memory, results, speed, steady_state
from workbench.gate.baseline import Baseline
from workbench.gate.measured import MeasuredModel, Request
from workbench.gate.plausible import problem
from workbench.gate.verdict import GateReport, GateResult, ModelVerdict, Status

# Gates whose answers mean something only where baseline and run are of one machine in one state.
_OF_TIMES = (speed.GATE, layers.GATE)
# Gates that hold another machine or another program against the baseline's, where those differ.
_OF_CONTENT = (memory.GATE, results.GATE)


def judge(
    baseline: Baseline,
    now: Sequence[MeasuredModel],
    tolerance: float = speed.TOLERANCE,
    logits_distance: float | None = None,
    *,
    name: str = "the baseline",
    vary: Sequence[str] = comparable.VARY,
) -> GateReport:
    """Runs all gates of each model of the baseline, and of what was run beside them.

    A model of the baseline that was not run leaves the answer open, and so does one that the baseline does not have.

    Args:
        baseline: what was kept.
        now: what was measured now, each way of running a model once.
        tolerance: how much more time or memory is allowed, as a share.
        logits_distance: how far logits may lie apart where tokens differ; None allows no difference.
        name: what the user calls the baseline.
        vary: what is under test, factors of `compare.comparability`. With `variant` among them a model is matched
            whatever optimisations it goes without.

    Raises:
        UserError: there is no such factor.
        ValueError: a model was measured twice.
    """
    if len({model.request for model in now}) < len(now):
        raise ValueError("a model was measured twice")
    pairs, others = _matched(baseline.models, now, any_variants="variant" in vary)
    labels = _labels([one.request for one in (*baseline.models, *others)])
    verdicts = []
    for kept, measured in pairs:
        if measured is None:
            gates: tuple[GateResult, ...] = (
                GateResult(comparable.GATE, Status.UNDECIDED, "It is in the baseline and was not run."),
            )
        else:
            gates = judge_model(kept, measured, tolerance, logits_distance, vary)
        remarks = measured.remarks if measured is not None else ()
        verdicts.append(ModelVerdict(labels[kept.request], gates, remarks))
    verdicts += [
        ModelVerdict(
            labels[measured.request],
            (GateResult(comparable.GATE, Status.UNDECIDED, "It was run and is not in the baseline."),),
        )
        for measured in others
    ]
    return GateReport(name, tolerance, tuple(verdicts))


def judge_model(
    baseline: MeasuredModel,
    now: MeasuredModel,
    tolerance: float = speed.TOLERANCE,
    logits_distance: float | None = None,
    vary: Sequence[str] = comparable.VARY,
) -> tuple[GateResult, ...]:
    """All gates of one model.

    Where the two sides cannot be compared, gates that hold one against the other are shown, and judge nothing: those of
    times always, those of memory and results unless it is only the machine's state that differs. Gates that look at the
    new run alone judge it all the same.

    Args:
        baseline: what was kept.
        now: what was measured now.
        tolerance: how much more time or memory is allowed, as a share.
        logits_distance: how far logits may lie apart where tokens differ; None allows no difference.
        vary: what is under test, factors of `compare.comparability`.
    """
    if found := problem(now):
        # Nothing of such a measurement is to be believed, so nothing of it is judged.
        return (GateResult(comparable.GATE, Status.UNDECIDED, f"What was measured is implausible: {found}."),)
    compared = comparable.judge(baseline, now, vary)
    gates: tuple[Callable[[], GateResult], ...] = (
        lambda: speed.judge(baseline, now, tolerance),
        lambda: layers.judge(baseline, now, tolerance),
        lambda: memory.judge(baseline, now, tolerance),
        lambda: graphs.judge(baseline, now),
        lambda: steady_state.judge(baseline, now),
        lambda: results.judge(baseline, now, logits_distance),
    )
    found_gates = [gate() for gate in gates]
    if compared.status is Status.UNDECIDED:
        open_gates = _OF_TIMES if comparable.concerns_times_alone(compared) else (*_OF_TIMES, *_OF_CONTENT)
        found_gates = [_left_open(gate) if gate.gate in open_gates else gate for gate in found_gates]
    return (compared, *found_gates)


def _left_open(gate: GateResult) -> GateResult:
    """The gate's answer, shown but not given."""
    if gate.status is Status.NOT_RUN:
        return gate
    told = f" As it is: {gate.sentence}" if gate.sentence else ""
    return replace(gate, status=Status.UNDECIDED, sentence=f"The two cannot be compared.{told}")


def _matched(
    kept: Sequence[MeasuredModel], now: Sequence[MeasuredModel], *, any_variants: bool
) -> tuple[list[tuple[MeasuredModel, MeasuredModel | None]], list[MeasuredModel]]:
    """What was run for each model of the baseline, and what was run besides."""
    left = list(now)
    found: dict[Request, MeasuredModel] = {}
    for is_alike in (_is_same, _is_variant)[: 1 + any_variants]:
        for model in kept:
            again = next((one for one in left if is_alike(model.request, one.request)), None)
            if again is not None and model.request not in found:
                found[model.request] = again
                left.remove(again)
    return [(model, found.get(model.request)) for model in kept], left


def _is_same(one: Request, other: Request) -> bool:
    return one == other


def _is_variant(one: Request, other: Request) -> bool:
    return replace(one, variants=()) == replace(other, variants=())


def _labels(requests: Sequence[Request]) -> dict[Request, str]:
    """A name for each request: the model's, and what tells it from others of that name."""
    labels = {}
    for request in requests:
        others = [other for other in requests if other.model == request.model and other != request]
        apart = [
            f"{field.replace('_', ' ')} {_text(value)}"
            for field, value in vars(request).items()
            if any(getattr(other, field) != value for other in others)
        ]
        labels[request] = f"{request.model} ({', '.join(apart)})" if apart else request.model
    return labels


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "by default" if value is None else str(value)
