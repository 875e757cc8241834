"""Which of a library's algorithms makes a product: what was chosen, what of, and how that is kept on disk."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.kernels.cache import cache_folder, evict, read_entry, write_whole

# Raise it whenever an entry's form, or the way in which candidates are timed, changes.
LAYOUT_VERSION = 1
_LIMIT_BYTES = 16 << 20
_SUFFIX = ".json"


@dataclass(frozen=True)
class Problem:
    """A product of `tokens` rows of `columns` numbers with a matrix of `rows` rows.

    Attributes:
        tokens: rows of activations.
        rows: of the matrix.
        columns: of both.
        in_type: CUDA's type of the numbers of both.
        out_type: CUDA's type of what comes out.
        accumulate: whether that is added to what is there.
        alignment_bytes: all addresses are multiples of it.
    """

    tokens: int
    rows: int
    columns: int
    in_type: str
    out_type: str
    accumulate: bool
    alignment_bytes: int

    def __str__(self) -> str:
        sign = "+=" if self.accumulate else "="
        names = {"__half": "fp16", "__nv_bfloat16": "bf16", "float": "fp32"}
        types = f"{names.get(self.out_type, self.out_type)} {sign} {names.get(self.in_type, self.in_type)}"
        return f"({self.tokens}, {self.columns}) x ({self.rows}, {self.columns})ᵀ {types}"


@dataclass(frozen=True)
class Algorithm:
    """One of the library's ways to make a product.

    Attributes:
        words: its whole description, which only the same version of the library understands.
        id: the library's number of it.
        tile: what a block does at a time.
        stages: of shared memory.
        split_k: into how many sums the columns are divided.
        cluster: blocks that work together.
    """

    words: tuple[int, ...]
    id: int
    tile: str
    stages: str
    split_k: int
    cluster: str

    def __str__(self) -> str:
        split = f", split {self.split_k}" if self.split_k > 1 else ""
        return f"algorithm {self.id}, tile {self.tile}, stages {self.stages}, cluster {self.cluster}{split}"


@dataclass(frozen=True)
class Choice:
    """An algorithm chosen for a problem.

    Attributes:
        problem: what it is for.
        algorithm: the one chosen.
        chosen: its place among the candidates, which are in the order in which the library would have taken them.
        candidates_us: the median time of each candidate in microseconds, none if they were not timed; infinite for
            those that failed.
    """

    problem: Problem
    algorithm: Algorithm
    chosen: int = 0
    candidates_us: tuple[float, ...] = ()

    def __str__(self) -> str:
        if not self.candidates_us:
            return f"{self.problem}: {self.algorithm}, not timed"
        best, first = self.candidates_us[self.chosen], self.candidates_us[0]
        return (
            f"{self.problem}: {self.algorithm}, {best:.1f} us "
            f"(candidate {self.chosen + 1} of {len(self.candidates_us)}; the first took {first:.1f} us)"
        )


@dataclass(frozen=True)
class ChoiceStore:
    """Choices of one device and version of the library, one file a problem; where nothing can be written, none is kept.

    Attributes:
        folder: where they lie.
        conditions: what a choice depends on besides the problem: the device, the library's version, the workspace.
    """

    folder: Path
    conditions: tuple[str, ...]

    @classmethod
    def of_user(cls, *conditions: str) -> "ChoiceStore | None":
        """In the user's cache folder, unless there is none."""
        folder = cache_folder()
        return cls(folder / "products", conditions) if folder else None

    def load(self, problem: Problem) -> Choice | None:
        """What was chosen for a problem, or None."""
        try:
            return parse(json.loads(read_entry(self._path(problem))), problem)
        except (OSError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError):
            return None

    def store(self, choice: Choice) -> None:
        """Keeps a choice."""
        write_whole(self._path(choice.problem), json.dumps(asdict(choice)).encode())
        with suppress(OSError):
            evict(self._entries(), _LIMIT_BYTES)

    def _path(self, problem: Problem) -> Path:
        said = json.dumps([LAYOUT_VERSION, *self.conditions, asdict(problem)], sort_keys=True)
        return self.folder / f"{hashlib.sha256(said.encode()).hexdigest()}{_SUFFIX}"

    def _entries(self) -> Iterator[Path]:
        return (entry for entry in self.folder.iterdir() if len(entry.stem) == 64 and entry.suffix == _SUFFIX)


def parse(said: dict[str, object], problem: Problem) -> Choice:
    """Reads a choice as it was written.

    Raises:
        ValueError: it is for another problem, or is none. Others of Python's errors mean the same.
    """
    document = json.loads(json.dumps(said))
    algorithm = document["algorithm"]
    if Problem(**document["problem"]) != problem:
        raise ValueError("another problem")
    choice = Choice(
        problem,
        Algorithm(
            words=tuple(int(word) for word in algorithm["words"]),
            id=int(algorithm["id"]),
            tile=str(algorithm["tile"]),
            stages=str(algorithm["stages"]),
            split_k=int(algorithm["split_k"]),
            cluster=str(algorithm["cluster"]),
        ),
        int(document["chosen"]),
        tuple(float(each) for each in document["candidates_us"]),
    )
    if choice.candidates_us and not 0 <= choice.chosen < len(choice.candidates_us):
        raise ValueError("no such candidate")
    return choice
