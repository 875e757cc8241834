"""What `wb gate --commits` says: a table of commits by numbers, and where numbers moved."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from workbench.gate.measured import Number
from workbench.gate.walk import MeasuredCommit, Move, Walk, exit_code
from workbench.report import quantities
from workbench.report.diff import listed
from workbench.report.diff_tables import NOTHING, DiffTable
from workbench.report.gate import MARK
from workbench.report.markdown import escape, markdown_table
from workbench.report.terminal import print_line, terminal_table
from workbench.report.texts import cut

SCHEMA = "wb.gate_commits/1"
# A line by which the document is known as ours.
JSON_MARK = f'"schema": "{SCHEMA}"'
_SHA_SHOWN = 10
_LONGEST_SUBJECT = 50


def walk_verdict(walk: Walk) -> str:
    """What was not judged of the range, then the first commit at which a number moved, in a few sentences."""
    told = [f"{_commit_name(walk, commit)}, {_why(commit)}, so it could not be judged" for commit in walk.open_ends]
    if len(walk.judged) < 2:
        told = [f"could not be judged, for {_ran(walk)} of {len(walk.commits)} commits ran{_undisturbed(walk)}"]
    elif walk.moves:
        told.append(_first_move(walk))
    if walk.results:
        told.append(f"the first commit that computes other tokens is {commit_text(walk.results[0])}")
    if walk.gone:
        first = walk.gone[0]
        told.append(
            f"{first.name} could not be judged from {commit_text(first.commit)} on, which does not tell it alike"
        )
    if len(walk.judged) > 1 and not walk.moves:
        told.append(
            f"no number is seen to move by more than {quantities.share(walk.tolerance)} over {_ran(walk)} of "
            f"{len(walk.commits)} commits{_undisturbed(walk)}; {_sight(walk)}"
        )
    first_clause, *others = told
    return " ".join([f"{walk.model}: {first_clause}.", *(f"{one[:1].upper()}{one[1:]}." for one in others)])


def walk_sentences(walk: Walk) -> list[str]:
    """Every move, every commit that computed something else, and every commit that was left out or passed over."""
    return [
        *(_move_sentence(walk, move) for move in walk.moves),
        *(f"{commit_text(commit)} computes other tokens than the commit before." for commit in walk.results),
        *(
            f"{commit_text(gone.commit)} does not tell {gone.name} as the commit before did; it could not be judged."
            for gone in walk.gone
        ),
        *(f"{commit_text(commit)} is left out: {commit.problem}." for commit in walk.commits if commit.problem),
        *(
            f"The times of {commit_text(commit)} are passed over: {commit.disturbance}."
            for commit in walk.commits
            if commit.disturbance
        ),
        *walk.remarks,
    ]


def walk_table(walk: Walk) -> DiffTable:
    """A row a commit, a column a number; a `*` marks where one moved."""
    benches = list(dict.fromkeys(number.name for commit in walk.measured for number in commit.numbers))
    marked = {(move.commit.sha, move.name) for move in walk.moves}
    rows = [
        (
            commit.sha[:_SHA_SHOWN],
            cut(commit.subject, _LONGEST_SUBJECT),
            *(_cell(commit.number(bench), moved=(commit.sha, bench) in marked) for bench in benches),
        )
        for commit in walk.commits
    ]
    return DiffTable(("commit", "subject", *benches), tuple(rows), 2, (None,) * len(rows))


def print_walks(walks: Sequence[Walk], console: Console) -> None:
    """Shows them one after the other in a terminal."""
    for place, walk in enumerate(walks):
        if place:
            console.print()
        print_walk(walk, console)


def print_walk(walk: Walk, console: Console) -> None:
    """Shows verdict, table and moves in a terminal."""
    style = {0: "bold green", 1: "bold red"}.get(exit_code([walk]), "bold yellow")
    print_line(console, walk_verdict(walk), style=style)
    table = walk_table(walk)
    console.print()
    title = "Medians over processes, commit by commit (* moved)"
    console.print(terminal_table(title, table.headings, table.rows, table.texts, console.width).text)
    console.print()
    for sentence in walk_sentences(walk):
        print_line(console, sentence)


def walks_markdown(walks: Sequence[Walk]) -> str:
    """The same as Markdown."""
    parts = []
    for walk in walks:
        table = walk_table(walk)
        parts += [f"**{escape(walk_verdict(walk))}**", markdown_table(table.headings, table.rows, table.texts)]
        if told := [f"- {escape(sentence)}" for sentence in walk_sentences(walk)]:
            parts.append("\n".join(told))
    return "\n\n".join([*parts, f"<!-- {MARK} -->"]) + "\n"


def walks_json(baseline: str, walks: Sequence[Walk]) -> str:
    """The same as JSON, schema `wb.gate_commits/1`."""
    content = {
        "schema": SCHEMA,
        "verdict": " ".join(map(walk_verdict, walks)),
        "exit_code": exit_code(walks),
        "baseline": baseline,
        "models": [_walk_json(walk) for walk in walks],
    }
    return json.dumps(content, indent=1) + "\n"


def commit_text(commit: MeasuredCommit) -> str:
    """A commit as sentences name it."""
    return f"{commit.sha[:_SHA_SHOWN]} ({cut(commit.subject, _LONGEST_SUBJECT)})"


def _commit_name(walk: Walk, commit: MeasuredCommit) -> str:
    """An end of a range, as a clause begins."""
    return f"the {'last' if commit is walk.commits[-1] else 'first'} commit, {commit_text(commit)}"


def _why(commit: MeasuredCommit) -> str:
    return "did not run" if commit.problem else f"ran on a machine in another state ({commit.disturbance})"


def _first_move(walk: Walk) -> str:
    first = walk.moves[0].commit
    there = [move for move in walk.moves if move.commit is first]
    others = len(walk.moves) - len(there)
    later = f". {quantities.counted(others, 'more move')} at later commits" if others else ""
    return f"the first commit at which a number moved is {commit_text(first)}: {_changes(there)}{later}"


def _sight(walk: Walk) -> str:
    """How small a move would have been seen."""
    if walk.coarsest is None:
        return "a single process a commit tells nothing of the noise, so it could not be judged: run at least 3"
    seen = f"a move of {quantities.share(walk.coarsest)} would have been seen at any of them"
    return seen if walk.could_see else f"{seen}, a smaller one not, so it could not be judged: run more processes"


def _ran(walk: Walk) -> int:
    return len(walk.judged)


def _undisturbed(walk: Walk) -> str:
    return " undisturbed" if len(walk.judged) < len(walk.measured) else ""


def _changes(moves: Sequence[Move]) -> str:
    return listed([f"{move.name} takes {_longer(move.change.change)}" for move in moves])


def _move_sentence(walk: Walk, move: Move) -> str:
    held = move.change
    against = "the commit before" if _is_neighbour(walk, move) else f"{commit_text(move.since)}, over several commits"
    interval = quantities.interval(*map(quantities.change, held.interval)) if held.interval else NOTHING
    return (
        f"{commit_text(move.commit)}: {move.name} takes {_longer(held.change)} than at {against}: "
        f"{quantities.time(held.baseline_ns)} became {quantities.time(held.now_ns)} (95 % interval {interval})."
    )


def _is_neighbour(walk: Walk, move: Move) -> bool:
    ran = [commit for commit in walk.judged if commit.number(move.name)]
    return ran.index(move.commit) - ran.index(move.since) == 1


def _longer(change: float) -> str:
    return f"{quantities.share(abs(change))} {'longer' if change > 0 else 'less long'}"


def _cell(number: Number | None, *, moved: bool) -> str:
    return NOTHING if number is None else f"{quantities.time(number.median_ns)}{' *' if moved else ''}"


def _walk_json(walk: Walk) -> dict[str, Any]:
    first = walk.moves[0] if walk.moves else None
    return {
        "model": walk.model,
        "tolerance": walk.tolerance,
        "coarsest": walk.coarsest,
        "first_moved": first.commit.sha if first else None,
        "commits": [_commit_json(commit) for commit in walk.commits],
        "moves": [_move_json(move) for move in walk.moves],
        "other_results": [commit.sha for commit in walk.results],
        "remarks": list(walk.remarks),
        "gone": [{"name": gone.name, "commit": gone.commit.sha} for gone in walk.gone],
    }


def _commit_json(commit: MeasuredCommit) -> dict[str, Any]:
    return {
        "commit": commit.sha,
        "subject": commit.subject,
        "problem": commit.problem or None,
        "disturbance": commit.disturbance or None,
        "conditions": asdict(commit.conditions),
        "tokens_sha256": commit.tokens_sha256,
        "numbers": [{"name": one.name, "median_ns": one.median_ns} for one in commit.numbers],
    }


def _move_json(move: Move) -> dict[str, Any]:
    held = move.change
    return {
        "name": move.name,
        "commit": move.commit.sha,
        "since": move.since.sha,
        "before_ns": held.baseline_ns,
        "now_ns": held.now_ns,
        "change": held.change,
        "interval": held.interval and list(held.interval),
        "is_worse": held.is_slower,
    }
