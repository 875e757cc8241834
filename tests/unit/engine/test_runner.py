import numpy as np
import pytest

from engine.errors import EngineError
from engine.operations import Sampling
from engine.runner import Runner, generate
from engine.workload import random_prompt
from tests.unit.engine.engines import tiny

PROMPT = random_prompt(41, 512, 7)


def answer(runner: Runner, prompt: list[int], steps: int) -> list[int]:
    runner.prefill(prompt)
    for step in range(steps):
        runner.decode(step)
    return runner.tokens(1 + steps)


@pytest.mark.parametrize("name", ["tiny-llama", "tiny-qwen3"])
@pytest.mark.parametrize("chunk", [1, 7, 16, 40])
def test_a_prompt_in_chunks_gives_the_logits_of_a_prompt_at_once(name: str, chunk: int) -> None:
    whole, chunked = tiny(name).runner, tiny(name, chunk=chunk).runner
    whole.prefill(PROMPT)
    chunked.prefill(PROMPT)
    np.testing.assert_allclose(chunked.logits(), whole.logits(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["tiny-llama", "tiny-qwen3"])
def test_decode_from_the_cache_gives_the_logits_of_reading_all_anew(name: str) -> None:
    runner = tiny(name).runner
    tokens = answer(runner, PROMPT, 5)
    decoded = runner.logits()
    fresh = tiny(name).runner
    fresh.prefill(PROMPT + tokens[:5])
    np.testing.assert_allclose(decoded, fresh.logits(), rtol=1e-4, atol=1e-5)
    assert tokens[5] == fresh.tokens(1)[0]


def test_a_warm_up_and_earlier_prompts_leave_no_trace() -> None:
    fresh, used = tiny().runner, tiny().runner
    used.warm_up((41, 3))
    answer(used, PROMPT[:9], 4)
    assert answer(used, PROMPT, 6) == answer(fresh, PROMPT, 6)
    assert np.array_equal(used.logits(), fresh.logits())


@pytest.mark.parametrize("steps", [1, 9])
def test_an_answer_can_be_decoded_again(steps: int) -> None:
    runner = tiny().runner
    once = answer(runner, PROMPT, 9)
    logits = runner.logits()
    for again in (steps, 9):
        runner.rewind()
        for step in range(again):
            runner.decode(step)
        assert runner.tokens(1 + again) == once[: 1 + again]
    assert np.array_equal(runner.logits(), logits)


def test_a_seed_gives_the_same_answer_again_and_another_seed_another() -> None:
    answers = [answer(tiny(sampling=Sampling(temperature=2.0, seed=seed)).runner, PROMPT, 20) for seed in (1, 1, 2)]
    assert answers[0] == answers[1] != answers[2]


def test_the_cache_may_be_filled_to_its_last_place() -> None:
    runner = tiny(context=256).runner
    runner.check(PROMPT, 256 - 41)
    runner.warm_up((41,))
    assert len(answer(runner, PROMPT, 256 - 41)) == 216


@pytest.mark.parametrize(
    ("prompt", "answer_tokens", "message"),
    [
        ([], 1, "the prompt holds no token; give one"),
        ([3, 512], 1, "the prompt holds what is no token of this model; its tokens are 0 to 511"),
        ([-1], 1, "the prompt holds what is no token of this model; its tokens are 0 to 511"),
        (
            [1] * 200,
            57,
            "200 tokens of prompt and 57 of answer do not fit in a cache for 256; shorten them, or give --context 257",
        ),
    ],
)
def test_what_cannot_be_run_is_refused(prompt: list[int], answer_tokens: int, message: str) -> None:
    with pytest.raises(EngineError) as error:
        tiny().runner.check(prompt, answer_tokens)
    assert str(error.value) == message


def test_generation_ends_with_the_first_stop_token_or_when_enough_came() -> None:
    tokens = answer(tiny().runner, PROMPT, 9)
    assert list(generate(tiny().runner, PROMPT, 10, frozenset())) == tokens
    stop = tokens[4]
    assert list(generate(tiny().runner, PROMPT, 10, frozenset({stop}))) == tokens[: tokens.index(stop) + 1]
    assert list(generate(tiny().runner, PROMPT, 1, frozenset())) == tokens[:1]


def test_generation_refuses_before_anything_runs() -> None:
    with pytest.raises(EngineError, match="do not fit"):
        next(generate(tiny().runner, PROMPT, 1000, frozenset()))


@pytest.mark.parametrize("format_name", ["fp16", "bf16", "q8_0"])
def test_other_formats_stay_near_single_precision(format_name: str) -> None:
    exact, rounded = tiny(format_name="fp32").runner, tiny(format_name=format_name).runner
    exact.prefill(PROMPT)
    rounded.prefill(PROMPT)
    if format_name == "q8_0":
        # Its synthetic weights are others.
        assert np.isfinite(rounded.logits()).all()
    else:
        scale = np.abs(exact.logits()).max()
        np.testing.assert_allclose(rounded.logits(), exact.logits(), atol=0.03 * scale)
