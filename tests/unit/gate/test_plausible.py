from dataclasses import replace

import pytest

from tests.unit.gate.measured_models import FINGERPRINT, MEMORY, TIMES_NS, measured, number
from workbench.compare.fingerprint import Fingerprint
from workbench.errors import UserError
from workbench.gate.measured import MeasuredModel, Number, Request
from workbench.gate.plausible import problem, refuse_implausible


def with_times(model: MeasuredModel | None = None, **times_ns: float) -> MeasuredModel:
    """The model with some of its times replaced; `prefill_512=...`."""
    changed = TIMES_NS | {name.replace("_", ".", 1): at_ns for name, at_ns in times_ns.items()}
    return replace(model or measured(), numbers=tuple(number(name, at_ns) for name, at_ns in changed.items()))


def by_speed(**speeds: float) -> MeasuredModel:
    """What an import makes of tokens per second, of a model of unknown size on an unknown GPU."""
    numbers = []
    for name, speed in speeds.items():
        phase, tokens = name.split("_")
        time_ns = round(int(tokens) / speed * 1e9)
        numbers.append(Number(f"{phase}.{tokens}", phase, int(tokens), 0, None, ((time_ns,),)))
    return measured(
        request=Request("model"), fingerprint=Fingerprint(), numbers=tuple(numbers), memory=None, copy_bytes_per_s=None,
        step_weight_bytes=None,
    )  # fmt: skip


def test_what_was_measured_is_plausible() -> None:
    assert problem(measured()) == ""
    refuse_implausible(measured(), "it")


def test_a_tiny_model_on_a_cpu_is_plausible() -> None:
    """Its prefill slows down with its length, for attention is quadratic; its weights lie in a cache."""
    tiny = measured(copy_bytes_per_s=None, step_weight_bytes=1_838_080, fingerprint=Fingerprint(model="tiny-qwen3"))
    assert problem(with_times(tiny, prefill_128=3.1e6, prefill_512=32e6, prefill_4096=1.4e9, decode_128=59e6)) == ""


def test_decode_faster_than_weights_can_be_read_is_refused() -> None:
    """4.27 GB at 4.15 TB/s take 1.03 ms; a step of 0.95 ms is within what reading may be faster than copying."""
    assert "TB/s" not in problem(with_times(decode_128=128 * 1.0e6))
    found = problem(with_times(decode_128=128 * 0.9e6))
    assert "decode.128 runs at 1111 tokens/s and would read weights at 4.74 TB/s" in found
    assert "the measured copy speed allows 4.36" in found
    assert found.endswith("it looks like a time taken before the work was done")


@pytest.mark.parametrize(
    ("factor", "unit"), [(1e-3, "microseconds taken for nanoseconds"), (1e-6, "milliseconds taken for nanoseconds")]
)
@pytest.mark.parametrize("name", ["decode.128", "prefill.512", "prefill.4096"])
def test_times_in_a_larger_unit_are_known_by_the_speed_that_they_would_mean(
    name: str, factor: float, unit: str
) -> None:
    times_ns = {name.replace(".", "_"): max(1, TIMES_NS[name] * factor)}
    assert unit in problem(with_times(**times_ns)) or "less than launching a kernel" in problem(with_times(**times_ns))


def test_without_a_copy_speed_the_gpu_is_known_by_its_name() -> None:
    unknown = measured(copy_bytes_per_s=None)
    step_ns = 4.27e9 / 7e12 * 1e9
    assert "the memory of NVIDIA H200 allows 5.04" in problem(with_times(unknown, decode_128=128 * step_ns))
    two = replace(unknown, fingerprint=replace(FINGERPRINT, gpu="2 x NVIDIA H200"))
    assert problem(with_times(two, decode_128=128 * step_ns)) == ""
    other = replace(unknown, fingerprint=replace(FINGERPRINT, gpu="a GPU of tomorrow"))
    assert problem(with_times(other, decode_128=128 * step_ns)) == ""
    assert "the fastest device allows 20" in problem(with_times(other, decode_128=128 * step_ns / 3))


def test_weights_that_fit_in_a_cache_may_be_read_faster_than_memory() -> None:
    small = measured(step_weight_bytes=20_000_000)
    fast = with_times(small, prefill_128=5e4, prefill_512=6e4, prefill_4096=2e5, decode_128=128 * 4_000)
    assert problem(fast) == ""
    assert "launching a kernel" in problem(with_times(fast, decode_128=128 * 900))


def test_a_model_of_unknown_size_is_known_by_its_name() -> None:
    """Of 8 billion weights, at 2 bits, 20 TB/s read 10 000 a second; of the 3 billion that a token uses, more."""
    speeds = by_speed(prefill_4096=100_000, decode_128=15_000)
    assert problem(speeds) == ""
    named = replace(speeds, request=Request("Qwen3-8B-Q8_0.gguf"))
    assert "would read weights" in problem(named, speeds_told=True)
    assert problem(named, speeds_told=True).endswith("it looks like a time, or the speed of many sequences together")
    assert problem(replace(speeds, request=Request("Qwen3.6-35B-A3B"))) == ""


@pytest.mark.parametrize(
    "speeds",
    [
        # 22 545 tok/s are 22.7 ms for 512 tokens, 410 tok/s are 312 ms for 128 and 2.44 ms a token.
        {"prefill_512": 22.7, "decode_128": 410},
        {"prefill_512": 22_545, "prefill_4096": 180, "decode_128": 4100},
        {"prefill_128": 6.0, "prefill_512": 22.7, "prefill_4096": 180.0, "decode_128": 312},
        {"prefill_4096": 180, "decode_128": 312},
        {"prefill_512": 22_545, "decode_128": 2.44},
        {"prefill_4096": 28_000, "decode_128": 0.3},
    ],
)
def test_milliseconds_taken_for_speeds_are_known_by_what_stands_beside_them(speeds: dict[str, float]) -> None:
    found = problem(by_speed(**speeds), speeds_told=True)
    assert found.startswith("model: ")
    assert found.endswith("it looks like milliseconds, not tokens per second")


@pytest.mark.parametrize(
    "speeds",
    [
        {"prefill_512": 22_545, "decode_128": 410},
        {"prefill_128": 9_000, "prefill_4096": 100_000, "decode_128": 900},
        # Two thirds of a small CPU's decode is what prefill may come down to.
        {"prefill_8192": 1500, "prefill_1024": 9000, "decode_256": 2200},
        # Offloaded weights: a step takes as long as a prefill.
        {"prefill_512": 600, "decode_128": 1.2},
        {"decode_128": 410},
        {"prefill_512": 22_545},
    ],
)
def test_speeds_that_may_be_true_pass(speeds: dict[str, float]) -> None:
    assert problem(by_speed(**speeds), speeds_told=True) == ""


@pytest.mark.parametrize("samples_ns", [(), ((),), ((0,),), ((-5,),), ((100_000_000,), (0,))])
def test_times_that_are_none_are_refused(samples_ns: tuple[tuple[int, ...], ...]) -> None:
    broken = replace(number("decode.128", 1e8), samples_ns=samples_ns)
    assert "decode.128 has" in problem(measured(numbers=(broken,)))


@pytest.mark.parametrize("time_ns", [float("nan"), float("inf")])
def test_times_that_are_no_numbers_are_refused(time_ns: float) -> None:
    broken = replace(number("decode.128", 1e8), samples_ns=((time_ns,),))
    assert "above zero" in problem(measured(numbers=(broken,)))


def test_other_facts_that_cannot_be_are_refused() -> None:
    assert "the copy speed is nan" in problem(measured(copy_bytes_per_s=float("nan")))
    assert "the size of the weights is 0" in problem(measured(step_weight_bytes=0))
    assert "no memory" in problem(measured(memory=replace(MEMORY, cache_bytes=-1)))
    assert "more than an hour" in problem(with_times(decode_128=128 * 4e12))
    assert "0 tokens" in problem(measured(numbers=(replace(number("decode.128", 1e8), tokens=0),)))
    assert "repeated 0 times" in problem(measured(repetitions=0))


def test_a_refusal_is_one_sentence() -> None:
    with pytest.raises(
        UserError, match=r"^base\.json is implausible: qwen3-4b: decode\.128 .*; measure it again"
    ) as at:
        refuse_implausible(with_times(decode_128=180_000), "base.json")
    assert at.value.exit_code == 2


MILLISECONDS = {"prefill_128": 14.2, "prefill_512": 22.7, "prefill_4096": 73.2, "decode_128": 3.9}


def named(model: str, gpu: str | None, weight_format: str | None = None, **speeds: float) -> MeasuredModel:
    request = Request(model, weight_format=weight_format)
    return replace(by_speed(**speeds), request=request, fingerprint=Fingerprint(gpu=gpu))


@pytest.mark.parametrize("model", ["Qwen3-4B-Q8_0.gguf", "qwen3-4b"])
def test_a_file_all_in_milliseconds_is_known_by_what_the_gpu_could_do(model: str) -> None:
    found = problem(named(model, "NVIDIA GeForce RTX 5090", **MILLISECONDS), speeds_told=True)
    assert "the memory of NVIDIA GeForce RTX 5090 allows" in found
    assert found.endswith("it looks like milliseconds, not tokens per second")


def test_slow_programs_and_slow_gpus_are_believed() -> None:
    slow = {"prefill_512": 300.0, "decode_128": 12.0}
    assert problem(named("qwen3-4b-q8_0", "NVIDIA GeForce RTX 5090", **slow), speeds_told=True) == ""
    assert problem(named("a model", "NVIDIA GeForce RTX 5090", **slow), speeds_told=True) == ""
    assert problem(named("qwen3-4b", "a GPU of tomorrow", **slow), speeds_told=True) == ""
    assert problem(named("qwen3-4b-q8_0", "Tesla T4", prefill_512=40, decode_128=3.9), speeds_told=True) == ""


def test_speeds_that_grow_with_the_prompt_as_times_do_are_refused_on_any_gpu() -> None:
    found = problem(by_speed(**MILLISECONDS), speeds_told=True)
    assert "prefill.128 runs at 14.2 tokens/s and prefill.4096 at 73.2, which grows with the prompt" in found
    assert problem(by_speed(prefill_512=22.7, prefill_4096=180), speeds_told=True).endswith("not tokens per second")


@pytest.mark.parametrize(
    "speeds",
    [
        # Launches, then reading weights, take as long whatever the prompt.
        {"prefill_128": 9_000, "prefill_512": 36_000, "prefill_4096": 100_000, "decode_128": 410},
        # A slow CPU: the time grows with the tokens.
        {"prefill_128": 12, "prefill_512": 14, "prefill_4096": 13, "decode_128": 5},
        # Weights are read from elsewhere, by each pass.
        {"prefill_128": 23, "prefill_512": 92, "decode_128": 0.18},
    ],
)
def test_speeds_that_grow_for_a_reason_pass(speeds: dict[str, float]) -> None:
    assert problem(by_speed(**speeds), speeds_told=True) == ""


@pytest.mark.parametrize(
    ("model", "weight_format", "most"),
    [
        # 4e9 weights at 1.88 TB/s, by bytes a weight and a margin for what names leave open.
        ("qwen3-4b-q8_0.gguf", None, 521),
        ("qwen3-4b", "q8_0", 521),
        ("qwen3-4b-bf16", None, 276),
        ("Qwen3-4B-Q4_K_M.gguf", None, 983),
        ("qwen3-4b", None, 1881),
    ],
)
def test_the_format_named_bounds_decode(model: str, weight_format: str | None, most: float) -> None:
    gpu = "NVIDIA GeForce RTX 5090"
    assert problem(named(model, gpu, weight_format, decode_128=0.98 * most), speeds_told=True) == ""
    assert "would read weights" in problem(named(model, gpu, weight_format, decode_128=1.02 * most), speeds_told=True)
