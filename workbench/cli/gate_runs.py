"""What `wb gate` runs: the models of a baseline, or the commits of a range."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.stages import Stages, say
from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.cli.measuring import Effort
    from workbench.gate.baseline import Baseline
    from workbench.gate.measured import MeasuredModel, Request
    from workbench.gate.verdict import GateReport, GateResult, ModelVerdict
    from workbench.gate.walk import Walk


@dataclass(frozen=True)
class GateOptions:
    """What is asked of a gate.

    Attributes:
        baseline: the file.
        tolerance: how much slower or larger is allowed, as a share.
        processes, repetitions, captures, cooldown_s: how much is run; None for as much as for the baseline.
        logits_distance: how far logits may lie apart where tokens differ.
        model: where the baseline's model lies here; None where the baseline says.
        variants: optimisations that are left out beside the baseline's own.
        probe, probe_prompt, probe_word: a model whose answer is judged, the question, and what it must hold.
    """

    baseline: Path
    tolerance: float
    processes: int | None
    repetitions: int | None
    captures: int | None
    cooldown_s: float
    logits_distance: float | None
    model: Path | None
    variants: tuple[str, ...]
    probe: Path | None
    probe_prompt: str
    probe_word: str


def gate_report(asked: GateOptions) -> "GateReport":
    """Runs what the baseline ran, and judges it.

    Of several models one that cannot be run leaves the answer open; where none can be run, that is an error.

    Raises:
        UserError: the baseline cannot be read, or nothing can be run.
    """
    from workbench.cli.probe import vocabulary_of
    from workbench.gate.comparable import VARY
    from workbench.gate.judge import judge
    from workbench.gate.probe import check_word, not_run
    from workbench.report.origin import as_named

    if asked.probe is not None:
        check_word(asked.probe_word)
        vocabulary_of(asked.probe)
    kept, effort = _opened(asked)
    pairs = list(zip(kept.models, _requests(kept, asked), strict=True))
    runnable, problems = _runnable(pairs)
    _refuse_other_gpu(kept.models)
    now = _measured(runnable, effort, problems)
    probed = _probe(asked, kept)
    vary = (*VARY, "variant") if asked.variants else VARY
    report = judge(kept, now, asked.tolerance, asked.logits_distance, name=as_named(asked.baseline), vary=vary)
    verdicts = [
        _completed(verdict, problems.get(model.request), probed if place == 0 else not_run())
        for place, (verdict, model) in enumerate(zip(report.models, kept.models, strict=True))
    ]
    return replace(report, models=tuple(verdicts))


def gate_walks(asked: GateOptions, commits: str) -> "tuple[Walk, ...]":
    """Times the baseline's models at each commit of a range.

    Raises:
        UserError: the baseline cannot be read, the range makes no sense, or a model cannot be run.
    """
    from workbench.cli.baseline_runs import conditions_before
    from workbench.cli.commit_range import commits_of, walk_commits
    from workbench.cli.measuring import resolved

    kept, effort = _opened(asked)
    found = commits_of(commits, Path.cwd())
    requests = [resolved(request) for request in _requests(kept, asked)]
    _refuse_other_gpu(kept.models)
    remarks = conditions_before(requests)
    with Stages() as stages:
        walks = walk_commits(kept.models, requests, found, effort, asked.tolerance, stages)
    return tuple(replace(walk, remarks=remarks) for walk in walks)


def _opened(asked: GateOptions) -> "tuple[Baseline, Effort]":
    from workbench.cli.baseline_files import read_baseline
    from workbench.cli.baseline_runs import effort_like

    kept = read_baseline(asked.baseline)
    return kept, effort_like(kept.models, asked.processes, asked.repetitions, asked.captures, asked.cooldown_s)


def _requests(kept: "Baseline", asked: GateOptions) -> "list[Request]":
    """How each model is run here."""
    requests = [
        replace(model.request, variants=tuple(sorted({*model.request.variants, *asked.variants})))
        for model in kept.models
    ]
    if len(set(requests)) < len(requests):
        raise UserError(f"{asked.baseline} holds a model with {', '.join(asked.variants)} already; leave --variant out")
    if asked.model is None:
        return requests
    here = [
        place
        for place, request in enumerate(requests)
        if len(requests) == 1 or Path(request.model).name == asked.model.name
    ]
    if len(here) != 1:
        names = ", ".join(Path(request.model).name for request in requests)
        raise UserError(
            f"--model {asked.model} is none of the baseline's models ({names}); give one of them by its path"
        )
    requests[here[0]] = replace(requests[here[0]], model=str(asked.model))
    return requests


def _runnable(
    pairs: "Sequence[tuple[MeasuredModel, Request]]",
) -> "tuple[list[tuple[MeasuredModel, Request]], dict[Request, str]]":
    """What can be run, and why the rest cannot, by the baseline's requests.

    Raises:
        UserError: nothing can be run.
    """
    from workbench.cli.measuring import resolved

    runnable, problems = [], {}
    for model, request in pairs:
        try:
            runnable.append((model, resolved(request)))
        except UserError as error:
            if len(pairs) == 1:
                raise
            say(f"{request.model} is left out: {error}")
            problems[model.request] = str(error)
    if not runnable:
        raise UserError(f"no model of the baseline can be run: {next(iter(problems.values()))}")
    return runnable, problems


def _measured(
    runnable: "Sequence[tuple[MeasuredModel, Request]]", effort: "Effort", problems: "dict[Request, str]"
) -> "list[MeasuredModel]":
    """Measurements under the baseline's requests; adds to `problems` what could not be measured."""
    from workbench.cli.baseline_runs import conditions_before
    from workbench.cli.measuring import measure

    remarks = conditions_before([request for _, request in runnable])
    found = []
    with Stages() as stages:
        for model, request in runnable:
            try:
                measured = measure(request, effort, stages)
            except UserError as error:
                if len(runnable) + len(problems) == 1:
                    raise
                problems[model.request] = str(error)
                continue
            # Where a model lies does not tell it from the baseline's; what it goes without does.
            asked = replace(model.request, variants=request.variants)
            found.append(replace(measured, request=asked, remarks=(*measured.remarks, *remarks)))
    return found


def _refuse_other_gpu(models: "Sequence[MeasuredModel]") -> None:
    """Refuses at once what would be refused after all was measured.

    Raises:
        UserError: the machine has GPUs, and none of the baseline's kind.
    """
    from workbench.capture.machine import describe_device

    device = describe_device() if any(model.request.backend == "cuda" for model in models) else None
    names = {gpu.name for gpu in device.gpus} if device else set()
    for model in models:
        wanted = model.fingerprint.gpu
        if wanted and names and not any(name in wanted for name in names):
            raise UserError(
                f"the baseline of {model.request.model} was measured on {wanted}, and this machine has "
                f"{' and '.join(sorted(names))}; record a baseline on this machine"
            )


def _probe(asked: GateOptions, kept: "Baseline") -> "GateResult":
    """What the probe says, once for all models; that it was not run, where none was named."""
    from workbench.cli.probe import probe
    from workbench.gate.probe import not_run

    if asked.probe is None:
        return not_run()
    say(f"{asked.probe.name}: probing")
    like = replace(kept.models[0].request, variants=asked.variants)
    found = probe(asked.probe, asked.probe_prompt, asked.probe_word, like)
    return replace(found, sentence=f"{asked.probe.name}: {found.sentence}")


def _completed(verdict: "ModelVerdict", problem: str | None, probed: "GateResult") -> "ModelVerdict":
    """A model's verdict with why it could not be run, and with the probe."""
    gates = verdict.gates
    if problem is not None:
        gates = tuple(replace(gate, sentence=f"It could not be run: {problem}.") for gate in gates)
    return replace(verdict, gates=(*gates, probed))
