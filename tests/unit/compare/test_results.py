import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.test_manifest import a_manifest
from workbench.compare.results import Verdict, compare_results
from workbench.manifest import Manifest

TOKENS = [5, 7, 11]
RESULTS: dict[str, Any] = {
    "tokens_sha256": "ab" * 32,
    "tokens": TOKENS,
    "logits": {"sha256": "cd" * 32, "largest": [[5, 4.5]], "sample": [0.5, -1.25, None]},
}


def told(results: Any) -> Manifest:
    return replace(a_manifest(), workload={"results": results})


def of_logits(sha256: Any, sample: Any) -> Manifest:
    return told({**RESULTS, "logits": {"sha256": sha256, "sample": sample}})


SAME = told(RESULTS)


def test_the_same_tokens_from_the_same_logits() -> None:
    found = compare_results([SAME], [told({**RESULTS, "tokens_sha256": "AB" * 32, "tokens": []})])
    assert found.verdict is Verdict.SAME
    assert found.sentence == "Both sides computed the same tokens from the same logits."


@pytest.mark.parametrize(
    ("sample", "largest", "words"),
    [
        ([0.5, -1.5, None], 0.25, "differ by at most 0.25 in the sample that was kept."),
        ([1, -1.25, None], 0.5, "differ by at most 0.5 in the sample that was kept."),
        ([0.5, -1.25, None], 0.0, "differ, though not in the sample that was kept."),
        ([0.5, -1.25, 3.0], math.inf, "differ, some of them finite on one side alone."),
        ([0.5, math.nan, None], math.inf, "differ, some of them finite on one side alone."),
        ([0.5, -1.25], None, "from logits that differ."),
        ([], None, "from logits that differ."),
        (["x", 0, 0], None, "from logits that differ."),
        ([True, 0, 0], None, "from logits that differ."),
        ([10**400, 0, 0], None, "from logits that differ."),
        ("text", None, "from logits that differ."),
    ],
)
def test_the_same_tokens_from_other_logits(sample: Any, largest: float | None, words: str) -> None:
    for pair in ((SAME, of_logits("ef" * 32, sample)), (of_logits("ef" * 32, sample), SAME)):
        found = compare_results([pair[0]], [pair[1]])
        assert (found.verdict, found.largest_difference) == (Verdict.OTHER_LOGITS, largest)
        assert found.sentence.endswith(words)


@pytest.mark.parametrize("logits", [None, "x", {}, {"sha256": None}, {"sha256": "zz"}, {"sha256": 3}, []])
def test_the_same_tokens_from_unknown_logits(logits: Any) -> None:
    found = compare_results([SAME], [told({**RESULTS, "logits": logits})])
    assert found.verdict is Verdict.SAME_TOKENS
    assert found.sentence.endswith("whether their logits are the same is not known.")


@pytest.mark.parametrize(
    ("tokens", "first", "words"),
    [
        ([6, 7, 11], 0, "different tokens, from token 1 on."),
        ([5, 7, 12, 13], 2, "different tokens, from token 3 on."),
        (TOKENS, None, "different tokens, somewhere after the first 3."),
        ([5, 7], None, "different tokens, somewhere after the first 2."),
        ([], None, "different tokens, from where on is not known."),
        ([5, "7"], None, "different tokens, from where on is not known."),
        ([5, True], None, "different tokens, from where on is not known."),
        ({"5": 7}, None, "different tokens, from where on is not known."),
    ],
)
def test_other_tokens(tokens: Any, first: int | None, words: str) -> None:
    other = told({**RESULTS, "tokens_sha256": "ef" * 32, "tokens": tokens})
    found = compare_results([SAME], [other])
    assert (found.verdict, found.first_token) == (Verdict.OTHER_TOKENS, first)
    assert found.sentence.endswith(words)
    assert compare_results([other], [SAME]) == found


def test_tokens_that_differ_need_no_digest() -> None:
    found = compare_results([told({"tokens": [5, 8]})], [SAME])
    assert (found.verdict, found.first_token) == (Verdict.OTHER_TOKENS, 1)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ([None], [SAME], "BEFORE does not tell what it computed"),
        ([SAME], [None], "AFTER does not tell what it computed"),
        ([SAME], [], "AFTER does not tell what it computed"),
        ([SAME], [told(None)], "AFTER does not tell what it computed"),
        ([SAME], [told("text")], "AFTER does not tell what it computed"),
        ([SAME], [replace(a_manifest(), workload=None)], "AFTER does not tell what it computed"),
        ([told({"tokens_sha256": "short", "tokens": "5"})], [SAME], "BEFORE does not tell what it computed"),
        ([told({"tokens": TOKENS})], [SAME], "BEFORE tells no digest of its tokens"),
        ([SAME], [told({"tokens": [5, 7]})], "AFTER tells no digest of its tokens"),
        ([told({"tokens": TOKENS})], [told({"tokens": TOKENS})], "BEFORE tells no digest of its tokens"),
        ([SAME, told({"tokens_sha256": "ef" * 32})], [SAME], "the captures of BEFORE differ among themselves"),
        ([SAME], [SAME, of_logits("ef" * 32, [])], "the captures of AFTER differ among themselves"),
    ],
)
def test_what_cannot_be_known_has_a_reason(
    before: Sequence[Manifest | None], after: Sequence[Manifest | None], reason: str
) -> None:
    found = compare_results(before, after)
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, reason)
    assert found.sentence == f"Whether both sides computed the same is not known, for {reason}."


def test_of_a_set_the_capture_speaks_that_tells_most() -> None:
    tokens_alone = told({"tokens_sha256": "ab" * 32})
    assert compare_results([None, tokens_alone, SAME], [tokens_alone, SAME, SAME]).verdict is Verdict.SAME
