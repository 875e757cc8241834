import json
import os
from pathlib import Path

import pytest

from tests.unit.gate.test_bench_document import OLD
from workbench.cli.engine_processes import EngineRun, bench_command, bench_process
from workbench.errors import UserError
from workbench.gate.measured import Request

REQUEST = Request("tiny-qwen3", backend="numpy", variants=("no-pdl",))


def engine_that(folder: Path, source: str) -> dict[str, str]:
    """An environment with an engine that does this."""
    (folder / "engine").mkdir()
    (folder / "engine" / "__init__.py").write_text("")
    (folder / "engine" / "__main__.py").write_text(source)
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_decode_runs_with_and_without_graphs_where_there_are_graphs() -> None:
    on_gpu = bench_command(Request("qwen3-4b", weight_format="q8_0", tests="long", chunk=64), 7)
    assert {"--graphs=both", "--reps=7", "--tests=long", "--weight-format=q8_0", "--chunk=64"} <= set(on_gpu)
    on_cpu = bench_command(REQUEST, 5)
    assert {"--graphs=on", "--variant=no-pdl", "--backend=numpy"} <= set(on_cpu)
    # Engines of earlier commits do not know the option.
    assert not any(word.startswith("--tests") for word in on_cpu)


def test_what_a_process_says_is_read(tmp_path: Path) -> None:
    document = {"schema": "engine.bench/1", "models": [OLD], "failures": []}
    environment = engine_that(
        tmp_path, f"import sys\nprint('remark', file=sys.stderr)\nprint({json.dumps(document)!r})"
    )
    assert [test.tokens for test in bench_process(REQUEST, 1, environment).tests] == [512, 128, 128]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("print('nonsense')", "is not understood"),
        ("print('{}')", "is not understood: it is not of schema engine.bench/1"),
        (
            'import sys\nprint(\'{"failures": [{"message": "memory does not suffice"}]}\')\nsys.exit(2)',
            "tiny-qwen3 cannot be run: memory does not suffice",
        ),
        (
            "import sys\nprint('engine: it is too large', file=sys.stderr)\nsys.exit(2)",
            "cannot be run: it is too large",
        ),
        ("raise ValueError('\\x1b[31mno')", "cannot be run: its process ended with exit code 1: ValueError: "),
        ("import os\nos.kill(os.getpid(), 9)", "cannot be run: its process was ended by signal 9 without a word"),
        ("import sys\nsys.exit(3)", "cannot be run: its process ended with exit code 3 without a word"),
    ],
)
def test_a_process_that_fails_is_one_sentence(tmp_path: Path, source: str, reason: str) -> None:
    with pytest.raises(UserError) as refused:
        bench_process(REQUEST, 1, engine_that(tmp_path, source))
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)


def test_a_run_keeps_its_output_from_ours(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = (
        "import json, os, sys\nprint('a summary')\nprint('a remark', file=sys.stderr)\n"
        "open(os.environ['WB_WORKLOAD_MANIFEST'], 'w').write(json.dumps({'said': sys.argv[1]}))"
    )
    run = EngineRun(REQUEST, None, engine_that(tmp_path, source), tmp_path / "errors")
    assert run.alone(1) == {"said": "run"}
    assert capfd.readouterr() == ("", "")


def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    source = "import sys\nprint('engine: no room', file=sys.stderr)\nsys.exit(2)"
    run = EngineRun(REQUEST, None, engine_that(tmp_path, source), tmp_path / "errors")
    with pytest.raises(UserError, match="tiny-qwen3 cannot be run: no room"):
        run.alone(1)
    with pytest.raises(UserError, match=r"recorded nothing.*\(the engine said last: no room\)"):
        run.profiled(1, None, tmp_path / "captures", lambda _: None)
