"""What records one run of a program: nsys, or the program itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workbench.capture.command import RecordingOptions, recording_flags
from workbench.capture.export import export_with
from workbench.capture.interrupts import StopRequest
from workbench.capture.nsys import Nsys
from workbench.capture.plain_run import run_plainly
from workbench.capture.recording import record
from workbench.capture.supervise import Progress, Run
from workbench.errors import UserError
from workbench.manifest import Profiler
from workbench.recorders import ENGINE_CPU, notice_of


@dataclass(frozen=True)
class Recorded:
    """A recorded run.

    Attributes:
        run: how it went.
        export: the recording, unscrubbed.
        report: nsys's own; None where nsys did not record.
    """

    run: Run
    export: Path
    report: Path | None


class Recorder(Protocol):
    """Something that records runs."""

    @property
    def profiler(self) -> Profiler | None:
        """What a manifest says of it."""

    @property
    def notice(self) -> str:
        """What must be said first of whatever is made from its recordings; empty where there is nothing."""

    @property
    def records_all(self) -> bool:
        """Whether the whole run is recorded."""

    def record(
        self,
        program: Sequence[str],
        folder: Path,
        *,
        environment: Mapping[str, str],
        stop: StopRequest,
        progress: Progress,
    ) -> Recorded | None:
        """Records one run; None if the user stopped it before anything was recorded.

        Args:
            program: the program and its arguments.
            folder: an empty folder, for the recording among others.
            environment: the program's.
            stop: the user's wish to stop.
            progress: told what is being waited for.

        Raises:
            UserError: nothing was recorded, for a reason that the user can mend.
            KeyboardInterrupt: the user did not wait.
        """


@dataclass(frozen=True)
class NsysRecorder:
    """Records under nsys."""

    nsys: Nsys
    options: RecordingOptions

    @property
    def profiler(self) -> Profiler:
        """The nsys, and its flags."""
        return Profiler(self.nsys.version_text, recording_flags(self.nsys.version, self.options))

    @property
    def notice(self) -> str:
        """Nothing."""
        return ""

    @property
    def records_all(self) -> bool:
        """Whether no option limits what is recorded."""
        return self.options == RecordingOptions()

    def record(
        self,
        program: Sequence[str],
        folder: Path,
        *,
        environment: Mapping[str, str],
        stop: StopRequest,
        progress: Progress,
    ) -> Recorded | None:
        """Records one run, and exports its report."""
        progress(f"recording with nsys {self.nsys.version_text}")
        recording = record(
            self.nsys, self.options, program, folder, environment=environment, stop=stop, progress=progress
        )
        if recording.report is None:
            return None
        progress("exporting")
        export = folder / "report.sqlite"
        export_with(self.nsys, recording.report, export)
        return Recorded(recording.run, export, recording.report)


@dataclass(frozen=True)
class EngineRecorder:
    """Lets the engine record what its NumPy backend does; the program must be the engine."""

    @property
    def profiler(self) -> None:
        """There is none."""
        return

    @property
    def notice(self) -> str:
        """That these are times of a CPU."""
        return notice_of(ENGINE_CPU)

    @property
    def records_all(self) -> bool:
        """It does."""
        return True

    def record(
        self,
        program: Sequence[str],
        folder: Path,
        *,
        environment: Mapping[str, str],
        stop: StopRequest,
        progress: Progress,
    ) -> Recorded | None:
        """Runs the program, which writes the export."""
        export = folder / "recorded.sqlite"
        progress("recording on the CPU")
        run = run_plainly((*program, "--record", str(export)), environment=environment, stop=stop)
        if export.is_file():
            return Recorded(run, export, None)
        if run.interrupted:
            return None
        raise UserError(f"the engine ended with exit code {run.exit_code} and recorded nothing; see what it said")
