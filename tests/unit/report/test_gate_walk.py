"""What is said of a range of commits."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from tests.schemas import check
from tests.unit.gate.test_walk import commit
from workbench.gate.measured import Conditions, Number
from workbench.gate.walk import Walk, exit_code, walk
from workbench.report.gate import MARK
from workbench.report.gate_walk import (
    print_walks,
    walk_sentences,
    walk_table,
    walk_verdict,
    walks_json,
    walks_markdown,
)


def first_alone(number: Number) -> Number:
    return replace(number, samples_ns=number.samples_ns[:1])


WALKS = {
    "a loss": walk("m", [commit(0), commit(1, problem="it broke"), commit(2, 1.2), commit(3, 1.2, tokens="b")], 0.01),
    "a gain": walk("m", [commit(0), commit(1, 0.8)], 0.01),
    "nothing": walk("m", [commit(0), commit(1)], 0.01),
    "crept": walk("m", [commit(place, 1 + 0.004 * place, noise=0.0005) for place in range(6)], 0.01),
    "too noisy": walk("m", [commit(place, noise=0.1) for place in range(3)], 0.01),
    "one process": walk(
        "m", [replace(one, numbers=tuple(map(first_alone, one.numbers))) for one in map(commit, range(2))], 0.01
    ),
    "nothing ran": walk("m", [commit(0), commit(1, problem="it broke")], 0.01),
    "the last is broken": walk("m", [commit(0), commit(1), commit(2, problem="it broke")], 0.01),
    "the last is disturbed": walk(
        "m", [commit(0), commit(1), replace(commit(2, 1.2), conditions=Conditions(other_processes=2))], 0.01
    ),
    "other tokens": walk("m", [commit(0), commit(1, tokens="b")], 0.01),
    "a bench is gone": walk("m", [commit(0), replace(commit(1), numbers=commit(1).numbers[:1])], 0.01),
}


def printed(one: Walk) -> str:
    console = Console(file=io.StringIO(), width=100_000)
    print_walks([one], console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("one", WALKS.values(), ids=WALKS)
def test_every_form_says_the_same(one: Walk) -> None:
    text = walks_json("b.json", [one, one])
    check(text, "gate_commits")
    document = json.loads(text)
    assert document["exit_code"] == exit_code([one])
    assert document["verdict"] == f"{walk_verdict(one)} {walk_verdict(one)}"
    assert printed(one).splitlines()[0] == walk_verdict(one)
    markdown = walks_markdown([one])
    assert markdown.splitlines()[0].replace("\\", "") == f"**{walk_verdict(one)}**"
    assert markdown.splitlines()[-1] == f"<!-- {MARK} -->"


def test_what_is_open_or_other_is_said_in_the_verdict() -> None:
    last = commit(2).sha[:10]
    assert walk_verdict(WALKS["the last is broken"]).startswith(
        f"m: the last commit, {last} (Commit 2), did not run, so it could not be judged. No number is seen to move"
    )
    disturbed = walk_verdict(WALKS["the last is disturbed"])
    assert disturbed.startswith(f"m: the last commit, {last} (Commit 2), ran on a machine in another state (2 other")
    assert "over 2 of 3 commits undisturbed" in disturbed
    other = commit(1).sha[:10]
    assert walk_verdict(WALKS["other tokens"]).startswith(
        f"m: the first commit that computes other tokens is {other} (Commit 1). No number"
    )
    assert walk_verdict(WALKS["a bench is gone"]).startswith(
        f"m: decode.128 could not be judged from {other} (Commit 1) on"
    )
    assert f"The times of {last} (Commit 2) are passed over: 2 other" in " ".join(
        walk_sentences(WALKS["the last is disturbed"])
    )


def test_the_first_commit_is_named_with_what_moved() -> None:
    sha = commit(2).sha[:10]
    assert walk_verdict(WALKS["a loss"]).startswith(
        f"m: the first commit at which a number moved is {sha} (Commit 2): decode.128 takes "
    )
    assert "less long" in walk_verdict(WALKS["a gain"])
    quiet = walk_verdict(WALKS["nothing"])
    assert quiet.startswith("m: no number is seen to move by more than 1.0 % over 2 of 2 commits; a move of 0.")
    assert "could not be judged" not in quiet
    assert "a smaller one not, so it could not be judged" in walk_verdict(WALKS["too noisy"])
    assert "a single process a commit tells nothing of the noise" in walk_verdict(WALKS["one process"])
    assert walk_verdict(WALKS["nothing ran"]) == "m: could not be judged, for 1 of 2 commits ran."


def test_commits_that_were_left_out_or_compute_something_else_are_named() -> None:
    said = " ".join(walk_sentences(WALKS["a loss"]))
    assert "(Commit 1) is left out: it broke." in said
    assert "(Commit 3) computes other tokens" in said
    assert "than at the commit before" in said
    assert "over several commits" in " ".join(walk_sentences(WALKS["crept"]))


def test_the_table_marks_what_moved() -> None:
    table = walk_table(WALKS["a loss"])
    assert table.headings == ("commit", "subject", "prefill.512", "decode.128")
    marked = [(row[1], column) for row in table.rows for column, cell in enumerate(row) if cell.endswith(" *")]
    assert marked == [("Commit 2", 3)]
    assert table.rows[1][2:] == ("-", "-")


def test_subjects_may_be_anything() -> None:
    one = walk("m", [commit(0), replace(commit(1, 2.0), subject="x | " * 200 + "\x1b[31m")], 0.01)
    assert len(walk_verdict(one)) < 300
    assert "\x1b" not in printed(one)
    odd = walk("m", [commit(0), replace(commit(1, 2.0), subject="\x1b[31m a | b")], 0.01)
    assert "\x1b" not in printed(odd)
    assert "\x1b" not in walks_markdown([odd])
    assert "a \\| b" in walks_markdown([odd])
