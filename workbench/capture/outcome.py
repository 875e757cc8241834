"""Says in sentences what came of a profiling."""

from pathlib import Path

from workbench.capture.profile import ProfileResult
from workbench.capture.repetition import FinishedCapture


def outcome(result: ProfileResult) -> list[str]:
    """What was written, and what the user must know of it."""
    sentences = []
    for capture in result.captures:
        sentences.append(_capture_sentence(result.folder, capture))
        if capture.report:
            sentences.append(
                f"warning: {capture.report} holds the program's whole environment: share the capture instead"
            )
    return sentences + [f"warning: {warning}" for warning in result.warnings]


def _capture_sentence(folder: Path, capture: FinishedCapture) -> str:
    facts = [f"{capture.kernels} kernel{'' if capture.kernels == 1 else 's'}"]
    if capture.hidden_graphs:
        facts.append(f"{capture.hidden_graphs} graph launches that hide theirs")
    if capture.file.exit_code:
        facts.append(f"the program's exit code was {capture.file.exit_code}")
    if capture.file.interrupted:
        facts.append("interrupted")
    return f"wrote {folder / capture.file.file}: {', '.join(facts)}"
