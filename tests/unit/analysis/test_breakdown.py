from collections.abc import Callable
from typing import Any

import pytest

from tests.exports import Export
from workbench.analysis.analysis import Analysis
from workbench.analysis.breakdown import KEYS, KernelRow, kernel_rows, memop_kinds, memop_rows
from workbench.attribution.attribution import Attribution
from workbench.errors import UserError

Attributed = Callable[[Export], Attribution]


def program() -> Export:
    """Two decode steps of an attention and an mlp kernel, and one kernel outside any range: 1050 ns in all."""
    export = Export()
    for step, begin in ((0, 0), (1, 1000)):
        export.range("decode_step", begin, begin + 900, payload=step)
        export.range("model.layers.3.self_attn.q_proj", begin + 10, begin + 30)
        export.launch("gemv", begin + 15, begin + 100, begin + 200, long_name="void gemv<half>(half*)")
        export.range("model.layers.4.mlp", begin + 40, begin + 60)
        export.launch("gemv", begin + 45, begin + 200, begin + 350 + 50 * step, long_name="void gemv<float>(float*)")
    export.launch("lonely", 2000, 2100, 2600, stream=8, device=1)
    return export


def table(rows: list[KernelRow], *statistics: str) -> list[tuple[Any, ...]]:
    return [(*row.keys.values(), *(getattr(row, name) for name in statistics)) for row in rows]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("phase", [("decode", 4, 550), ("other", 1, 500)]),
        ("step", [(None, 1, 500), (1, 2, 300), (0, 2, 250)]),
        ("layer_type", [(None, 1, 500), ("mlp", 2, 350), ("attention", 2, 200)]),
        ("layer", [(None, 1, 500), (4, 2, 350), (3, 2, 200)]),
        ("role", [(None, 3, 850), ("q_proj", 2, 200)]),
        (
            "range",
            [(None, 1, 500), ("model.layers.4.mlp", 2, 350), ("model.layers.3.self_attn.q_proj", 2, 200)],
        ),
        ("kernel", [("gemv", 4, 550), ("lonely", 1, 500)]),
        ("stream", [(7, 4, 550), (8, 1, 500)]),
        ("device", [(0, 4, 550), (1, 1, 500)]),
        ("process", [(7, 5, 1050)]),
    ],
)
def test_each_key_alone(attributed: Attributed, key: str, expected: list[tuple[Any, ...]]) -> None:
    rows = kernel_rows(attributed(program()), [key])
    assert table(rows, "count", "total_ns") == expected
    assert list(rows[0].keys) == [key]


def test_keys_combine_in_the_order_asked_for(attributed: Attributed) -> None:
    rows = kernel_rows(attributed(program()), ["layer", "phase", "step", "role"])
    assert list(rows[0].keys) == ["layer", "phase", "step", "role"]
    assert table(rows, "total_ns") == [
        (None, "other", None, None, 500),
        (4, "decode", 1, None, 200),
        (4, "decode", 0, None, 150),
        (3, "decode", 0, "q_proj", 100),
        (3, "decode", 1, "q_proj", 100),
    ]


def test_all_keys_at_once_lose_nothing(attributed: Attributed) -> None:
    rows = kernel_rows(attributed(program()), KEYS)
    assert (sum(row.count for row in rows), sum(row.total_ns for row in rows)) == (5, 1050)
    assert len({tuple(row.keys.values()) for row in rows}) == len(rows) == 5


@pytest.mark.parametrize("key", KEYS)
def test_rows_add_up_to_the_total_whatever_the_key(real_capture: Analysis, key: str) -> None:
    rows = kernel_rows(real_capture.attribution, [key])
    totals = real_capture.totals
    assert (sum(row.count for row in rows), sum(row.total_ns for row in rows)) == (
        totals.kernel_count,
        totals.kernel_ns,
    )
    assert sum(row.share for row in rows) == pytest.approx(1)


def test_long_names_tell_apart_what_short_names_do_not(attributed: Attributed) -> None:
    rows = kernel_rows(attributed(program()), ["kernel"], demangled=True)
    assert table(rows, "total_ns") == [
        ("lonely", 500),
        ("void gemv<float>(float*)", 350),
        ("void gemv<half>(half*)", 200),
    ]


def test_a_phase_limits_rows_and_the_base_of_shares(attributed: Attributed) -> None:
    attribution = attributed(program())
    assert table(kernel_rows(attribution, ["layer_type"]), "total_ns", "share") == [
        (None, 500, 500 / 1050),
        ("mlp", 350, 350 / 1050),
        ("attention", 200, 200 / 1050),
    ]
    assert table(kernel_rows(attribution, ["layer_type"], phase="decode"), "total_ns", "share") == [
        ("mlp", 350, 350 / 550),
        ("attention", 200, 200 / 550),
    ]


def test_a_phase_without_kernels_has_no_rows(attributed: Attributed) -> None:
    assert kernel_rows(attributed(program()), ["phase"], phase="prefill") == []


def durations(*lengths: int) -> Export:
    export = Export()
    for number, length in enumerate(lengths):
        export.launch("k", 1000 * number, 1000 * number + 100, 1000 * number + 100 + length)
    return export


@pytest.mark.parametrize(
    ("lengths", "mean", "median", "least", "most"),
    [
        ((5,), 5, 5, 5, 5),
        ((30, 10), 20, 20, 10, 30),
        ((30, 10, 20), 20, 20, 10, 30),
        ((9, 1, 4, 7), 5.25, 5.5, 1, 9),
        ((0, 0, 0), 0, 0, 0, 0),
    ],
)
def test_statistics(
    attributed: Attributed, lengths: tuple[int, ...], mean: float, median: float, least: int, most: int
) -> None:
    (row,) = kernel_rows(attributed(durations(*lengths)), ["kernel"])
    assert (row.mean_ns, row.median_ns, row.min_ns, row.max_ns) == (mean, median, least, most)


def test_statistics_of_one_row_are_not_anothers(attributed: Attributed) -> None:
    export = durations(1, 3, 5)
    for number, length in enumerate((10, 20)):
        export.launch("other", 9000 + 100 * number, 9010 + 100 * number, 9010 + 100 * number + length)
    rows = kernel_rows(attributed(export), ["kernel"])
    assert table(rows, "median_ns", "min_ns", "max_ns") == [("other", 15, 10, 20), ("k", 3, 1, 5)]


def test_shares_of_no_time_are_zero(attributed: Attributed) -> None:
    (row,) = kernel_rows(attributed(durations(0, 0)), ["kernel"])
    assert (row.count, row.total_ns, row.share) == (2, 0, 0.0)


def test_a_capture_without_kernels_has_no_rows(attributed: Attributed) -> None:
    export = Export()
    export.hidden_graph(1, 0, 10, export.call("cudaGraphLaunch_v10000", 0, 5))
    attribution = attributed(export)
    assert kernel_rows(attribution, KEYS) == []
    assert memop_rows(attribution) == []


def two_processes() -> Export:
    export = Export()
    for pid in (7, 8):
        export.range("decode_step 0", 0, 100, pid=pid, tid=pid)
        export.launch("k", 10, 50, 50 + 10 * pid, pid=pid, tid=pid)
    return export


def test_steps_of_several_processes_are_told_apart(attributed: Attributed) -> None:
    rows = kernel_rows(attributed(two_processes()), ["step"])
    assert [row.keys for row in rows] == [{"step": 0, "process": 8}, {"step": 0, "process": 7}]


def test_the_process_joins_nothing_but_steps(attributed: Attributed) -> None:
    attribution = attributed(two_processes())
    assert [row.keys for row in kernel_rows(attribution, ["kernel"])] == [{"kernel": "k"}]
    assert list(kernel_rows(attribution, ["process", "step"])[0].keys) == ["process", "step"]


def test_a_process_without_kernels_in_the_phase_joins_nothing(attributed: Attributed) -> None:
    export = two_processes()
    export.range("prefill", 200, 300)
    export.launch("k", 210, 250, 260)
    rows = kernel_rows(attributed(export), ["step"], phase="prefill")
    assert [row.keys for row in rows] == [{"step": 0}]


def test_a_registered_name_and_a_plain_one_that_read_the_same_are_one_row(attributed: Attributed) -> None:
    export = durations(10)
    export.range("twice", 0, 20)
    export.range("twice", 5000, 5020, registered=True)
    export.launch("k", 5010, 5100, 5130)
    rows = kernel_rows(attributed(export), ["range"])
    assert table(rows, "count", "total_ns") == [("twice", 2, 40)]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["phases"], "'phases' is no key"),
        (["phase", ""], "'' is no key"),
        (["phase", "phase"], "name each key to sum by once"),
        ([], "name each key to sum by once"),
    ],
)
def test_keys_that_cannot_be(attributed: Attributed, keys: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        kernel_rows(attributed(durations(1)), keys)


def copies() -> Export:
    """In an mlp of a decode step two copies to the device, one back and a memset; outside, a copy on the device."""
    export = Export()
    export.range("decode", 0, 500)
    export.range("model.layers.0.mlp", 0, 100)
    for kind, size, at, length in ((1, 1000, 10, 40), (1, 24, 20, 30), (2, 4, 30, 5)):
        call = export.call("cudaMemcpyAsync_v3020", at, at + 5)
        export.copy(kind, size, 1000 + 10 * at, 1000 + 10 * at + length, call)
    export.memset(512, 1500, 1508, export.call("cudaMemsetAsync_v3020", 50, 55))
    export.copy(8, 2048, 2000, 2100, export.call("cudaMemcpyAsync_v3020", 600, 610))
    export.launch("k", 700, 3000, 3010)
    return export


def test_copies_are_summed_by_phase_layer_type_and_kind(attributed: Attributed) -> None:
    rows = memop_rows(attributed(copies()))
    assert [(row.phase, row.layer_type, row.kind, row.count, row.bytes, row.total_ns) for row in rows] == [
        ("other", None, "memcpy_d2d", 1, 2048, 100),
        ("decode", "mlp", "memcpy_h2d", 2, 1024, 70),
        ("decode", "mlp", "memset", 1, 512, 8),
        ("decode", "mlp", "memcpy_d2h", 1, 4, 5),
    ]


def test_a_phase_limits_copies_too(attributed: Attributed) -> None:
    assert [row.kind for row in memop_rows(attributed(copies()), phase="other")] == ["memcpy_d2d"]
    assert memop_rows(attributed(copies()), phase="load") == []


def test_kinds_of_copies_that_have_no_name_keep_their_number(attributed: Attributed) -> None:
    export = durations(10)
    export.copy(99, 8, 5000, 5010, None)
    export.memset(8, 6000, 6010, None)
    kind, names = memop_kinds(attributed(export).trace)
    assert [names[number] for number in kind.tolist()] == ["memcpy_kind_99", "memset"]
