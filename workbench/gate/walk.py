"""At which commit of a range a number moved."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from workbench.gate import speed
from workbench.gate.changes import are_of_one_bench
from workbench.gate.measured import Number


@dataclass(frozen=True)
class MeasuredCommit:
    """A commit, and what it measured.

    Attributes:
        sha: its name.
        subject: the first line of its message.
        numbers: its benches; none where it could not be run.
        tokens_sha256: what it computed; None where it does not tell.
        problem: why it could not be run, a clause; empty where it was.
    """

    sha: str
    subject: str
    numbers: tuple[Number, ...] = ()
    tokens_sha256: str | None = None
    problem: str = ""

    def number(self, name: str) -> Number | None:
        """The bench of this name, if it was run."""
        return next((number for number in self.numbers if number.name == name), None)


@dataclass(frozen=True)
class Move:
    """A number that moved, for better or worse.

    Attributes:
        commit: at which it is another than before.
        since: what it is compared with: the commit before, of those that ran; the first of all where no single commit
            stands out, but some together do.
        change: by how much; above zero is slower.
    """

    commit: MeasuredCommit
    since: MeasuredCommit
    change: speed.NumberChange

    @property
    def name(self) -> str:
        """That of the bench."""
        return self.change.now.name


@dataclass(frozen=True)
class Walk:
    """What became of a model's numbers from commit to commit.

    Attributes:
        model: whose numbers they are.
        tolerance: the least change that counts, as a share.
        commits: oldest first; the first is where the range begins, and what the others are held against.
        moves: in the order of their commits.
        results: the commits that computed other tokens than the one before them that tells.
        coarsest: of all steps from one commit to the next, and all numbers, the largest of the smallest changes that
            would have been shown 4 times in 5, as a share; None where a number has no noise to be told from.
    """

    model: str
    tolerance: float
    commits: tuple[MeasuredCommit, ...]
    moves: tuple[Move, ...]
    results: tuple[MeasuredCommit, ...] = ()
    coarsest: float | None = None

    @property
    def measured(self) -> tuple[MeasuredCommit, ...]:
        """Those that could be run."""
        return tuple(commit for commit in self.commits if not commit.problem)

    @property
    def losses(self) -> tuple[Move, ...]:
        """Those for the worse."""
        return tuple(move for move in self.moves if move.change.is_slower)

    @property
    def could_see(self) -> bool:
        """Whether a loss that matters would have been seen at any commit."""
        return self.coarsest is not None and self.coarsest <= speed.loss_that_matters(self.tolerance)


def walk(model: str, commits: Sequence[MeasuredCommit], tolerance: float) -> Walk:
    """Finds where numbers moved: by more than the tolerance, and by more than noise.

    Each commit is held against the one before it that ran, so that a machine that drifts slowly moves nothing. All
    pairs of all numbers are judged together, or a long range would have moves by chance. A number that no single
    commit moved is held against the first commit, too: many small changes may add up.

    Args:
        model: its name.
        commits: oldest first.
        tolerance: the least change that counts, as a share.
    """
    measured = [commit for commit in commits if not commit.problem]
    order = {commit.sha: place for place, commit in enumerate(measured)}
    neighbours = _compared(pairwise(measured))
    moves = _moves(neighbours, tolerance)
    moved = {move.name for move in moves}
    whole = _compared((measured[0], one) for one in measured[2:])
    crept = [move for move in _moves(whole, tolerance) if move.name not in moved]
    firsts = {move.name: move for move in reversed(crept)}
    told = [commit for commit in measured if commit.tokens_sha256]
    return Walk(
        model=model,
        tolerance=tolerance,
        commits=tuple(commits),
        moves=tuple(sorted([*moves, *firsts.values()], key=lambda move: order[move.commit.sha])),
        results=tuple(after for before, after in pairwise(told) if before.tokens_sha256 != after.tokens_sha256),
        coarsest=_coarsest(neighbours),
    )


def _compared(pairs: Iterable[tuple[MeasuredCommit, MeasuredCommit]]) -> list[Move]:
    """What became of all numbers of all pairs, judged together."""
    compared = [
        (before, after, number, other)
        for before, after in pairs
        for number in before.numbers
        if (other := after.number(number.name)) and are_of_one_bench(number, other)
    ]
    found = speed.changes([(number, other) for *_, number, other in compared])
    return [Move(after, before, change) for (before, after, *_), change in zip(compared, found, strict=True)]


def _moves(compared: Iterable[Move], tolerance: float) -> list[Move]:
    """Those that stand out, and matter."""
    return [
        move
        for move in compared
        if (move.change.is_slower or move.change.is_faster) and abs(move.change.change) > tolerance
    ]


def _coarsest(compared: Sequence[Move]) -> float | None:
    told = [move.change.smallest for move in compared]
    known = [smallest for smallest in told if smallest is not None]
    return max(known) if known and len(known) == len(told) else None
