"""What a verification was asked for, and what became of the calibration file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.compare.comparability import DEFAULT_FACTORS
from workbench.compare.verification import Verification
from workbench.findings.calibration import Realised
from workbench.report import quantities
from workbench.report.findings import realised_words
from workbench.report.texts import one_line


@dataclass(frozen=True)
class VerifyOrigin:
    """What was asked, as it was named on the command line, and what became of the calibration file.

    Attributes:
        findings, after, before: the report and the sets; empty where unknown, or not given.
        vary, rules: as given.
        calibration: the calibration file; empty where none is kept.
        is_default: it is the one that is kept unasked.
        eligible, added: how many outcomes there are to keep, and how many of them were added to it.
        realised: what predictions came to so far, by detector.
    """

    findings: str = ""
    after: str = ""
    before: str = ""
    vary: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    calibration: str = ""
    is_default: bool = False
    eligible: int = 0
    added: int = 0
    realised: Mapping[str, Realised] = field(default_factory=dict)


UNKNOWN_ORIGIN = VerifyOrigin()


def command(verification: Verification, origin: VerifyOrigin) -> list[str]:
    """The command that asks for this report; what it adds to the calibration file it then holds already."""
    words = ["wb", "verify", origin.findings or "FINDINGS.json", origin.after or "AFTER"]
    if origin.before:
        words += ["--before", origin.before]
    if verification.conditions.vary != DEFAULT_FACTORS:
        words += ["--vary", ",".join(verification.conditions.vary)]
    if not origin.is_default:
        words += ["--calibration", origin.calibration or "none"]
    return [*words, *(word for name in origin.rules for word in ("--rules", name))]


def calibration_sentences(verification: Verification, origin: VerifyOrigin) -> list[str]:
    """What was added to the calibration file, and what the detectors' predictions came to so far."""
    if not origin.calibration:
        return ["No outcome was kept."]
    if verification.report.capture.recorder != "nsys":
        added = "A CPU's times are no outcome of a prediction about a GPU: nothing was added to"
    elif not origin.eligible:
        added = "No finding promised a gain and could be measured: nothing was added to"
    elif not origin.added:
        added = f"Of {quantities.counted(origin.eligible, 'outcome')} none is new: nothing was added to"
    else:
        added = f"{quantities.counted(origin.added, 'outcome')} {'was' if origin.added == 1 else 'were'} added to"
    sentences = [f"{added} {one_line(origin.calibration)}."]
    return sentences + [
        f"Predictions of {name.replace('_', ' ')} were realised at {realised_words(realised)}."
        for name, realised in origin.realised.items()
    ]
