"""Starts the engine as a program, for benchmarks and captures; its own output is kept from ours."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.engine import engine_command
from workbench.errors import UserError
from workbench.report.texts import cut, one_line

if TYPE_CHECKING:
    from workbench.capture.profile import ProfileResult
    from workbench.gate.bench_document import BenchEntry
    from workbench.gate.measured import Request

_LONGEST_REASON = 400
_SPEAKER = "engine: "
# What the engine prints would stand before our own answer; what it complains of is wanted only where it fails.
_QUIETLY = 'errors=$1; shift; exec "$@" >/dev/null 2>"$errors"'


def request_options(request: "Request") -> dict[str, object]:
    """The engine's options that every verb takes alike."""
    return {
        "model": request.model,
        "weights": request.weights,
        "weight-format": request.weight_format,
        "backend": request.backend,
        "variant": request.variants,
        "chunk": request.chunk,
        "seed": request.seed,
    }


def bench_command(request: "Request", repetitions: int) -> tuple[str, ...]:
    """The command line by which one process times a model; decode with and without graphs where there are graphs."""
    options = {
        **request_options(request),
        "graphs": "both" if request.backend == "cuda" else "on",
        # An engine of an earlier commit knows no other tests than the default ones.
        "tests": None if request.tests == "default" else request.tests,
        "reps": repetitions,
        "format": "json",
    }
    return engine_command("bench", options)


def bench_process(request: "Request", repetitions: int, environment: Mapping[str, str]) -> "BenchEntry":
    """Times a model in a process of its own.

    Args:
        request: what to run.
        repetitions: of each bench.
        environment: the engine's; says which engine that is.

    Raises:
        UserError: the engine could not run the model, or says nothing that is understood.
    """
    from workbench.decoding import MismatchError, parse_json
    from workbench.gate.bench_document import read_entry

    text = _run(bench_command(request, repetitions), environment, request.model)
    try:
        return read_entry(parse_json(text))
    except (MismatchError, ValueError) as error:
        raise UserError(
            f"what the engine says of {request.model} is not understood: {cut(one_line(str(error)), _LONGEST_REASON)}; "
            "run this engine with the workbench of its own commit"
        ) from error


@dataclass(frozen=True)
class EngineRun:
    """One way to run a model's workload.

    Attributes:
        request: what to run.
        graphs: `on` or `off`; None where there are none.
        environment: the engine's.
        errors: a file for what it complains of.
    """

    request: "Request"
    graphs: str | None
    environment: Mapping[str, str]
    errors: Path

    def alone(self, repetitions: int) -> dict[str, Any] | None:
        """Runs it without a profiler; what it says of itself.

        Raises:
            UserError: it failed.
            KeyboardInterrupt: the user stopped it.
        """
        from workbench.capture.measure import measure

        measured = measure(self._command(repetitions), self.environment)
        if measured.exit_code:
            raise self._failure(measured.exit_code)
        return measured.workload

    def profiled(
        self, captures: int, unprofiled: dict[str, Any] | None, folder: Path, progress: Callable[[str], None]
    ) -> "ProfileResult":
        """Captures runs of one repetition each into a folder, under nsys; on a CPU the engine records itself.

        Raises:
            UserError: there are not as many captures as were asked for.
            KeyboardInterrupt: the user stopped it.
        """
        from workbench.capture.command import RecordingOptions
        from workbench.capture.profile import ProfileOptions, profile

        options = ProfileOptions(
            command=self._command(1),
            recording=RecordingOptions() if self.request.backend == "cuda" else None,
            repetitions=captures,
            title="gate",
            output=folder,
            unprofiled=unprofiled,
        )
        try:
            result = profile(options, self.environment, progress)
        except UserError as error:
            raise self._failure(0, str(error)) from error
        if result.interrupted:
            raise KeyboardInterrupt
        if result.failure:
            raise self._failure(0, result.failure)
        if result.exit_code:
            raise self._failure(result.exit_code)
        return result

    def _command(self, repetitions: int) -> tuple[str, ...]:
        own = {"workload": self.request.workload, "graphs": self.graphs, "reps": repetitions}
        command = engine_command("run", {**request_options(self.request), **own})
        return ("/bin/sh", "-c", _QUIETLY, "wb", str(self.errors), *command)

    def _failure(self, code: int, problem: str = "") -> UserError:
        """Why it failed, or the problem that was met, with the engine's own words."""
        errors = self.errors.read_text(encoding="utf-8", errors="replace") if self.errors.is_file() else ""
        if not problem:
            return _failed(self.request.model, "", errors, code)
        words = _last_words(errors)
        return UserError(f"{problem} (the engine said last: {_short(words)})" if words else problem)


def run_verb(verb: str, options: Mapping[str, object], environment: Mapping[str, str], model: str) -> str:
    """What a verb of the engine prints, in a process of its own.

    Raises:
        UserError: it failed; the engine's own sentence says why.
    """
    return _run(engine_command(verb, options), environment, model)


def _run(command: Sequence[str], environment: Mapping[str, str], model: str) -> str:
    from workbench.capture.interrupts import orderly_exit

    # A process whose parent is told to end must not go on alone: leaving this call kills it.
    with orderly_exit():
        done = subprocess.run(
            command, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    said, errors = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    if done.returncode:
        raise _failed(model, said, errors, done.returncode)
    return said


def _failed(model: str, said: str, errors: str, code: int) -> UserError:
    return UserError(f"{model} cannot be run: {_reason(said, errors, code)}")


def _reason(said: str, errors: str, code: int) -> str:
    """Why a process failed, as it says itself: in its document, else in its last line."""
    try:
        return _short(json.loads(said)["failures"][0]["message"])
    except (ValueError, LookupError, TypeError):
        pass
    if words := _last_words(errors):
        return _short(words)
    ending = f"its process {f'ended with exit code {code}' if code > 0 else f'was ended by signal {-code}'}"
    lines = [line for line in errors.splitlines() if line.strip()]
    return f"{ending}: {_short(lines[-1])}" if lines else f"{ending} without a word"


def _last_words(errors: str) -> str:
    """The engine's own last sentence, if it was the last to speak."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return lines[-1].removeprefix(_SPEAKER) if lines and lines[-1].startswith(_SPEAKER) else ""


def _short(text: str) -> str:
    return cut(one_line(text), _LONGEST_REASON).replace("python -m engine", "wb")
