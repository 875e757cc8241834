import json
import math
import os
from dataclasses import replace

import pytest

from engine.backends.cuda.product_choice import Algorithm, Choice, ChoiceStore, Problem

PROBLEM = Problem(513, 4096, 12288, "__nv_bfloat16", "float", accumulate=True, alignment_bytes=256)
ALGORITHM = Algorithm((1, 2, 3, 4, 5, 6, 7, 2**64 - 1), 66, "128x256", "auto", 2, "2x1x1")
CHOICE = Choice(PROBLEM, ALGORITHM, 1, (70.12, 61.24, math.inf))


@pytest.fixture
def store(tmp_path):
    return ChoiceStore(tmp_path / "products", ("NVIDIA H200", "13.0.2", "33554432"))


def test_a_choice_comes_back_as_it_was(store):
    assert store.load(PROBLEM) is None
    store.store(CHOICE)
    assert store.load(PROBLEM) == CHOICE


@pytest.mark.parametrize(
    "change", [{"tokens": 512}, {"rows": 1}, {"in_type": "__half"}, {"accumulate": False}, {"alignment_bytes": 16}]
)
def test_another_problem_has_another_choice(store, change):
    store.store(CHOICE)
    assert store.load(replace(PROBLEM, **change)) is None


def test_another_device_or_version_has_another_choice(store):
    store.store(CHOICE)
    assert replace(store, conditions=("NVIDIA H100", "13.0.2", "33554432")).load(PROBLEM) is None


@pytest.mark.parametrize(
    "change",
    [
        {"chosen": 3},
        {"chosen": -1},
        {"candidates_us": "no"},
        {"algorithm": {}},
        {"problem": {"tokens": 1}},
        {"chosen": math.inf},
    ],
)
def test_a_damaged_choice_is_none(store, change):
    store.store(CHOICE)
    (path,) = store.folder.iterdir()
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert store.load(PROBLEM) is None


@pytest.mark.parametrize("content", ["", "[]", "null", "\x00", '{"problem": 3}', "[" * 100_000])
def test_what_is_no_choice_is_none(store, content):
    store.store(CHOICE)
    (path,) = store.folder.iterdir()
    path.write_text(content)
    assert store.load(PROBLEM) is None


def test_what_is_no_file_is_no_choice(store):
    store.store(CHOICE)
    (path,) = store.folder.iterdir()
    path.unlink()
    os.mkfifo(path)
    assert store.load(PROBLEM) is None
    store.store(CHOICE)
    assert store.load(PROBLEM) == CHOICE


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = ChoiceStore(tmp_path / "file" / "products", ())
    store.store(CHOICE)
    assert store.load(PROBLEM) is None


def test_a_choice_says_what_it_is():
    assert str(CHOICE) == (
        "(513, 12288) x (4096, 12288)ᵀ fp32 += bf16: algorithm 66, tile 128x256, stages auto, cluster 2x1x1, split 2, "
        "61.2 us (candidate 2 of 3; the first took 70.1 us)"
    )
    assert str(replace(CHOICE, candidates_us=(), chosen=0)).endswith("split 2, not timed")
