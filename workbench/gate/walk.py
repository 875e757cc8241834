"""At which commit of a range a number moved."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from workbench.gate import speed
from workbench.gate.changes import are_of_one_bench
from workbench.gate.disturbance import disturbances
from workbench.gate.measured import Conditions, Number
from workbench.gate.verdict import Status

# What commits tell beside benches.
TOKENS = "the digest of tokens"


@dataclass(frozen=True)
class MeasuredCommit:
    """A commit, and what it measured.

    Attributes:
        sha: its name.
        subject: the first line of its message.
        numbers: its benches; none where it could not be run.
        tokens_sha256: what it computed; None where it does not tell.
        problem: why it could not be run, a clause; empty where it was.
        conditions: of the machine meanwhile.
        disturbance: why its times are not those of the code alone, a clause, as `walk` finds it from the conditions of
            all commits; empty where nothing is known to be wrong.
    """

    sha: str
    subject: str
    numbers: tuple[Number, ...] = ()
    tokens_sha256: str | None = None
    problem: str = ""
    conditions: Conditions = field(default_factory=Conditions)
    disturbance: str = ""

    @property
    def is_judged(self) -> bool:
        """Whether its times are held against others'."""
        return not self.problem and not self.disturbance

    def number(self, name: str) -> Number | None:
        """The bench of this name, if it was run."""
        return next((number for number in self.numbers if number.name == name), None)


_Bench = tuple[MeasuredCommit, Number]


@dataclass(frozen=True)
class Move:
    """A number that moved, for better or worse.

    Attributes:
        commit: at which it is another than before.
        since: what it is compared with: the commit before, of those that are judged and ran the bench; where no single
            commit stands out, but some together do, the one at which the number last moved, else the first of all.
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
class Gone:
    """Something that commits before told, and this one does not; or that it runs otherwise.

    Attributes:
        commit: the first without it.
        name: a bench's, or `TOKENS`.
    """

    commit: MeasuredCommit
    name: str


@dataclass(frozen=True)
class Walk:
    """What became of a model's numbers from commit to commit.

    Attributes:
        model: whose numbers they are.
        tolerance: the least change that counts, as a share.
        commits: oldest first; the first is where the range begins, and what the others are held against.
        moves: in the order of their commits.
        results: the commits that computed other tokens than the one before them that tells.
        gone: what could not be followed to the end.
        coarsest: of all steps from one commit to the next, and all numbers, the largest of the smallest changes that
            would have been shown 4 times in 5, as a share; None where a number has no noise to be told from.
        remarks: what was odd, a sentence each.
    """

    model: str
    tolerance: float
    commits: tuple[MeasuredCommit, ...]
    moves: tuple[Move, ...]
    results: tuple[MeasuredCommit, ...] = ()
    gone: tuple[Gone, ...] = ()
    coarsest: float | None = None
    remarks: tuple[str, ...] = ()

    @property
    def measured(self) -> tuple[MeasuredCommit, ...]:
        """Those that could be run."""
        return tuple(commit for commit in self.commits if not commit.problem)

    @property
    def judged(self) -> tuple[MeasuredCommit, ...]:
        """Those whose times were held against each other."""
        return tuple(commit for commit in self.commits if commit.is_judged)

    @property
    def open_ends(self) -> tuple[MeasuredCommit, ...]:
        """The last commit, then the first, as far as they are not judged: a range without its ends tells of less."""
        ends = (self.commits[-1], self.commits[0]) if self.commits else ()
        return tuple(commit for commit in dict.fromkeys(ends) if not commit.is_judged)

    @property
    def losses(self) -> tuple[Move, ...]:
        """Those for the worse."""
        return tuple(move for move in self.moves if move.change.is_slower)

    @property
    def could_see(self) -> bool:
        """Whether a loss that matters would have been seen at any commit."""
        return self.coarsest is not None and self.coarsest <= speed.loss_that_matters(self.tolerance)

    @property
    def status(self) -> Status:
        """Failed if a number became slower or other tokens were computed; passed if either would have been seen."""
        if self.losses or self.results:
            return Status.FAILED
        is_whole = len(self.judged) > 1 and not self.open_ends and not self.gone
        return Status.PASSED if is_whole and self.could_see else Status.UNDECIDED


def exit_code(walks: Sequence[Walk]) -> int:
    """1 if a walk failed, 0 if all passed, else 2; of none 2, too."""
    found = {walk.status for walk in walks}
    if Status.FAILED in found:
        return 1
    return 0 if found == {Status.PASSED} else 2


def walk(model: str, commits: Sequence[MeasuredCommit], tolerance: float) -> Walk:
    """Finds where numbers moved: by more than the tolerance, and by more than noise.

    Each commit is held against the one before it that ran, so that a machine that drifts slowly moves nothing. All
    pairs of all numbers are judged together, or a long range would have moves by chance. Between two moves of a number
    each commit is held against the first of them, too: many small changes may add up. Commits at which the machine
    was in another state than at the rest are passed over, for their times are not the code's alone.

    Args:
        model: its name.
        commits: oldest first.
        tolerance: the least change that counts, as a share.
    """
    commits = _with_disturbances(commits)
    judged = [commit for commit in commits if commit.is_judged]
    order = {commit.sha: place for place, commit in enumerate(commits)}
    neighbours = _compared(pair for name in _names(judged) for pair in pairwise(_with(judged, name)))
    moves = _moves(neighbours, tolerance)
    moves += _crept(judged, moves, tolerance)
    measured = [commit for commit in commits if not commit.problem]
    told = [commit for commit in measured if commit.tokens_sha256]
    return Walk(
        model=model,
        tolerance=tolerance,
        commits=commits,
        moves=tuple(sorted(moves, key=lambda move: order[move.commit.sha])),
        results=tuple(after for before, after in pairwise(told) if before.tokens_sha256 != after.tokens_sha256),
        gone=tuple(_gone(measured)),
        coarsest=_coarsest(neighbours),
    )


def _with_disturbances(commits: Sequence[MeasuredCommit]) -> tuple[MeasuredCommit, ...]:
    measured = [commit for commit in commits if not commit.problem]
    found = dict(zip(measured, disturbances([commit.conditions for commit in measured]), strict=True))
    return tuple(replace(commit, disturbance=found.get(commit, "")) for commit in commits)


def _names(commits: Iterable[MeasuredCommit]) -> list[str]:
    """Of all benches that any commit ran."""
    return list(dict.fromkeys(number.name for commit in commits for number in commit.numbers))


def _with(commits: Iterable[MeasuredCommit], name: str) -> list[_Bench]:
    """A bench at the commits that ran it."""
    return [(commit, number) for commit in commits if (number := commit.number(name))]


def _crept(judged: Sequence[MeasuredCommit], moves: Sequence[Move], tolerance: float) -> list[Move]:
    """Where small changes of a number have added up since it last moved, however often that happens."""
    found: list[Move] = []
    starts = [run for name in _names(judged) for run in _unmoved(_with(judged, name), moves)]
    while starts:
        pairs = [(run[0], later) for run in starts for later in run[2:]]
        crept = {(move.name, move.since.sha): move for move in reversed(_moves(_compared(pairs), tolerance))}
        found += crept.values()
        starts = [
            run[place:]
            for run in starts
            if (move := crept.get((run[0][1].name, run[0][0].sha)))
            for place, (commit, _) in enumerate(run)
            if commit is move.commit
        ]
    return found


def _unmoved(benches: Sequence[_Bench], moves: Sequence[Move]) -> Iterator[list[_Bench]]:
    """The stretches of a bench's commits between its moves; each begins with one at which it moved, or the first."""
    moved = {(move.name, move.commit.sha) for move in moves}
    begins = [place for place, (commit, number) in enumerate(benches) if (number.name, commit.sha) in moved]
    for first, end in pairwise(dict.fromkeys([0, *begins, len(benches)])):
        yield list(benches[first:end])


def _gone(measured: Sequence[MeasuredCommit]) -> Iterator[Gone]:
    """What a commit does not tell any more, or tells of something else."""
    for before, after in pairwise(measured):
        for number in before.numbers:
            other = after.number(number.name)
            if other is None or not are_of_one_bench(number, other):
                yield Gone(after, number.name)
        if before.tokens_sha256 and not after.tokens_sha256:
            yield Gone(after, TOKENS)


def _compared(pairs: Iterable[tuple[_Bench, _Bench]]) -> list[Move]:
    """What became of the numbers of all pairs, judged together."""
    compared = [(before, after) for before, after in pairs if are_of_one_bench(before[1], after[1])]
    found = speed.changes([(before[1], after[1]) for before, after in compared])
    return [Move(after[0], before[0], change) for (before, after), change in zip(compared, found, strict=True)]


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
