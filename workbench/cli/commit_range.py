"""Checks commits out of the user's way, one after the other, and times models on the engine of each."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import UserError
from workbench.report.texts import cut, one_line

if TYPE_CHECKING:
    from workbench.cli.measuring import Effort
    from workbench.gate.measured import MeasuredModel, Request
    from workbench.gate.walk import MeasuredCommit, Walk

_RANGE = re.compile(r"(?P<first>[^\s.-](?:(?!\.\.)\S)*)\.\.(?P<last>(?:(?!\.\.)[^\s.])(?:(?!\.\.)\S)*)?")
_NO_HOOKS = ("-c", "core.hooksPath=/dev/null")
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Commit:
    """A commit, and the first line of its message."""

    sha: str
    subject: str


def commits_of(text: str, folder: Path) -> tuple[Commit, ...]:
    """Where a range begins, then its commits, oldest first; of merges only what they were merged into.

    Args:
        text: `A..B`, or `A..` up to what is checked out.
        folder: in the repository.

    Raises:
        UserError: it is no range, or git does not know it.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        raise UserError(f"--commits {one_line(text)} is no range; give two commits as in A..B")
    first, last = match["first"], match["last"] or "HEAD"
    lines = [
        *_git(folder, "log", "-1", "--format=%H %s", "--end-of-options", f"{first}^{{commit}}", "--").splitlines(),
        *_git(
            folder, "log", "--reverse", "--first-parent", "--format=%H %s", "--end-of-options", f"{first}..{last}", "--"
        ).splitlines(),
    ]
    if len(lines) < 2:
        raise UserError(f"--commits {one_line(text)} holds no commit; name the older one first")
    return tuple(Commit(sha, subject) for sha, _, subject in (line.partition(" ") for line in lines))


def walk_commits(
    models: "Sequence[MeasuredModel]",
    requests: "Sequence[Request]",
    commits: Sequence[Commit],
    effort: "Effort",
    tolerance: float,
    progress: Callable[[str], None],
) -> "tuple[Walk, ...]":
    """Times models at each commit, and says where numbers moved.

    A commit that does not run is left out, and said to be. Each is checked out into a temporary folder, which is gone
    afterwards, whatever happens.

    Args:
        models: of the baseline.
        requests: how each of them is run here.
        commits: oldest first.
        effort: how often.
        tolerance: the least change that counts, as a share.
        progress: told what is going on.
    """
    from workbench.gate.walk import walk

    found: list[list[MeasuredCommit]] = [[] for _ in models]
    for place, commit in enumerate(commits, 1):
        progress(f"commit {place} of {len(commits)}: {commit.sha[:10]} {one_line(commit.subject)}")
        for measured, row in zip(_measure_commit(requests, commit, effort, progress), found, strict=True):
            row.append(measured)
    return tuple(walk(model.request.model, row, tolerance) for model, row in zip(models, found, strict=True))


def _measure_commit(
    requests: "Sequence[Request]", commit: Commit, effort: "Effort", progress: Callable[[str], None]
) -> "list[MeasuredCommit]":
    from workbench.gate.walk import MeasuredCommit

    try:
        with _checked_out(commit) as tree:
            # Without both Python would take the engine that is installed.
            if not all((tree / "engine" / name).is_file() for name in ("__init__.py", "__main__.py")):
                raise UserError("it has no engine")
            environment = _environment_of(tree)
            return [_measure_model(request, commit, effort, environment, progress) for request in requests]
    except UserError as error:
        problem = cut(str(error), _LONGEST_REASON)
        return [MeasuredCommit(commit.sha, commit.subject, problem=problem) for _ in requests]


def _measure_model(
    request: "Request",
    commit: Commit,
    effort: "Effort",
    environment: Mapping[str, str],
    progress: Callable[[str], None],
) -> "MeasuredCommit":
    from workbench.cli.measuring import bench
    from workbench.decoding import MismatchError
    from workbench.gate import bench_document
    from workbench.gate.walk import MeasuredCommit

    try:
        entries = bench(request, effort, environment, progress)
        numbers = bench_document.numbers(entries)
    except (UserError, MismatchError) as error:
        return MeasuredCommit(commit.sha, commit.subject, problem=cut(str(error), _LONGEST_REASON))
    results, _ = bench_document.results(entries)
    conditions = bench_document.worst_conditions(entries)
    return MeasuredCommit(commit.sha, commit.subject, numbers, results.tokens_sha256, conditions=conditions)


@contextmanager
def _checked_out(commit: Commit) -> Iterator[Path]:
    """While the context lasts, a worktree of its own that holds the commit; the user's is not touched.

    Raises:
        UserError: git refuses.
    """
    from workbench.capture.interrupts import orderly_exit

    folder = Path.cwd()
    with orderly_exit(), tempfile.TemporaryDirectory(prefix="wb-", ignore_cleanup_errors=True) as scratch:
        tree = Path(scratch) / "tree"
        try:
            _git(folder, *_NO_HOOKS, "worktree", "add", "--quiet", "--detach", str(tree), commit.sha)
            yield tree
        finally:
            _remove(folder, tree)


def _remove(folder: Path, tree: Path) -> None:
    """Removes a worktree, and git's note of it, should the one have gone without the other."""
    for arguments in (("worktree", "remove", "--force", str(tree)), ("worktree", "prune")):
        subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False, stdin=subprocess.DEVNULL)


def _environment_of(tree: Path) -> dict[str, str]:
    """An environment in which Python finds the engine of a worktree before any other."""
    path = os.pathsep.join(filter(None, (str(tree), os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, "PYTHONPATH": path}


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            check=False,
            errors="replace",
            stdin=subprocess.DEVNULL,
            text=True,
        )
    except OSError as error:
        raise UserError(f"git cannot be run ({error.strerror or error}); --commits needs it") from error
    if done.returncode:
        reason = one_line(done.stderr).removeprefix("fatal: ")
        raise UserError(f"git refuses: {cut(reason, _LONGEST_REASON)}; give commits of the repository in this folder")
    return done.stdout
