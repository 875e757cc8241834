"""What a run reads and writes: so many tokens of prompt, so many steps of decode."""

import re
from dataclasses import dataclass

import numpy as np

from engine.errors import EngineError
from engine.fields import shown

_SIZES = re.compile(r"pp=(\d{1,9}),tg=(\d{1,9})")


@dataclass(frozen=True)
class Workload:
    """One sequence.

    Attributes:
        name: None where it was given by its sizes.
        prompt_tokens: read at once, in chunks; the first token of the answer follows from them.
        decode_tokens: as many further tokens, each of which takes a step.
    """

    name: str | None
    prompt_tokens: int
    decode_tokens: int

    @property
    def context(self) -> int:
        """The positions that it needs in a cache."""
        return self.prompt_tokens + self.decode_tokens


WORKLOADS = {"W1": Workload("W1", 8192, 64), "W2": Workload("W2", 256, 2048)}


def known_workload(text: str) -> Workload:
    """A workload by its name, or by its sizes as in `pp=512,tg=128`.

    Raises:
        EngineError: it is neither.
    """
    if text in WORKLOADS:
        return WORKLOADS[text]
    sizes = _SIZES.fullmatch(text)
    if sizes is None or not int(sizes[1]) or not int(sizes[2]):
        raise EngineError(
            f"{shown(text)} is no workload; give {', '.join(WORKLOADS)}, or sizes of at least 1 as in pp=512,tg=128"
        )
    return Workload(None, int(sizes[1]), int(sizes[2]))


def random_prompt(tokens: int, vocabulary: int, seed: int) -> list[int]:
    """Seeded random tokens: what they say does not change how long they take."""
    return [int(token) for token in np.random.default_rng(seed).integers(0, vocabulary, tokens)]
