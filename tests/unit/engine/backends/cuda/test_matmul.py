"""Products on a library that only notes what it is asked for."""

import ctypes
import math
from types import SimpleNamespace

import numpy as np
import pytest

from engine.backends.cuda import cublaslt, matmul
from engine.backends.cuda.cublaslt import Candidate, Layouts
from engine.backends.cuda.matmul import Products
from engine.backends.cuda.product_choice import Algorithm
from engine.errors import EngineError

pytest.importorskip("cuda.core")


class LibraryError(Exception):
    pass


class Library:
    cuBLASLtError = LibraryError  # noqa: N815 - the binding's own name

    def __init__(self):
        self.calls = []
        self.refuses = set()

    def create(self):
        return 5

    def get_version(self):
        return 130002

    def matmul(self, handle, product, alpha, weight, _w, x, _x, beta, c, _c, out, _o, algorithm, *_):
        number = algorithm_of(algorithm)
        self.calls.append((number, factor(alpha), factor(beta), c, out))
        if number in self.refuses:
            raise LibraryError("NOT_SUPPORTED")


def algorithm_of(address):
    return ctypes.c_uint64.from_address(address).value


def factor(address):
    return ctypes.c_float.from_address(address).value


def candidate(number):
    words = np.full(8, number, np.uint64)
    return Candidate(words, int(words.ctypes.data))


@pytest.fixture
def library(monkeypatch, tmp_path):
    import cuda.core

    library = Library()
    monkeypatch.setenv("ENGINE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cuda.core, "Device", lambda: SimpleNamespace(name="NVIDIA H200"))
    monkeypatch.setattr(cublaslt, "open_library", lambda: library)
    monkeypatch.setattr(cublaslt, "make_layouts", lambda *_: Layouts(1, 2, 3, 4))
    monkeypatch.setattr(cublaslt, "destroy_layouts", lambda *_: None)
    monkeypatch.setattr(
        cublaslt, "find_candidates", lambda _l, _h, _p, _d, _w, count: [candidate(n) for n in (7, 8, 9)][:count]
    )
    monkeypatch.setattr(cublaslt, "restore_candidate", lambda _l, _h, _d, algorithm, _w: candidate(algorithm.words[0]))
    monkeypatch.setattr(
        cublaslt,
        "describe",
        lambda _, each: Algorithm(tuple(map(int, each.words)), int(each.words[0]), "64x64", "auto", 1, "auto"),
    )
    return library


def timed(monkeypatch, *times):
    asked = []

    def time_candidates(candidates, stream):
        asked.append([each() for each in candidates])
        return tuple(time if works else math.inf for time, works in zip(times, asked[-1], strict=True))

    monkeypatch.setattr(matmul, "time_candidates", time_candidates)
    return asked


def multiply(products, out=4096, **options):
    products.multiply(1024, 2048, out, 513, 64, 32, "__half", **options)


def test_the_fastest_candidate_makes_the_product(library, monkeypatch):
    timed(monkeypatch, 3.0, 1.0, 2.0)
    products = Products(1, 2, 3)
    multiply(products)
    assert library.calls[-1] == (8, 1.0, 0.0, 4096, 4096)
    (choice,) = products.choices()
    assert (choice.chosen, choice.candidates_us) == (1, (3.0, 1.0, 2.0))
    assert products.version == "13.0.2"


def test_a_choice_is_made_once_and_kept_on_disk(library, monkeypatch):
    asked = timed(monkeypatch, 3.0, 1.0, 2.0)
    products = Products(1, 2, 3)
    multiply(products)
    multiply(products)
    other = Products(1, 2, 3)
    multiply(other)
    assert len(asked) == 1
    assert [call[0] for call in library.calls[-3:]] == [8, 8, 8]
    assert other.choices() == products.choices()


def test_alignment_makes_a_problem_of_its_own(library, monkeypatch):
    timed(monkeypatch, 3.0, 1.0, 2.0)
    products = Products(1, 2, 3)
    multiply(products)
    multiply(products, out=4096 + 48)
    assert [choice.problem.alignment_bytes for choice in products.choices()] == [256, 16]


def test_timing_leaves_what_is_added_to_alone(library, monkeypatch):
    from cuda.bindings import runtime

    freed = []
    monkeypatch.setattr(runtime, "cudaMalloc", lambda size: (0, 99))
    monkeypatch.setattr(runtime, "cudaFree", freed.append)
    timed(monkeypatch, 3.0, 1.0, 2.0)
    multiply(Products(1, 2, 3), accumulate=True)
    assert [call[1:] for call in library.calls[:-1]] == [(1.0, 1.0, 4096, 99)] * 3
    assert library.calls[-1] == (8, 1.0, 1.0, 4096, 4096)
    assert freed == [99]


def test_without_memory_to_time_in_the_first_proposal_is_taken(library, monkeypatch):
    from cuda.bindings import runtime

    monkeypatch.setattr(runtime, "cudaMalloc", lambda size: (2, 0))
    products = Products(1, 2, 3)
    multiply(products, accumulate=True)
    assert library.calls == [(7, 1.0, 1.0, 4096, 4096)]
    assert products.choices()[0].candidates_us == ()


def test_candidates_that_fail_are_not_chosen(library, monkeypatch):
    timed(monkeypatch, 3.0, 1.0, 2.0)
    library.refuses = {8}
    products = Products(1, 2, 3)
    multiply(products)
    assert library.calls[-1][0] == 9
    assert products.choices()[0].candidates_us == (3.0, math.inf, 2.0)


def test_without_tuning_the_first_proposal_is_taken(library):
    products = Products(1, 2, 3, autotune=False)
    multiply(products)
    assert library.calls == [(7, 1.0, 0.0, 4096, 4096)]


@pytest.mark.parametrize("refuses", [None, {7, 8, 9}])
def test_a_shape_that_cannot_be_done_is_named(library, monkeypatch, refuses):
    timed(monkeypatch, 3.0, 1.0, 2.0)
    if refuses is None:
        monkeypatch.setattr(cublaslt, "find_candidates", lambda *_: [])
    else:
        library.refuses = refuses
    with pytest.raises(EngineError, match=r"no way to compute \(513, 32\) x \(64, 32\)ᵀ fp32 = fp16"):
        multiply(Products(1, 2, 3))


def test_a_failing_launch_is_an_error(library):
    library.refuses = {7}
    with pytest.raises(EngineError, match=r"failed to compute \(513, 32\)"):
        multiply(Products(1, 2, 3, autotune=False))


def test_versions_are_written_with_dots():
    assert cublaslt.version_text(131000) == "13.10.0"
