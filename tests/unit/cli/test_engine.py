import sys
from pathlib import Path

import pytest
import typer

from workbench.cli.engine import call_verb, engine_command, engine_environment, engine_errors, option_words
from workbench.errors import UserError


def test_options_are_words_that_no_value_can_pass_for() -> None:
    options = {"model": "--help", "variant": ["a", "b"], "seed": 0, "chunk": None, "quick": False, "empty": ()}
    assert option_words(options) == ["--model=--help", "--variant=a", "--variant=b", "--seed=0"]


def test_the_engine_is_started_by_this_python_and_found_from_anywhere() -> None:
    assert engine_command("run", {"reps": 1}) == (sys.executable, "-P", "-m", "engine", "run", "--reps=1")
    environment = engine_environment({"PYTHONPATH": "theirs", "A": "b"})
    first, second = environment.pop("PYTHONPATH").split(":")
    assert (Path(first) / "engine" / "__main__.py").is_file()
    assert (second, environment) == ("theirs", {"A": "b"})
    assert ":" not in engine_environment({})["PYTHONPATH"]


def test_what_the_engine_refuses_is_the_users_error() -> None:
    from engine.errors import EngineError

    with pytest.raises(UserError, match="see `wb bench --help`"), engine_errors():
        raise EngineError("mend it; see `python -m engine bench --help`")
    with pytest.raises(UserError, match="memory does not suffice"), engine_errors():
        raise MemoryError


def test_a_verb_exits_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left:
        call_verb("generate", {"model": "tiny-llama", "prompt": "a", "max-tokens": 1})
    assert left.value.exit_code == 0
    assert capsys.readouterr().out
    with pytest.raises(UserError, match="no model nonsense"):
        call_verb("generate", {"model": "nonsense", "prompt": "a"})
