from pathlib import Path

import pytest

from engine import session
from engine.annotation import Ranges
from engine.errors import EngineError
from engine.formats import BF16, FP16, FP32, Q8_0
from engine.model_choice import choose_model
from engine.operations import Site
from engine.progress import silent
from engine.session import EngineOptions, cache_format, choose_backend, open_engine, remarks, rounded_context
from engine.variants import Variant
from tests.unit.engine.engines import choice, tiny
from tests.unit.engine.weights.builders import random_tensors, write_folder


@pytest.fixture
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "gpu_count", lambda: 0)


@pytest.mark.usefixtures("without_gpu")
def test_without_a_gpu_numpy_is_meant_unless_the_gpu_is_asked_for() -> None:
    assert choose_backend("auto") == choose_backend("numpy") == "numpy"
    with pytest.raises(EngineError, match="there is no NVIDIA GPU that this process can use; choose --backend numpy"):
        choose_backend("cuda")


def test_with_a_gpu_it_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "gpu_count", lambda: 2)
    assert choose_backend("auto") == choose_backend("cuda") == "cuda"
    assert choose_backend("numpy") == "numpy"


def test_the_cache_has_the_precision_of_the_weights_or_half() -> None:
    assert cache_format("numpy", FP32) is FP32
    assert cache_format("cuda", FP32) is FP16
    assert [cache_format("numpy", format_) for format_ in (BF16, FP16, Q8_0)] == [BF16, FP16, FP16]


def test_loading_is_a_phase_told_layer_by_layer() -> None:
    told: list[tuple[str, int, int]] = []
    options = EngineOptions(backend="numpy")
    engine = open_engine(choice(), options, 300, Ranges(), lambda *stage: told.append(stage))
    assert told == [("loading layers", 0, 2), ("loading layers", 1, 2), ("loading layers", 2, 2)]
    assert engine.runner.options.limits.context == 300
    assert engine.runner.options.limits.chunk == 300
    assert not engine.runner.options.graphs
    assert engine.device is None
    assert engine.load_ns > 0


def test_seeds_make_weights() -> None:
    def logits(seed: int) -> list[float]:
        runner = open_engine(choice(), EngineOptions(backend="numpy", seed=seed), 8, Ranges(), silent).runner
        runner.prefill([1, 2])
        return [float(logit) for logit in runner.logits()]

    assert logits(1) == logits(1) != logits(2)


def test_something_can_be_put_around_every_operation() -> None:
    seen: list[tuple[str, Site]] = []

    def around(name: str, site: Site, call: object) -> None:
        seen.append((name, site))
        call()

    tiny(around=around).runner.prefill([1])
    assert seen[0] == ("embed", Site("embedding", "embed", None))
    assert len(seen) == 20


def test_stored_weights_are_loaded(tmp_path: Path) -> None:
    shape = choice().config
    path = write_folder(tmp_path / "stored", shape, random_tensors(shape, FP32))
    runner = open_engine(choose_model(str(path)), EngineOptions(backend="numpy"), 8, Ranges(), silent).runner
    runner.prefill([1, 2])
    assert runner.logits().any()


@pytest.mark.usefixtures("without_gpu")
def test_a_model_larger_than_memory_is_refused_before_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_free_bytes", lambda: 3 << 30)
    with pytest.raises(EngineError) as error:
        open_engine(choose_model("llama-3.2-1b"), EngineOptions(), 8, Ranges(), silent)
    assert str(error.value) == (
        "llama-3.2-1b needs 4.6 GiB on the NumPy backend, and 3.0 GiB are free; "
        "run it on a GPU, or choose a smaller model"
    )


def test_free_memory_is_what_the_system_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = tmp_path / "meminfo"
    said.write_text("MemTotal:  9 kB\nMemAvailable:     1024 kB\n")
    monkeypatch.setattr(session, "_MEMORY_INFO", said)
    assert session._free_bytes() == 1 << 20
    said.unlink()
    assert session._free_bytes() is None


@pytest.mark.usefixtures("without_gpu")
def test_what_a_user_should_know_is_said_before() -> None:
    assert list(remarks(choice(), EngineOptions(), 2048)) == [
        "tiny-qwen3 has synthetic weights, seed 42; give --weights PATH to run real ones"
    ]
    options = EngineOptions(variants=frozenset({Variant.NO_PDL}))
    assert list(remarks(choice(), options, 2049))[1:] == [
        "a context of 2049 tokens is longer than the 2048 that tiny-qwen3 was made for: times are right, answers "
        "need not be",
        "variants change nothing on the NumPy backend",
    ]
    assert list(remarks(choice(), EngineOptions(), 2049, timed=False))[1:] == [
        "a context of 2049 tokens is longer than the 2048 that tiny-qwen3 was made for: answers may be wrong from "
        "position 2048 on"
    ]


def test_contexts_are_rounded_up() -> None:
    assert [rounded_context(tokens) for tokens in (1, 256, 257)] == [256, 256, 512]


def test_graphs_are_off_by_either_name() -> None:
    assert EngineOptions().replays
    assert not EngineOptions(graphs=False).replays
    assert not EngineOptions(variants=frozenset({Variant.NO_GRAPHS})).replays
