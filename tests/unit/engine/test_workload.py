import pytest

from engine.errors import EngineError
from engine.workload import Workload, known_workload, random_prompt


def test_workloads_have_names_or_sizes() -> None:
    assert known_workload("W1") == Workload("W1", 8192, 64)
    assert known_workload("W2") == Workload("W2", 256, 2048)
    assert known_workload("pp=3,tg=5") == Workload(None, 3, 5)
    assert known_workload("pp=3,tg=5").context == 8


@pytest.mark.parametrize(
    "text", ["", "W3", "w1", "pp=1", "pp=0,tg=1", "pp=1,tg=0", "pp=1,tg=-1", "pp=1 ,tg=2", "pp=\u0661,tg=x"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(EngineError, match="is no workload; give W1, W2, or sizes"):
        known_workload(text)


def test_a_prompt_is_its_seeds_and_holds_tokens_alone() -> None:
    prompt = random_prompt(5000, 512, 1)
    assert prompt == random_prompt(5000, 512, 1) != random_prompt(5000, 512, 2)
    assert (min(prompt), max(prompt)) == (0, 511)
