"""Measures a model for a baseline or a gate: benchmarks, one process after the other, then captures of decode."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from workbench.cli.engine import engine_environment, engine_errors, option_words
from workbench.cli.engine_processes import EngineRun, bench_process, request_options
from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.attribution.rules import LayerRules
    from workbench.capture.profile import ProfileResult
    from workbench.capture.repetition import FinishedCapture
    from workbench.compare.fingerprint import Fingerprint
    from workbench.gate.bench_document import BenchEntry
    from workbench.gate.measured import MeasuredModel, Request, StepFacts

DEFAULT_PROCESSES = 5
DEFAULT_REPETITIONS = 5
DEFAULT_CAPTURES = 3
DEFAULT_COOLDOWN_S = 3.0
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Effort:
    """How much is run.

    Attributes:
        processes: of benchmarks, one after the other.
        repetitions: of each bench within a process.
        captures: with graphs on; one more with graphs off. On a CPU, which has no graphs, one at most.
        cooldown_s: the wait between processes.
    """

    processes: int = DEFAULT_PROCESSES
    repetitions: int = DEFAULT_REPETITIONS
    captures: int = DEFAULT_CAPTURES
    cooldown_s: float = DEFAULT_COOLDOWN_S


@dataclass(frozen=True)
class _Captured:
    """What captures of one way to run a model tell; of one without a profiler, the fingerprint alone."""

    facts: "tuple[StepFacts, ...]"
    fingerprint: "Fingerprint"
    remark: str = ""


def check_effort(effort: Effort) -> None:
    """Refuses what makes no sense.

    Raises:
        UserError: a count is too small.
    """
    for option, value, least in (
        ("--processes", effort.processes, 1),
        ("--reps", effort.repetitions, 1),
        ("--captures", effort.captures, 0),
        ("--cooldown", effort.cooldown_s, 0),
    ):
        if not least <= value < 1 << 31:
            raise UserError(f"{option} {value} makes no sense; give {least} or more")


def resolved(request: "Request") -> "Request":
    """The request with the backend that it means here, once it is sure that it can be run.

    Raises:
        UserError: there is no such model, no such option, no GPU, or no nsys where captures need one.
    """
    with engine_errors():
        from engine.bench_tests import SUITES
        from engine.model_choice import choose_model
        from engine.program.main import parser
        from engine.session import choose_backend
        from engine.variants import known_variants
        from engine.workload import known_workload

        if request.backend == "cuda" and choose_backend("auto") != "cuda":
            raise UserError(
                f"{request.model} is to run on a GPU, and there is no NVIDIA GPU that this process can use; run this "
                "on a machine that has one"
            )
        if request.tests not in SUITES:
            raise UserError(f"--tests {request.tests} is not known; give {', '.join(SUITES)}")
        parser().parse_args(["run", *option_words({**request_options(request), "workload": request.workload})])
        backend = choose_backend(request.backend)  # type: ignore[arg-type]  # one of its values, checked before
        known_variants(request.variants)
        known_workload(request.workload)
        choose_model(request.model, request.weights, request.weight_format)
    return replace(request, backend=backend)


def measure(request: "Request", effort: Effort, progress: Progress) -> "MeasuredModel":
    """Runs a model and says what came of it.

    Args:
        request: what to run, `resolved`.
        effort: how often.
        progress: told, in a few words, what is going on.

    Raises:
        UserError: the model cannot be run or captured, for a reason that the user can mend.
        KeyboardInterrupt: the user stopped it.
    """
    from workbench.capture.interrupts import orderly_exit

    check_effort(effort)
    if effort.captures and request.backend == "cuda":
        _require_nsys()
    with orderly_exit():
        return _measure(request, effort, progress)


def _measure(request: "Request", effort: Effort, progress: Progress) -> "MeasuredModel":
    from workbench.gate import bench_document
    from workbench.gate.measured import MeasuredModel

    started = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    environment = engine_environment(os.environ)
    named = partial(_named, progress, Path(request.model).name)
    entries = bench(request, effort, environment, named)
    captured = list(_captures(request, effort, environment, named))
    results, are_alike = bench_document.results(entries)
    remarks = [one.remark for one in captured if one.remark]
    are_alike_profiled = not remarks
    if left_out := bench_document.left_out(entries):
        remarks.append(f"{', '.join(left_out)} is left out, for the model was not made for so many tokens.")
    if not are_alike:
        remarks.append("Processes computed different tokens: something in the model depends on time or place.")
    return MeasuredModel(
        request=request,
        fingerprint=captured[0].fingerprint,
        measured_utc=started,
        repetitions=effort.repetitions,
        numbers=bench_document.numbers(entries),
        memory=bench_document.largest_memory(entries),
        copy_bytes_per_s=bench_document.copy_speed(entries),
        step_weight_bytes=entries[0].step_weight_bytes,
        captures=tuple(facts for one in captured for facts in one.facts),
        results=replace(results, agree=are_alike and are_alike_profiled),
        conditions=bench_document.worst_conditions(entries),
        remarks=tuple(dict.fromkeys(remarks)),
    )


def bench(
    request: "Request", effort: Effort, environment: Mapping[str, str], progress: Progress
) -> "tuple[BenchEntry, ...]":
    """Times a model in some processes, one after the other.

    Raises:
        UserError: as `bench_process` does.
    """
    entries = []
    for process in range(effort.processes):
        if process and effort.cooldown_s:
            time.sleep(effort.cooldown_s)
        progress(f"benchmarks, process {process + 1} of {effort.processes}")
        entries.append(bench_process(request, effort.repetitions, environment))
    return tuple(entries)


def _named(progress: Progress, name: str, message: str) -> None:
    progress(f"{name}: {message}")


def _require_nsys() -> None:
    from workbench.capture.nsys import require_nsys

    try:
        require_nsys()
    except UserError as error:
        raise UserError(f"{error}; or leave captures out with --captures 0") from error


def _captures(
    request: "Request", effort: Effort, environment: Mapping[str, str], progress: Progress
) -> "Iterator[_Captured]":
    """Captures with graphs on, then one with graphs off; on a CPU one at all."""
    with tempfile.TemporaryDirectory(prefix="wb-", ignore_cleanup_errors=True) as name:
        one = min(effort.captures, 1)
        ways: list[tuple[str | None, int]] = [(None, one)]
        if request.backend == "cuda":
            ways = [("on", effort.captures), ("off", one)]
        for graphs, captures in ways if effort.captures else ways[:1]:
            run = EngineRun(request, graphs, environment, Path(name) / f"errors-{graphs}.txt")
            progress("a run without a profiler")
            unprofiled = run.alone(effort.repetitions)
            if captures:
                yield _capture(run, captures, unprofiled, Path(name) / f"graphs-{graphs}", progress)
            else:
                yield _Captured((), _fingerprint_of(request, unprofiled))


def _fingerprint_of(request: "Request", unprofiled: dict[str, Any] | None) -> "Fingerprint":
    """What a run without a profiler tells of itself; which GPU that was, a trace would tell."""
    from workbench.capture.machine import describe_device
    from workbench.compare.fingerprint import Fingerprint, told_by
    from workbench.manifest import Manifest, Program

    device = describe_device() if request.backend == "cuda" else None
    told = told_by(Manifest("", Program(()), unprofiled, device, None, None, None, ()))
    ran_on = unprofiled.get("device") if unprofiled else None
    gpu = ran_on.get("name") if isinstance(ran_on, dict) else None
    return Fingerprint(**{**told, "gpu": gpu if isinstance(gpu, str) else None})


def _capture(
    run: EngineRun, captures: int, unprofiled: dict[str, Any] | None, folder: Path, progress: Progress
) -> _Captured:
    """Captures runs, and says what captures and program tell."""
    from workbench.attribution.rule_files import load_rules
    from workbench.capture.speed import other_results
    from workbench.compare.fingerprint import merged

    result = run.profiled(captures, unprofiled, folder, progress)
    progress("attributing")
    unprofiled_ns = _step_ns(unprofiled)
    # Unlike a loop, `map` holds no capture while the next is read.
    told = tuple(map(partial(_facts, load_rules(()), result, unprofiled_ns), result.captures))
    facts, fingerprints = zip(*told, strict=True)
    workloads = [capture.workload for capture in result.captures if capture.workload is not None]
    return _Captured(facts, merged(fingerprints), other_results(unprofiled, workloads))


def _facts(
    rules: "LayerRules", result: "ProfileResult", unprofiled_ns: float | None, capture: "FinishedCapture"
) -> "tuple[StepFacts, Fingerprint]":
    from workbench.analysis.analysis import Analysis
    from workbench.attribution.attribution import attribute
    from workbench.compare.fingerprint import fingerprint
    from workbench.gate.facts import step_facts
    from workbench.trace.open import open_trace

    analysis = Analysis(attribute(open_trace(result.folder / capture.file.file), rules))
    facts = step_facts(analysis, profiled_ns=_step_ns(capture.workload), unprofiled_ns=unprofiled_ns)
    return facts, fingerprint(result.manifest, analysis)


def _step_ns(workload: dict[str, Any] | None) -> float | None:
    """A decode step as the program timed it, the median of its runs."""
    from workbench.capture.speed import speed_of

    speed = speed_of([workload] if workload else [])
    return median(speed.decode_ns) / speed.decode_steps if speed else None
