"""What `wb baseline` says of two measurements, in words."""

from collections.abc import Iterator

from workbench.compare.comparability import DEFAULT_FACTORS, Kind, differences
from workbench.gate import changes
from workbench.gate.baseline import ModelDifference
from workbench.report.diff import listed


def difference_verdict(one: ModelDifference) -> str:
    """What became of a model's numbers: a sentence that tells gains from losses."""
    model = one.request.model
    if one.old is None or one.new is None:
        return f"{model} is only in the {'new' if one.old is None else 'old'} baseline."
    told = [
        f"{listed(names)} {verb}"
        for kind, verb in ((changes.Kind.BETTER, "improved"), (changes.Kind.WORSE, "got worse"))
        if (names := [change.name for change in one.changes if change.kind is kind])
    ]
    untold = [change.name for change in one.changes if change.kind is changes.Kind.UNKNOWN]
    if untold:
        told.append(f"of {listed(untold)} it cannot be told, with a single process on either side")
    return f"{model}: {'; '.join(told)}." if told else f"{model}: no number differs by more than noise."


def circumstances(one: ModelDifference) -> Iterator[str]:
    """When both sides were measured, and in what they differ besides their numbers."""
    if one.old is None or one.new is None:
        return
    yield f"Old: measured {one.old.measured_utc}; new: {one.new.measured_utc}."
    found = differences(one.old.fingerprint, one.new.fingerprint, DEFAULT_FACTORS)
    differing = [difference.text for difference in found if difference.kind is not Kind.UNKNOWN]
    if differing:
        yield f"They differ in {listed(differing)}."
    results = [side.results.tokens_sha256 for side in (one.old, one.new)]
    if None not in results:
        yield "Both computed the same tokens." if results[0] == results[1] else "They computed different tokens."
