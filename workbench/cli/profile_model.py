"""`wb profile --model`: the engine without a profiler, then under one, then what that says."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.engine import engine_command, engine_environment, engine_errors, option_words
from workbench.cli.stages import Stages, say
from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.capture.profile import ProfileResult
    from workbench.cli.reports import Report

_REPORT_SUFFIXES = (".md", ".svg", ".sql")
_INTERRUPTED = 130


@dataclass(frozen=True)
class ModelProfile:
    """What to run, and where to keep what comes of it.

    Attributes:
        model, workload, graphs, variants, backend: as the engine's options of these names; `graphs` may be `both`.
        more: further options of the engine.
        repetitions: so many captures.
        name: first part of the folder's name; None takes those of model and workload.
        output: the folder of folders of captures.
        reports: the folder of reports.
        keep_reports: as for `ProfileOptions`.
    """

    model: str
    workload: str
    graphs: str
    variants: tuple[str, ...]
    backend: str
    more: dict[str, Any]
    repetitions: int
    name: str | None
    output: Path
    reports: Path
    keep_reports: Path | None


@dataclass(frozen=True)
class _Pass:
    """One way to run the model; `graphs` is None where there are none."""

    graphs: str | None
    title: str
    on_gpu: bool


def profile_model(asked: ModelProfile) -> int:
    """Profiles a model, once for each way to run it; returns the exit code.

    Reports come last, as each predicts for graphs on and off where both were captured. What was captured before
    something failed is reported on all the same.

    Raises:
        UserError: something cannot be run, for a reason that the user can mend.
    """
    _check(asked)
    folders: list[Path] = []
    try:
        return _capture_all(asked, folders)
    finally:
        _report(asked, folders)


def _capture_all(asked: ModelProfile, folders: list[Path]) -> int:
    """Captures each way to run the model; adds folders that hold kernels, and returns the exit code."""
    for one in _passes(asked):
        try:
            result = _capture(asked, one)
        except KeyboardInterrupt:
            say("interrupted: there is no capture")
            return _INTERRUPTED
        if isinstance(result, int):
            return result
        _tell(result)
        if result.first_with_kernels:
            folders.append(result.folder)
        if result.failure:
            raise UserError(result.failure)
        if code := _INTERRUPTED if result.interrupted else result.exit_code:
            return code
    return 0


def _check(asked: ModelProfile) -> None:
    """Refuses what would be refused, or could not be kept, only after it was measured."""
    from workbench.capture.profile import refuse_kept_among_captures
    from workbench.files import refuse_unwritable_folder

    if asked.repetitions < 1:
        raise UserError(f"--reps {asked.repetitions} makes no sense; give 1 or more")
    if not asked.model:
        raise UserError("--model is empty; give a name in the registry, or a path")
    refuse_unwritable_folder(asked.output, "-o")
    refuse_unwritable_folder(asked.reports, "--reports")
    refuse_kept_among_captures(asked.keep_reports, asked.output)


def _check_options(asked: ModelProfile) -> None:
    """Refuses what the engine would refuse of its options."""
    from engine.program.main import parser
    from engine.runner import Limits
    from engine.workload import known_workload

    parsed = parser().parse_args(["run", *option_words(_options(asked, asked.repetitions))])
    workload = known_workload(asked.workload)
    if parsed.context:
        Limits(parsed.context, 1).check(workload.prompt_tokens, workload.decode_tokens)


def _passes(asked: ModelProfile) -> list[_Pass]:
    """The ways to run it; what cannot be run is refused here, before anything runs."""
    with engine_errors("run", "profile"):
        from engine.model_choice import choose_model
        from engine.session import choose_backend
        from engine.variants import known_variants
        from engine.workload import known_workload

        _check_options(asked)
        choice = choose_model(asked.model, asked.more.get("weights"), asked.more.get("weight-format"))
        workload = known_workload(asked.workload)
        variants = sorted(known_variants(list(asked.variants)))
        on_gpu = choose_backend(asked.backend) == "cuda"  # type: ignore[arg-type]  # one of its values, checked before
    sizes = workload.name.lower() if workload.name else f"pp{workload.prompt_tokens}-tg{workload.decode_tokens}"
    name = asked.name or f"{choice.name}-{sizes}"
    if not on_gpu:
        if asked.keep_reports:
            raise UserError("--keep-rep keeps nsys's reports, and nsys records no NumPy; leave it out")
        if asked.graphs != "on":
            say("NumPy has no CUDA graphs: it runs once, as it is")
        return [_Pass(None, "-".join([name, "cpu", *variants]), on_gpu=False)]
    from workbench.capture.nsys import require_nsys

    require_nsys()
    ways = ["on", "off"] if asked.graphs == "both" else [asked.graphs]
    return [_Pass(way, "-".join([name, "graphs", way, *variants]), on_gpu=True) for way in ways]


def _capture(asked: ModelProfile, one: _Pass) -> "ProfileResult | int":
    """What was captured; the exit code of an engine that failed before."""
    from workbench.capture.command import RecordingOptions
    from workbench.capture.measure import measure
    from workbench.capture.profile import ProfileOptions
    from workbench.capture.profile import profile as run_profile

    environment = engine_environment(os.environ)
    with Stages() as stages:
        stages("measuring speed without a profiler")
        measured = measure(_command(asked, one, asked.repetitions), environment)
        if measured.exit_code:
            # The engine has said why.
            return measured.exit_code
        options = ProfileOptions(
            command=_command(asked, one, 1),
            recording=RecordingOptions() if one.on_gpu else None,
            repetitions=asked.repetitions,
            title=one.title,
            output=asked.output,
            keep_reports=asked.keep_reports,
            unprofiled=measured.workload,
            is_taken=lambda name: any((asked.reports / f"{name}{suffix}").exists() for suffix in _REPORT_SUFFIXES),
        )
        return run_profile(options, environment, stages)


def _command(asked: ModelProfile, one: _Pass, repetitions: int) -> tuple[str, ...]:
    chosen = {"backend": "cuda" if one.on_gpu else "numpy", "graphs": one.graphs}
    return engine_command("run", {**_options(asked, repetitions), **chosen})


def _options(asked: ModelProfile, repetitions: int) -> dict[str, object]:
    """The engine's options that are the same in all passes."""
    return {
        "model": asked.model,
        "workload": asked.workload,
        "variant": asked.variants,
        "reps": repetitions,
        **asked.more,
    }


def _tell(result: "ProfileResult") -> None:
    """Says what was captured."""
    from workbench.capture.outcome import outcome

    if result.manifest.notice:
        say(result.manifest.notice)
    for sentence in outcome(result):
        say(sentence)


def _report(asked: ModelProfile, folders: Sequence[Path]) -> None:
    """Writes a report for each folder of captures, and says what each says first."""
    if not folders:
        return
    from workbench.cli.reports import compile_report, write_report

    with Stages() as stages:
        stages("attributing")
        reports = _paired([compile_report(folder) for folder in folders])
        stages("writing")
        written = [
            write_report(report, asked.reports / f"{folder.name}.md", as_json=False, force=False, is_new=True)
            for folder, report in zip(folders, reports, strict=True)
        ]
    for report, (path, *others) in zip(reports, written, strict=True):
        for sentence in _sentences(report):
            say(sentence)
        beside = " and ".join(other.name for other in others)
        say(f"the report is {path}{f', with {beside} beside it' if beside else ''}")


def _paired(reports: "list[Report]") -> "list[Report]":
    """Two reports, each with the other as its counterpart; one alone stays as it is."""
    from workbench.cli.reports import with_counterpart

    if len(reports) < 2:
        return reports
    one, other = reports
    try:
        return [with_counterpart(one, other), with_counterpart(other, one)]
    except UserError as error:
        say(f"warning: {error}")
        return reports


def _sentences(report: "Report") -> Iterator[str]:
    from workbench.attribution.rules import STEPPED_PHASES
    from workbench.report.capture import coverage_sentences
    from workbench.report.quantities import share
    from workbench.report.speed import speed_sentences

    yield from coverage_sentences(report.document.totals, report.document.coverage)
    shares = [
        f"{share(phase.attributed_ns / phase.kernel_ns)} of {phase.phase}"
        for phase in report.document.phases
        if phase.phase in STEPPED_PHASES and phase.kernel_ns
    ]
    if shares:
        yield f"by phase: {' and '.join(shares)} is attributed"
    yield from speed_sentences(report.origin.manifest)
