import builtins
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from engine.annotation import NvtxRanges, Phase, Ranges, profiler_ranges
from tests.unit.engine.engines import tiny

LOAD = ("load", None, None)


class Noted(Ranges):
    """Notes the path of open ranges whenever one begins."""

    def __init__(self) -> None:
        self.open: list[tuple[str, str | None, int | None]] = []
        self.seen: list[tuple[tuple[str, str | None, int | None], ...]] = []

    def begin(self, message: str, category: str | None, payload: int | None) -> None:
        self.open.append((message, category, payload))
        self.seen.append(tuple(self.open))

    def end(self) -> None:
        self.open.pop()


def test_every_operation_is_a_range_within_its_step() -> None:
    noted = Noted()
    runner = tiny("tiny-llama", ranges=noted).runner
    assert noted.seen == [(LOAD,), (LOAD, ("load", "weights", None))]
    noted.seen.clear()
    runner.prefill([1, 2, 3], 5)
    runner.decode(17)
    layers = [
        operation
        for layer in range(2)
        for operation in (
            ("attention_norm", "norm", layer),
            ("qkv_proj", "attention", layer),
            ("rope", "attention", layer),
            ("attention", "attention", layer),
            ("o_proj", "attention", layer),
            ("mlp_norm", "norm", layer),
            ("gate_up_proj", "mlp", layer),
            ("down_proj", "mlp", layer),
        )
    ]
    head = [("final_norm", "norm", None), ("lm_head", "lm_head", None), ("sample", "sampling", None)]
    prefill = [("embed", "embedding", None), *layers, ("last_row", "lm_head", None), *head]
    decode = [("embed", "embedding", None), *layers, *head]
    assert noted.seen == [
        (("prefill", None, 5),),
        *((("prefill", None, 5), operation) for operation in prefill),
        (("decode", None, 17),),
        *((("decode", None, 17), operation) for operation in decode),
    ]
    assert not noted.open


def test_a_warm_up_is_a_phase_of_its_own() -> None:
    noted = Noted()
    runner = tiny(ranges=noted).runner
    noted.seen.clear()
    runner.warm_up((3,))
    assert {path[0] for path in noted.seen} == {("warmup", None, None)}
    # The last row is chosen in no step, but in every prompt: it must have been warmed up, too.
    assert ("last_row", "lm_head", None) in {path[-1] for path in noted.seen}


def test_ranges_end_whatever_happens_in_them() -> None:
    noted = Noted()

    def fail() -> None:
        with noted.phase(Phase.DECODE, 1):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not noted.open


class FakeDomain:
    def __init__(self) -> None:
        self.made: list[Mapping[str, Any]] = []
        self.pushed: list[tuple[str, str | None, int | None]] = []
        self.popped = 0

    def get_event_attributes(self, **attributes: Any) -> SimpleNamespace:
        self.made.append(attributes)
        return SimpleNamespace(**attributes)

    def push_range(self, attributes: SimpleNamespace) -> None:
        self.pushed.append((attributes.message, attributes.category, attributes.payload))

    def pop_range(self) -> None:
        self.popped += 1


def test_a_profiler_is_told_message_category_and_payload() -> None:
    domain = FakeDomain()
    ranges = NvtxRanges(domain)
    for layer in (0, 1):
        ranges.begin("qkv_proj", "attention", layer)
        ranges.end()
    ranges.begin("decode", None, 7)
    ranges.end()
    assert domain.pushed == [("qkv_proj", "attention", 0), ("qkv_proj", "attention", 1), ("decode", None, 7)]
    assert domain.popped == 3
    assert len(domain.made) == 2


def test_without_the_nvtx_package_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def missing(name: str, *arguments: Any, **named: Any) -> Any:
        if name == "nvtx":
            raise ImportError(name)
        return plain(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    assert type(profiler_ranges()) is Ranges


def test_where_nobody_listens_nobody_is_told() -> None:
    ranges: Sequence[Ranges] = [profiler_ranges()]
    assert type(ranges[0]) is Ranges
