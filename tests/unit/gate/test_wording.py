import pytest

from workbench.gate.wording import calls_text, duration, from_to, listed, part_name


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [(0, "0.00 ns"), (950, "950 ns"), (1_300, "1.30 µs"), (227_000, "227 µs"), (1_441_000, "1.44 ms"), (2e9, "2.00 s")],
)
def test_times_have_three_digits(time_ns: float, text: str) -> None:
    assert duration(time_ns) == text


@pytest.mark.parametrize(
    ("before_ns", "after_ns", "text"),
    [
        (843_012, 1_069_821, "843 -> 1070 µs"),
        (1_441_600, 1_671_600, "1442 -> 1672 µs"),
        (0, 88_310, "0 -> 88.3 µs"),
        (0, 2_245_083, "0 -> 2245 µs"),
        (9_000_000, 15_000_000, "9.0 -> 15.0 ms"),
        (12, 900, "12 -> 900 ns"),
    ],
)
def test_two_times_share_a_unit(before_ns: float, after_ns: float, text: str) -> None:
    assert from_to(before_ns, after_ns) == text


def test_parts_are_layer_types_or_say_what_the_gpu_waited_for() -> None:
    assert part_name("mlp", is_idle=False) == "mlp"
    assert part_name("launch_starved", is_idle=True) == "idle (waiting for launches)"


def test_calls_have_their_number_a_step() -> None:
    calls = {"cudaStreamSynchronize": 12.0, "cudaMalloc": 1.0, "cudaGraphInstantiate": 1 / 24}
    assert calls_text(calls) == (
        "cudaStreamSynchronize (12 a step), cudaMalloc (1 a step) and cudaGraphInstantiate (0.042 a step)"
    )


@pytest.mark.parametrize(("texts", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b")])
def test_lists_read_as_in_a_sentence(texts: list[str], text: str) -> None:
    assert listed(texts) == text
