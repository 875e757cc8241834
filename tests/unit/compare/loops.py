"""Small decode loops whose findings, and what becomes of them, can be added up by hand; and reports of them."""

import hashlib
from collections.abc import Callable, Sequence

from tests.exports import Export
from tests.unit.findings.programs import Program
from workbench.analysis.analysis import Analysis
from workbench.compare.comparability import DEFAULT_FACTORS
from workbench.compare.earlier_fingerprint import earlier_fingerprint
from workbench.compare.earlier_report import EarlierReport, parse_report
from workbench.compare.fingerprint import Fingerprint
from workbench.compare.observation import Observation, observe
from workbench.compare.results import ResultsComparison, Verdict
from workbench.compare.verification import Conditions, Observed, Verification, find_now, verify
from workbench.findings.document import compile_document
from workbench.findings.target import Target
from workbench.report.findings_json import to_json

Analysed = Callable[[Export], Analysis]
# What one memset costs: it runs, and the GPU waits for it to begin.
MEMSET_NS = 3_000
# A step of no memsets: a product, attention, and the wait for that.
STEP_NS = 151_000


def loop(memsets: int = 0, *, product_ns: int = 100_000, attention_ns: int = 50_000, steps: int = 8) -> Export:
    """Decode steps of a product and attention, with some memsets between the two."""
    program = Program()
    for _ in range(steps):
        with program.step():
            with program.range("model.layers.0.mlp"):
                program.kernel("gemv", product_ns)
            for _ in range(memsets):
                program.memset(4, MEMSET_NS - 1_000, wait_ns=1_000)
            with program.range("model.layers.0.self_attn"):
                program.kernel("flash_fwd", attention_ns, wait_ns=1_000)
    return program.export


def report_of(analysis: Analysis) -> EarlierReport:
    """The findings report of a capture, as it is read from its JSON document."""
    return parse_report(to_json(compile_document(analysis)), "findings.json")


def verified(before: Analysis, *after: Analysis) -> Verification:
    """The findings of one capture, verified by others."""
    report = report_of(before)
    targets = [finding.target for finding in report.findings]
    observations = [observed_as(f"capture-{number}", analysis, targets) for number, analysis in enumerate(after, 1)]
    return verify(report, "after", Observed(observations, find_now(after[0])), conditions(report))


def observed_as(name: str, analysis: Analysis, targets: Sequence[Target] = ()) -> Observation:
    """A capture as observed, whose hash is known by its name."""
    return observe(analysis, name, hashlib.sha256(name.encode()).hexdigest(), targets)


def conditions(report: EarlierReport) -> Conditions:
    """Conditions under which nothing is known but what the report tells."""
    unknown = ResultsComparison(Verdict.UNKNOWN, reason="neither side tells")
    return Conditions(DEFAULT_FACTORS, (), (), unknown, earlier_fingerprint(report), Fingerprint())
