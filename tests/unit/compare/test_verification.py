from hashlib import sha256

from tests.unit.compare.loops import MEMSET_NS, STEP_NS, Analysed, conditions, loop, observed_as, report_of, verified
from tests.unit.findings.programs import Program
from workbench.compare.comparability import DEFAULT_FACTORS
from workbench.compare.comparison import CaptureSet, compare
from workbench.compare.credit import Basis, Kept, TargetState
from workbench.compare.earlier_fingerprint import earlier_fingerprint
from workbench.compare.estimate import Change
from workbench.compare.measure_capture import measure_capture
from workbench.compare.reasons import ReasonKind
from workbench.compare.results import ResultsComparison, Verdict
from workbench.compare.verification import Observed, Verification, VerifiedFinding, find_now, verify


def only(verification: Verification) -> VerifiedFinding:
    (found,) = verification.findings
    return found


def test_a_finding_that_is_met_and_brings_what_it_promised(analysed: Analysed) -> None:
    verification = verified(analysed(loop(memsets=2)), analysed(loop()))
    one = only(verification)
    assert (one.is_met, one.is_open, one.again, one.kept) == (True, False, None, Kept.CAME_TRUE)
    assert one.result.values == (0,)
    assert one.credit
    assert one.credit.realised_ns == 2 * MEMSET_NS
    assert verification.new == ()
    (phase,) = verification.phases
    assert (phase.step.before_ns, phase.step.after_ns) == (STEP_NS + 2 * MEMSET_NS, STEP_NS)
    assert (phase.before_steps, phase.after_steps) == ((8,), (8,))


def test_the_parts_of_the_step_add_up_to_its_change(analysed: Analysed) -> None:
    verification = verified(analysed(loop(memsets=2)), analysed(loop(product_ns=104_000)))
    (phase,) = verification.phases
    assert sum(part.time.difference for part in phase.told_parts) == phase.step.estimate.difference == -2_000
    by_label = {part.label: (part.time.difference, part.spoken_of_by) for part in phase.told_parts}
    assert by_label["mlp"] == (4_000, ())
    assert by_label["copies and memsets"] == (-4_000, ("F1",))
    assert by_label["queued"] == (-2_000, ("F1",))


def test_a_finding_that_is_met_but_falls_short_says_what_grew(analysed: Analysed) -> None:
    one = only(verified(analysed(loop(memsets=2)), analysed(loop(product_ns=104_000))))
    assert one.kept is Kept.FELL_SHORT
    assert one.credit
    assert one.credit.realised_ns == 2_000
    (reason,) = one.reasons
    assert (reason.kind, [part.label for part in reason.parts]) == (ReasonKind.OFFSET, ["mlp"])


def test_a_finding_that_is_not_met_has_no_gain_whatever_the_step_does(analysed: Analysed) -> None:
    one = only(verified(analysed(loop(memsets=2)), analysed(loop(memsets=1, product_ns=50_000))))
    assert (one.result.state, one.credit, one.kept) == (TargetState.NOT_MET, None, None)
    assert (one.is_open, one.again) == (True, 0)
    assert one.change
    assert one.change.gain_ns == 50_000 + MEMSET_NS


def test_a_target_that_cannot_be_measured_is_no_target_met(analysed: Analysed) -> None:
    prefill = Program()
    with prefill.step("prefill"), prefill.range("model.layers.0.mlp"):
        prefill.kernel("gemv", 100_000)
    verification = verified(analysed(loop(memsets=2)), analysed(prefill.export))
    one = only(verification)
    assert one.result.state is TargetState.UNKNOWN
    assert one.result.problem == "the capture has no steps of phase decode"
    assert (one.is_open, one.credit, one.change, verification.phases) == (True, None, None, ())


def test_a_finding_is_met_only_if_it_is_in_every_capture(analysed: Analysed) -> None:
    captures = [analysed(loop(memsets)) for memsets in (0, 0, 1)]
    one = only(verified(analysed(loop(memsets=2)), *captures))
    assert (one.result.state, one.result.met_in, one.result.value) == (TargetState.NOT_MET, 2, 0)


def test_several_captures_tell_noise(analysed: Analysed) -> None:
    before = analysed(loop(memsets=2))
    captures = [analysed(loop(product_ns=100_000 + noise)) for noise in (-100, 0, 100)]
    one = only(verified(before, *captures))
    assert one.credit
    assert one.credit.spread_ns == (5_900, 6_100)
    assert one.credit.interval_ns
    assert one.credit.interval_ns[0] < 5_900
    assert one.kept is Kept.CAME_TRUE
    noisy = [analysed(loop(product_ns=100_000 + noise)) for noise in (-9_000, 0, 9_000)]
    assert only(verified(before, *noisy)).kept is Kept.WITHIN_NOISE


def test_what_is_new_is_what_the_earlier_report_does_not_have(analysed: Analysed) -> None:
    verification = verified(analysed(loop()), analysed(loop(memsets=2)))
    assert verification.findings == ()
    assert [verification.found[place].finding.detector for place in verification.new] == ["memsets_in_steps"]
    assert verified(analysed(loop(memsets=2)), analysed(loop(memsets=2))).new == ()


def test_a_capture_verified_by_itself_shows_nothing(analysed: Analysed) -> None:
    verification = verified(analysed(loop(memsets=2)), analysed(loop(memsets=2)))
    one = only(verification)
    assert (one.is_met, one.again) == (False, 0)
    assert all(part.time.difference == 0 for phase in verification.phases for part in phase.told_parts)


def with_before(analysed: Analysed, before: list[int], after: list[int]) -> Verification:
    """Captures of products of these times; those before have two memsets a step."""
    ones = [analysed(loop(memsets=2, product_ns=time_ns)) for time_ns in before]
    others = [analysed(loop(product_ns=time_ns)) for time_ns in after]
    report = report_of(ones[0])
    sides = [
        CaptureSet(name, tuple(measure_capture(one, f"{name}-{at}") for at, one in enumerate(side)), fingerprint)
        for name, side, fingerprint in (
            ("before", ones, earlier_fingerprint(report)),
            ("after", others, earlier_fingerprint(report)),
        )
    ]
    results = ResultsComparison(Verdict.UNKNOWN)
    comparison = compare(sides[0], sides[1], DEFAULT_FACTORS, (), results, "decode")
    targets = [finding.target for finding in report.findings]
    seen = Observed(
        after=[observed_as(f"after-{at}", one, targets) for at, one in enumerate(others)],
        found=find_now(others[0]),
        before=[observed_as(f"before-{at}", one) for at, one in enumerate(ones)],
        comparison=comparison,
    )
    return verify(report, "after", seen, conditions(report))


def test_captures_of_before_are_the_step_before(analysed: Analysed) -> None:
    verification = with_before(analysed, [100_000, 100_200, 100_100], [100_000, 100_200, 100_100])
    (phase,) = verification.phases
    assert (phase.before_steps, phase.step.before_ns) == ((8, 8, 8), STEP_NS + 2 * MEMSET_NS + 100)
    one = only(verification)
    assert one.credit
    assert one.credit.realised_ns == 2 * MEMSET_NS
    interval = one.credit.interval_ns
    assert interval
    assert 5_500 < interval[0] < 6_000 < interval[1] < 6_500
    assert phase.step.estimate.change is Change.BETTER
    by_label = {part.label: part for part in phase.told_parts}
    assert by_label["copies and memsets"].time.change is Change.BETTER
    assert by_label["copies and memsets"].spoken_of_by == ("F1",)
    assert by_label["mlp"].time.change is Change.NONE_SHOWN


def test_within_the_noise_of_captures_nothing_came_true(analysed: Analysed) -> None:
    verification = with_before(analysed, [100_000, 140_000, 120_000], [100_000, 140_000, 120_000])
    assert only(verification).kept is Kept.WITHIN_NOISE
    (phase,) = verification.phases
    assert phase.step.estimate.change is Change.NONE_SHOWN


def two_processes(*memsets: int) -> Program:
    """Processes that decode one after the other, each with so many memsets a step."""
    program = Program()
    for pid, count in enumerate(memsets, 11):
        program.pid, program._steps = pid, {}
        for _ in range(8):
            with program.step():
                program.kernel("gemv", 100_000)
                for _ in range(count):
                    program.memset(4, 2_000, wait_ns=1_000)
                program.kernel("flash_fwd", 50_000, wait_ns=1_000)
    return program


def test_processes_are_credited_each_with_its_own_step(analysed: Analysed) -> None:
    verification = verified(analysed(two_processes(2, 4).export), analysed(two_processes(0, 0).export))
    realised = {one.finding.pid: one.credit.realised_ns for one in verification.findings if one.credit}
    assert realised == {11: 2 * MEMSET_NS, 12: 4 * MEMSET_NS}
    assert [phase.pid for phase in verification.phases] == [11, 12]
    spoken = [{number for part in phase.told_parts for number in part.spoken_of_by} for phase in verification.phases]
    assert spoken == [{one.finding.number} for one in sorted(verification.findings, key=lambda one: one.finding.pid)]


def test_another_number_of_processes_leaves_nothing_to_credit(analysed: Analysed) -> None:
    verification = verified(analysed(two_processes(2, 4).export), analysed(loop()))
    assert verification.phases == ()
    assert [(one.is_met, one.credit) for one in verification.findings] == [(True, None), (True, None)]


def test_a_mean_step_is_held_against_the_mean(analysed: Analysed) -> None:
    def program(slow_ns: int) -> Program:
        made = Program()
        for number in range(10):
            with made.step(), made.range("model.layers.0.mlp"):
                made.kernel("gemv", slow_ns if number == 4 else 100_000)
        return made

    verification = verified(analysed(program(900_000).export), analysed(program(100_000).export))
    one = next(one for one in verification.findings if one.finding.detector == "outlier_steps")
    assert one.credit
    assert (one.credit.basis, one.credit.realised_ns, one.kept) == (Basis.MEAN, 80_000, Kept.CAME_TRUE)
    assert one.change
    assert (one.change.before_ns, one.change.after_ns) == (180_000, 100_000)


def test_parts_of_the_median_step_explain_nothing_of_the_mean(analysed: Analysed) -> None:
    def program(slow_ns: int, product_ns: int) -> Program:
        made = Program()
        for number in range(10):
            with made.step(), made.range("model.layers.0.mlp"):
                made.kernel("gemv", slow_ns if number == 4 else product_ns)
        return made

    verification = verified(analysed(program(900_000, 100_000).export), analysed(program(200_000, 200_000).export))
    one = next(one for one in verification.findings if one.finding.detector == "outlier_steps")
    assert one.credit
    assert (one.credit.basis, one.kept, one.reasons) == (Basis.MEAN, Kept.FELL_SHORT, ())


def test_reasons_and_shares_are_of_the_step_that_is_credited(analysed: Analysed) -> None:
    """Four of ten steps are slow in attention, which moves the mean step alone; the median one gains by its memsets."""

    def program(memsets: int, slow_ns: int) -> Program:
        made = Program()
        for number in range(10):
            with made.step():
                with made.range("model.layers.0.mlp"):
                    made.kernel("gemv", 100_000)
                for _ in range(memsets):
                    made.memset(4, MEMSET_NS - 1_000, wait_ns=1_000)
                with made.range("model.layers.0.self_attn"):
                    made.kernel("flash_fwd", slow_ns if number < 4 else 50_000, wait_ns=1_000)
        return made

    one, other = analysed(program(2, 50_000).export), analysed(program(0, 90_000).export)
    report = report_of(one)
    fingerprint = earlier_fingerprint(report)
    sides = [CaptureSet(name, (measure_capture(side, name),), fingerprint) for name, side in (("a", one), ("b", other))]
    comparison = compare(sides[0], sides[1], DEFAULT_FACTORS, (), ResultsComparison(Verdict.UNKNOWN), "decode")
    targets = [finding.target for finding in report.findings]
    seen = Observed([observed_as("b", other, targets)], find_now(other), [observed_as("a", one)], comparison)
    verification = verify(report, "b", seen, conditions(report))
    (phase,) = verification.phases
    moved = {basis: {part.label: part.time.difference for part in parts} for basis, parts in phase.parts.items()}
    assert (moved[Basis.MEDIAN]["attention"], moved[Basis.MEAN]["attention"]) == (0, 16_000)
    assert sum(moved[Basis.MEDIAN].values()) == phase.step.estimate.difference == -2 * MEMSET_NS
    assert sum(moved[Basis.MEAN].values()) == phase.changes[Basis.MEAN].estimate.difference == 10_000
    memsets = next(one for one in verification.findings if one.finding.detector == "memsets_in_steps")
    assert (memsets.kept, memsets.reasons) == (Kept.CAME_TRUE, ())
    assert phase.parts_of is Basis.MEDIAN


def test_steps_are_those_of_the_captures_that_are_compared(analysed: Analysed) -> None:
    ones = [analysed(loop(memsets=2, steps=steps)) for steps in (8, 10)]
    other = analysed(loop(steps=9))
    report = report_of(ones[0])
    targets = [finding.target for finding in report.findings]
    before = [observed_as(f"before-{at}", one) for at, one in enumerate(ones)]
    seen = Observed([observed_as("after", other, targets)], find_now(other), before)
    (phase,) = verify(report, "after", seen, conditions(report)).phases
    assert (phase.before_steps, phase.after_steps) == ((8, 10), (9,))


def test_what_it_rests_on_is_known_by_content(analysed: Analysed) -> None:
    verification = with_before(analysed, [100_000, 100_200], [100_000])
    names = ("before-0", "before-1", "after-0")
    assert verification.sources.captures == tuple(sorted(sha256(name.encode()).hexdigest() for name in names))
    assert verification.sources.report == verification.report.capture.sha256
