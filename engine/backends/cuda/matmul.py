"""Products of many rows of activations with a matrix, by cuBLASLt."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from engine.backends.cuda import cublaslt
from engine.backends.cuda.cublaslt import Candidate, Layouts
from engine.backends.cuda.product_choice import Choice, ChoiceStore, Problem
from engine.backends.cuda.timing import time_candidates
from engine.errors import EngineError

_CANDIDATES = 12
# Addresses matter to the library up to multiples of so many bytes.
_ALIGNMENT_BYTES = 256

_Key = tuple[int, int, int, str, str, bool, int]


@dataclass(frozen=True)
class _Plan:
    """A problem ready to be launched: `algorithm` and `beta` are addresses, at the first of which lies `held`."""

    problem: Problem
    layouts: Layouts
    algorithm: int
    beta: int
    held: Candidate


class Products:
    """Products on one stream, each by the algorithm that was fastest for its shape.

    The library proposes some for a shape, in the order of what it expects of them. All are warmed up, then timed in
    turn on the very operands of the first product of that shape, and the fastest is kept, on disk, too. Where memory
    does not suffice for that, the first proposal is taken, and not kept.
    """

    def __init__(self, stream: int, workspace: int, workspace_bytes: int, *, autotune: bool = True) -> None:
        """Opens the library.

        Args:
            stream: the handle of the stream.
            workspace: address of device memory that is the library's alone.
            workspace_bytes: its size.
            autotune: whether to time; else the library's first proposal is taken.

        Raises:
            EngineError: the library is missing.
        """
        import cuda.core

        self._library: Any = cublaslt.open_library()
        try:
            self._handle: int = self._library.create()
        except self._library.cuBLASLtError as error:
            raise EngineError(
                f"cuBLASLt cannot be used ({error}); check the driver and the GPU's free memory"
            ) from error
        self._stream = stream
        self._workspace = workspace
        self._workspace_bytes = workspace_bytes
        self._autotune = autotune
        self.version = cublaslt.version_text(self._library.get_version())
        device = cuda.core.Device().name
        self._store = ChoiceStore.of_user(device, self.version, str(workspace_bytes)) if autotune else None
        self._plans: dict[_Key, _Plan] = {}
        self._choices: dict[Problem, Choice] = {}
        self._factors = np.array([0, 1], np.float32)
        self._zero, self._one = (int(self._factors.ctypes.data) + offset for offset in (0, 4))

    def multiply(
        self,
        x: int,
        weight: int,
        out: int,
        tokens: int,
        rows: int,
        columns: int,
        in_type: str,
        *,
        out_type: str = "float",
        accumulate: bool = False,
    ) -> None:
        """`out[t] = weight @ x[t]`, or added to what is there; sums are of single precision.

        Args:
            x: address of the activations, shape (tokens, columns).
            weight: address of the matrix, shape (rows, columns).
            out: address of what comes out, shape (tokens, rows).
            tokens: rows of activations.
            rows: of the matrix.
            columns: of both.
            in_type: CUDA's type of the numbers of both: `__half`, `__nv_bfloat16` or `float`.
            out_type: CUDA's type of what comes out.
            accumulate: whether to add.

        Raises:
            EngineError: the library has no way to do this.
        """
        key = (tokens, rows, columns, in_type, out_type, accumulate, (x | weight | out) % _ALIGNMENT_BYTES)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._plan(key, x, weight, out)
        layouts = plan.layouts
        try:
            self._library.matmul(
                self._handle, layouts.product, self._one, weight, layouts.weight, x, layouts.x, plan.beta, out,
                layouts.out, out, layouts.out, plan.algorithm, self._workspace, self._workspace_bytes, self._stream,
            )  # fmt: skip
        except self._library.cuBLASLtError as error:
            raise EngineError(f"cuBLASLt failed to compute {plan.problem} ({error}); check the driver") from error

    def choices(self) -> tuple[Choice, ...]:
        """What was chosen so far."""
        return tuple(self._choices.values())

    def _plan(self, key: _Key, x: int, weight: int, out: int) -> _Plan:
        low_bits = key[-1]
        problem = Problem(*key[:-1], alignment_bytes=low_bits & -low_bits or _ALIGNMENT_BYTES)
        layouts = cublaslt.make_layouts(self._library, problem)
        candidate = self._restored(problem, layouts)
        if candidate is None:
            candidate = self._choose(problem, layouts, x, weight, out)
        beta = self._one if problem.accumulate else self._zero
        return _Plan(problem, layouts, candidate.address, beta, candidate)

    def _restored(self, problem: Problem, layouts: Layouts) -> Candidate | None:
        kept = self._choices.get(problem) or (self._store.load(problem) if self._store else None)
        if kept is None:
            return None
        candidate = cublaslt.restore_candidate(
            self._library, self._handle, layouts, kept.algorithm, self._workspace_bytes
        )
        if candidate:
            self._choices[problem] = kept
        return candidate

    def _choose(self, problem: Problem, layouts: Layouts, x: int, weight: int, out: int) -> Candidate:
        candidates = cublaslt.find_candidates(
            self._library, self._handle, problem, layouts, self._workspace_bytes, _CANDIDATES if self._autotune else 1
        )
        times = self._time(problem, layouts, candidates, x, weight, out) if candidates and self._autotune else ()
        if not candidates or (times and min(times) == math.inf):
            cublaslt.destroy_layouts(self._library, layouts)
            raise EngineError(f"cuBLASLt {self.version} has no way to compute {problem}; choose another weight format")
        chosen = times.index(min(times)) if times else 0
        choice = Choice(problem, cublaslt.describe(self._library, candidates[chosen]), chosen, times)
        self._choices[problem] = choice
        if self._store and times:
            self._store.store(choice)
        return candidates[chosen]

    def _time(
        self, problem: Problem, layouts: Layouts, candidates: list[Candidate], x: int, weight: int, out: int
    ) -> tuple[float, ...]:
        """Times candidates; the products go to memory of their own, for `out` may hold what is to be added to."""
        from cuda.bindings import runtime

        size_bytes = problem.tokens * problem.rows * cublaslt.number_bytes(problem.out_type)
        status, target = runtime.cudaMalloc(size_bytes) if problem.accumulate else (0, out)
        if int(status) != 0:
            return ()
        try:
            works = [
                partial(self._try, problem, layouts, candidate, x, weight, out, int(target)) for candidate in candidates
            ]
            return time_candidates(works, self._stream)
        finally:
            if problem.accumulate:
                runtime.cudaFree(target)

    def _try(
        self, problem: Problem, layouts: Layouts, candidate: Candidate, x: int, weight: int, out: int, target: int
    ) -> bool:
        beta = self._one if problem.accumulate else self._zero
        try:
            self._library.matmul(
                self._handle, layouts.product, self._one, weight, layouts.weight, x, layouts.x, beta, out, layouts.out,
                target, layouts.out, candidate.address, self._workspace, self._workspace_bytes, self._stream,
            )  # fmt: skip
        except self._library.cuBLASLtError:
            return False
        return True
