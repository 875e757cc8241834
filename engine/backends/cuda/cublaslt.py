"""The parts of cuBLASLt that products need, through nvmath's bindings: layouts, candidates and their names."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.cuda.product_choice import Algorithm, Problem
from engine.errors import EngineError

_NUMBER_BYTES = {"__half": 2, "__nv_bfloat16": 2, "float": 4}
_WORDS = 8


@dataclass(frozen=True)
class Layouts:
    """Handles of one problem's description: the product, the matrix, the rows, what comes out."""

    product: int
    weight: int
    x: int
    out: int


@dataclass(frozen=True)
class Candidate:
    """An algorithm in memory that the library reads: `words`, which begin at `address`."""

    words: NDArray[np.uint64]
    address: int


def open_library() -> Any:
    """The bindings, with the library behind them.

    Raises:
        EngineError: one of them is missing.
    """
    try:
        from nvmath.bindings import cublasLt

        cublasLt.get_version()
    except Exception as error:  # an import error, or the binding's own where the library is missing
        raise EngineError(f"cuBLASLt cannot be opened ({error}); install inference-workbench[cuda]") from error
    return cublasLt


def number_bytes(cuda_type: str) -> int:
    """Bytes of a number of one of CUDA's types."""
    return _NUMBER_BYTES[cuda_type]


def version_text(version: int) -> str:
    """A version of the library as it is written."""
    return f"{version // 10_000}.{version // 100 % 100}.{version % 100}"


def make_layouts(library: Any, problem: Problem) -> Layouts:
    """Describes a problem to the library.

    The library's matrices are columns that follow each other. Seen so, rows of activations are a matrix
    (columns, tokens), the weight is (columns, rows), to be transposed, and what comes out is (rows, tokens).
    """
    from cuda.bindings.runtime import cudaDataType
    from nvmath.bindings.cublas import ComputeType, Operation

    types = {
        "__half": cudaDataType.CUDA_R_16F,
        "__nv_bfloat16": cudaDataType.CUDA_R_16BF,
        "float": cudaDataType.CUDA_R_32F,
    }
    in_type, out_type = int(types[problem.in_type]), int(types[problem.out_type])
    product = library.matmul_desc_create(int(ComputeType.COMPUTE_32F), int(cudaDataType.CUDA_R_32F))
    _set(library.matmul_desc_set_attribute, product, library.MatmulDescAttribute.TRANSA, np.int32(Operation.T))
    return Layouts(
        product,
        library.matrix_layout_create(in_type, problem.columns, problem.rows, problem.columns),
        library.matrix_layout_create(in_type, problem.columns, problem.tokens, problem.columns),
        library.matrix_layout_create(out_type, problem.rows, problem.tokens, problem.rows),
    )


def find_candidates(
    library: Any, handle: int, problem: Problem, layouts: Layouts, workspace_bytes: int, count: int
) -> list[Candidate]:
    """Algorithms that the library proposes, the one it would take first."""
    attribute = library.MatmulPreferenceAttribute
    preference = library.matmul_preference_create()
    try:
        _set(
            library.matmul_preference_set_attribute,
            preference,
            attribute.MAX_WORKSPACE_BYTES,
            np.uint64(workspace_bytes),
        )
        for operand in "ABCD":
            name = attribute[f"MIN_ALIGNMENT_{operand}_BYTES"]
            _set(library.matmul_preference_set_attribute, preference, name, np.uint32(problem.alignment_bytes))
        results = np.zeros(count, library.matmul_heuristic_result_dtype)
        found = np.zeros(1, np.int32)
        out = layouts.out
        library.matmul_algo_get_heuristic(
            handle, layouts.product, layouts.weight, layouts.x, out, out, preference, count,
            results.ctypes.data, found.ctypes.data,
        )  # fmt: skip
    except library.cuBLASLtError:
        return []
    finally:
        library.matmul_preference_destroy(preference)
    usable = (result for result in results[: int(found[0])] if result["state"] == 0)
    return [_candidate(result["algo"]["data_"]) for result in usable]


def restore_candidate(
    library: Any, handle: int, layouts: Layouts, algorithm: Algorithm, workspace_bytes: int
) -> Candidate | None:
    """An algorithm that was kept, if the library still takes it for this problem."""
    if len(algorithm.words) != _WORDS or not all(0 <= word < 1 << 64 for word in algorithm.words):
        return None
    candidate = _candidate(algorithm.words)
    result = np.zeros(1, library.matmul_heuristic_result_dtype)
    try:
        library.matmul_algo_check(
            handle, layouts.product, layouts.weight, layouts.x, layouts.out, layouts.out,
            candidate.address, result.ctypes.data,
        )  # fmt: skip
    except library.cuBLASLtError:
        return None
    fits = result["state"][0] == 0 and result["workspace_size"][0] <= workspace_bytes
    return candidate if fits else None


def describe(library: Any, candidate: Candidate) -> Algorithm:
    """What the library calls an algorithm."""
    attribute = library.MatmulAlgoConfigAttribute
    number, tile, stages, split_k, cluster = (
        _configured(library, candidate, name)
        for name in (
            attribute.ID,
            attribute.TILE_ID,
            attribute.STAGES_ID,
            attribute.SPLITK_NUM,
            attribute.CLUSTER_SHAPE_ID,
        )
    )
    return Algorithm(
        words=tuple(map(int, candidate.words)),
        id=number,
        tile=_name(library.MatmulTile, tile, "TILE_"),
        stages=_name(library.MatmulStages, stages, "STAGES_"),
        split_k=split_k,
        cluster=_name(library.ClusterShape, cluster, "SHAPE_"),
    )


def destroy_layouts(library: Any, layouts: Layouts) -> None:
    """Gives the handles back."""
    for layout in (layouts.weight, layouts.x, layouts.out):
        library.matrix_layout_destroy(layout)
    library.matmul_desc_destroy(layouts.product)


def _candidate(words: Any) -> Candidate:
    held = np.array([int(word) for word in words], np.uint64)
    return Candidate(held, int(held.ctypes.data))


def _set(setter: Any, handle: int, attribute: Any, value: Any) -> None:
    held = np.array([value])
    setter(handle, int(attribute), held.ctypes.data, held.nbytes)


def _configured(library: Any, candidate: Candidate, attribute: Any) -> int:
    """One attribute of an algorithm; 0 where the library has none for it."""
    value = np.zeros(1, library.get_matmul_algo_config_attribute_dtype(int(attribute)))
    written = np.zeros(1, np.uint64)
    try:
        library.matmul_algo_config_get_attribute(
            candidate.address, int(attribute), value.ctypes.data, value.nbytes, written.ctypes.data
        )
    except library.cuBLASLtError:
        return 0
    return int(value[0])


def _name(names: Any, value: int, prefix: str) -> str:
    """What the bindings call a value, or its number, for libraries are newer than bindings."""
    known: Iterator[str] = (str(each.name) for each in names if int(each) == value)
    return next(known, str(value)).removeprefix(prefix).lower()
