"""Whether two sets of captures computed the same: their tokens, and the logits behind their prompts.

A program says what it computed in its manifest, under `workload.results`, as the engine does (`engine.run/1`): the
SHA-256 of all tokens, the first of them, the SHA-256 of the logits and a sample of those. Whoever wrote the manifest
may have put anything in: what is no digest, no token or no number counts as not told.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from workbench.manifest import Manifest

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


class Verdict(StrEnum):
    """How the results of two sets compare."""

    SAME = "same"
    """The same tokens, from the same logits."""
    OTHER_LOGITS = "other_logits"
    """The same tokens, from logits that differ."""
    SAME_TOKENS = "same_tokens"
    """The same tokens; of logits nothing is known."""
    OTHER_TOKENS = "other_tokens"
    """Tokens that differ."""
    UNKNOWN = "unknown"
    """Nobody can tell."""


@dataclass(frozen=True)
class ResultsComparison:
    """Whether two sets computed the same.

    Attributes:
        verdict: the answer.
        largest_difference: between logits at the same place of the sample; infinite where only one of them is a
            finite number. None where the logits are the same, or samples are not told.
        first_token: the place, from 0, of the first token that differs, where it is among those told.
        tokens_told: how many tokens were compared, where they differ.
        reason: why nobody can tell, a clause; empty where the verdict is another.
    """

    verdict: Verdict
    largest_difference: float | None = None
    first_token: int | None = None
    tokens_told: int = 0
    reason: str = ""

    @property
    def sentence(self) -> str:
        """The answer in a sentence."""
        match self.verdict:
            case Verdict.SAME:
                return "Both sides computed the same tokens from the same logits."
            case Verdict.OTHER_LOGITS:
                return f"Both sides computed the same tokens, from logits that differ{self._by_how_much}."
            case Verdict.SAME_TOKENS:
                return "Both sides computed the same tokens; whether their logits are the same is not known."
            case Verdict.OTHER_TOKENS:
                return f"The sides computed different tokens, {self._from_where}."
            case Verdict.UNKNOWN:
                return f"Whether both sides computed the same is not known, for {self.reason}."

    @property
    def _by_how_much(self) -> str:
        if self.largest_difference is None:
            return ""
        if math.isinf(self.largest_difference):
            return ", some of them finite on one side alone"
        if not self.largest_difference:
            return ", though not in the sample that was kept"
        return f" by at most {self.largest_difference:.3g} in the sample that was kept"

    @property
    def _from_where(self) -> str:
        if self.first_token is not None:
            return f"from token {self.first_token + 1} on"
        return f"somewhere after the first {self.tokens_told}" if self.tokens_told else "from where on is not known"


@dataclass(frozen=True)
class _Results:
    """What a program says it computed; None or empty where it does not tell, or not in the form that is known."""

    digest: str | None
    tokens: tuple[int, ...]
    logits: str | None
    sample: tuple[float | None, ...]


def compare_results(before: Sequence[Manifest | None], after: Sequence[Manifest | None]) -> ResultsComparison:
    """Compares what two sets of captures computed.

    Args:
        before: the manifests of one set's captures, None where a capture has none.
        after: those of the other's.
    """
    sides = []
    for side, manifests in (("BEFORE", before), ("AFTER", after)):
        told = [results for manifest in manifests if (results := _told_by(manifest))]
        if not told:
            return _unknown(f"{side} does not tell what it computed")
        if any(len(set(map(known, told)) - {None}) > 1 for known in (lambda one: one.digest, lambda one: one.logits)):
            return _unknown(f"the captures of {side} differ among themselves")
        sides.append(max(told, key=lambda one: (one.digest is not None, one.logits is not None, len(one.sample))))
    return _compare(*sides)


def _compare(before: _Results, after: _Results) -> ResultsComparison:
    pairs = list(zip(before.tokens, after.tokens, strict=False))
    if before.digest is None or before.digest != after.digest:
        first = next((place for place, (one, other) in enumerate(pairs) if one != other), None)
        if first is None and None in (before.digest, after.digest):
            return _unknown(f"{'BEFORE' if before.digest is None else 'AFTER'} tells no digest of its tokens")
        return ResultsComparison(Verdict.OTHER_TOKENS, first_token=first, tokens_told=len(pairs))
    if before.logits is None or after.logits is None:
        return ResultsComparison(Verdict.SAME_TOKENS)
    if before.logits == after.logits:
        return ResultsComparison(Verdict.SAME)
    largest = _largest_difference(before.sample, after.sample)
    return ResultsComparison(Verdict.OTHER_LOGITS, largest_difference=largest)


def _largest_difference(before: Sequence[float | None], after: Sequence[float | None]) -> float | None:
    """The largest absolute difference; None where the samples are not of the same size, or empty."""
    if not before or len(before) != len(after):
        return None
    return max(_apart(one, other) for one, other in zip(before, after, strict=True))


def _apart(one: float | None, other: float | None) -> float:
    """How far two logits lie apart; None is one that is no finite number."""
    if one is None or other is None:
        return 0.0 if one is other else math.inf
    return abs(one - other)


def _unknown(reason: str) -> ResultsComparison:
    return ResultsComparison(Verdict.UNKNOWN, reason=reason)


def _told_by(manifest: Manifest | None) -> _Results | None:
    results = _object((manifest.workload or {}).get("results")) if manifest else {}
    logits = _object(results.get("logits"))
    found = _Results(
        digest=_digest(results.get("tokens_sha256")),
        tokens=_tokens(results.get("tokens")),
        logits=_digest(logits.get("sha256")),
        sample=_sample(logits.get("sample")),
    )
    return found if found.digest or found.tokens else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _digest(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) and _DIGEST.fullmatch(value) else None


def _tokens(value: Any) -> tuple[int, ...]:
    """A list of whole numbers; empty for anything else."""
    # bool is a subclass of int, and no token.
    is_list = isinstance(value, list) and all(isinstance(token, int) and not isinstance(token, bool) for token in value)
    return tuple(value) if is_list else ()


def _sample(value: Any) -> tuple[float | None, ...]:
    """A list of numbers, with None for what is no finite number; empty for anything else."""
    if not isinstance(value, list):
        return ()
    sample = []
    for number in value:
        if isinstance(number, bool) or not isinstance(number, int | float | None):
            return ()
        try:
            sample.append(None if number is None or not math.isfinite(number) else float(number))
        except OverflowError:
            return ()
    return tuple(sample)
