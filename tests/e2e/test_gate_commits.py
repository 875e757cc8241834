"""`wb gate --commits`: a repository whose engine says how long it takes, commit by commit."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.e2e.command_line import environment, is_one_sentence
from tests.schemas import check
from tests.unit.gate.measured_models import measured
from workbench.gate.baseline import Baseline
from workbench.gate.measured import Request

# As the installed command does, and unlike `python -m` alone, this leaves the folder's own engine alone.
_WB = [sys.executable, "-P", "-m", "workbench"]
# Processes differ by a little, or nothing could be told of them.
_ENGINE = """
import json, os
ns = 1_000_000 * {decode_ms} + os.getpid() % 100 * 1_000
tests = [
    {{"phase": "prefill", "tokens": 128, "graphs": None, "samples_ns": [5_000_000 + os.getpid() % 10 * 1_000]}},
    {{"phase": "decode", "tokens": 128, "graphs": False, "samples_ns": [ns, ns]}},
]
results = {{"tokens_sha256": "{letter}" * 64}}
model = {{"device": {{"name": "a machine"}}, "tests": tests, "results": results}}
print(json.dumps({{"schema": "engine.bench/1", "models": [model], "failures": []}}))
"""


@dataclass(frozen=True)
class Repository:
    """A repository, its baseline, and its commits, oldest first."""

    folder: Path
    commits: tuple[str, ...]


def git(folder: Path, *arguments: str) -> str:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_AUTHOR_NAME": "a",
           "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}  # fmt: skip
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Its third commit does not run, its fourth is slower, its fifth computes something else."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "engine").mkdir()
    (folder / "engine" / "__init__.py").write_text("")
    git(folder, "init", "--quiet")
    commits = []
    for subject, source in (
        ("Begin", _ENGINE.format(decode_ms=100, letter="a")),
        ("Tidy up", _ENGINE.format(decode_ms=100, letter="a") + "# tidier\n"),
        ("Break it", "raise SystemExit(3)"),
        ("Slow it down", _ENGINE.format(decode_ms=130, letter="a")),
        ("Change it", _ENGINE.format(decode_ms=130, letter="b")),
    ):
        (folder / "engine" / "__main__.py").write_text(source)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", subject)
        commits.append(git(folder, "rev-parse", "HEAD").strip())
    write_baseline(folder / "b.json")
    (folder / "engine" / "__main__.py").write_text("mine, and not committed")
    return Repository(folder, tuple(commits))


def write_baseline(path: Path) -> None:
    model = replace(measured(), request=Request("tiny-qwen3", backend="numpy"), captures=())
    path.write_text(Baseline("2026-11-21T10:00:00Z", (model,)).to_json(), encoding="utf-8")


def gate(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_WB, "gate", *map(str, arguments)],
        cwd=folder,
        env=environment(GIT_CEILING_DIRECTORIES=str(folder.parent)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def walk(repository: Repository, commits: str, *options: str) -> subprocess.CompletedProcess[str]:
    return gate(repository.folder, "b.json", "--cooldown", "0", "--processes", "3", "--commits", commits, *options)


def test_the_first_commit_at_which_a_number_moved_is_named(repository: Repository) -> None:
    before = (git(repository.folder, "rev-parse", "HEAD"), git(repository.folder, "status", "--porcelain"))
    folders = set(Path(tempfile.gettempdir()).glob("wb-*"))
    done = walk(repository, f"{repository.commits[0]}..", "-o", "walk.json")
    assert done.returncode == 1, done.stderr
    slow = repository.commits[3][:10]
    first = done.stdout.splitlines()[0]
    assert first.startswith(
        f"tiny-qwen3: the first commit at which a number moved is {slow} (Slow it down): decode.128 takes "
    )
    assert first.endswith(f"The first commit that computes other tokens is {repository.commits[4][:10]} (Change it).")
    table = done.stdout.split("commit by commit", 1)[1]
    assert [line.split()[0] for line in table.splitlines()[2:7]] == [commit[:10] for commit in repository.commits]
    assert f"{repository.commits[2][:10]} (Break it) is left out: " in done.stdout
    assert f"{repository.commits[4][:10]} (Change it) computes other tokens" in done.stdout

    text = (repository.folder / "walk.json").read_text(encoding="utf-8")
    check(text, "gate_commits")
    document = json.loads(text)
    (model,) = document["models"]
    assert model["first_moved"] == repository.commits[3]
    assert [move["name"] for move in model["moves"]] == ["decode.128"]
    assert model["other_results"] == [repository.commits[4]]

    (repository.folder / "walk.json").unlink()
    assert (git(repository.folder, "rev-parse", "HEAD"), git(repository.folder, "status", "--porcelain")) == before
    assert git(repository.folder, "worktree", "list").count("\n") == 1
    assert (repository.folder / "engine" / "__main__.py").read_text() == "mine, and not committed"
    assert set(Path(tempfile.gettempdir()).glob("wb-*")) <= folders


def test_a_range_in_which_nothing_moved_passes(repository: Repository) -> None:
    done = walk(repository, "..".join(repository.commits[:2]), "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["models"][0]["moves"] == []


def test_a_range_of_which_one_commit_runs_could_not_be_judged(repository: Repository) -> None:
    done = walk(repository, "..".join(repository.commits[1:3]))
    assert done.returncode == 2
    assert "could not be judged, for 1 of 2 commits ran" in done.stdout.splitlines()[0]


def test_a_range_whose_last_commit_does_not_run_has_not_passed(repository: Repository) -> None:
    done = walk(repository, f"{repository.commits[0]}..{repository.commits[2]}")
    assert done.returncode == 2
    first = done.stdout.splitlines()[0]
    assert first.startswith(f"tiny-qwen3: the last commit, {repository.commits[2][:10]} (Break it), did not run")


def test_a_range_in_which_tokens_changed_has_failed(repository: Repository) -> None:
    done = walk(repository, "..".join(repository.commits[3:]))
    assert done.returncode == 1
    first = done.stdout.splitlines()[0]
    assert first.startswith(f"tiny-qwen3: the first commit that computes other tokens is {repository.commits[4][:10]}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_stays_behind_of_a_walk_that_is_stopped(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__init__.py").write_text("")
    sleeping = f"import time\nopen({str(tmp_path / 'started')!r}, 'w').close()\ntime.sleep(60)\n"
    git(tmp_path, "init", "--quiet")
    for text in ("", sleeping):
        (tmp_path / "engine" / "__main__.py").write_text(text)
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "--quiet", "-m", "A commit")
    write_baseline(tmp_path / "b.json")
    process = subprocess.Popen(
        [*_WB, "gate", "b.json", "--commits", "HEAD~1..", "--processes", "1"],
        cwd=tmp_path,
        env=environment(TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    for _ in range(600):
        if (tmp_path / "started").exists():
            break
        time.sleep(0.1)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert git(tmp_path, "worktree", "list").count("\n") == 1
    assert list(tmp_path.glob("wb-*")) == []


@pytest.mark.parametrize("commits", ["HEAD", "..", "HEAD..nonsense", "HEAD..HEAD", "a...b", "--all..HEAD", "HEAD.."])
def test_what_is_no_range_is_one_sentence(repository: Repository, commits: str) -> None:
    done = walk(repository, commits)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr), done.stderr


def test_outside_a_repository_there_are_no_commits(repository: Repository, tmp_path: Path) -> None:
    done = gate(tmp_path, repository.folder / "b.json", "--commits", "A..B")
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr), done.stderr
