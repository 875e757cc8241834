from collections.abc import Callable

import pytest

from tests.exports import Export
from workbench.analysis.analysis import Analysis
from workbench.analysis.summary import summarize
from workbench.errors import UserError

Analysed = Callable[[Export], Analysis]


def program() -> Export:
    """A prefill of 300 ns and a decode step of 100 ns, each with a copy of 10 ns."""
    export = Export()
    for name, begin, length in (("prefill", 0, 300), ("decode", 1000, 100)):
        export.range(name, begin, begin + 900)
        export.launch(f"{name} kernel", begin + 10, begin + 100, begin + 100 + length)
        export.copy(1, 64, begin + 500, begin + 510, export.call("cudaMemcpyAsync_v3020", begin + 20, begin + 30))
    return export


def test_by_default_kernels_are_summed_by_phase_and_layer_type(analysed: Analysed) -> None:
    summary = summarize(analysed(program()))
    assert summary.keys == ("phase", "layer_type")
    assert [(row.keys["phase"], row.total_ns) for row in summary.rows] == [("prefill", 300), ("decode", 100)]


def test_a_phase_filters_rows_and_copies_but_never_totals(analysed: Analysed) -> None:
    analysis = analysed(program())
    whole, decode = summarize(analysis), summarize(analysis, phase="decode")
    assert [(row.total_ns, row.share) for row in decode.rows] == [(100, 1.0)]
    assert [(row.phase, row.total_ns) for row in decode.memops] == [("decode", 10)]
    assert decode.phase == "decode"
    assert (decode.totals, decode.coverage, decode.phases) == (whole.totals, whole.coverage, whole.phases)
    assert decode.totals.kernel_ns == 400
    assert decode.totals.memop_ns == 20


def test_keys_say_that_the_process_was_added(analysed: Analysed) -> None:
    export = program()
    export.launch("of another", 0, 100, 110, pid=8, tid=8)
    summary = summarize(analysed(export), ["step"])
    assert summary.keys == ("step", "process")
    assert summary.pids == (7, 8)


def test_keys_are_known_even_where_there_are_no_rows(analysed: Analysed) -> None:
    summary = summarize(analysed(program()), ["kernel", "stream"], phase="load")
    assert (summary.keys, summary.rows, summary.memops) == (("kernel", "stream"), (), ())


def test_long_names_are_given_on_demand(analysed: Analysed) -> None:
    export = Export()
    export.launch("k", 0, 10, 20, long_name="void k<int>()")
    analysis = analysed(export)
    assert summarize(analysis, ["kernel"]).rows[0].keys == {"kernel": "k"}
    assert summarize(analysis, ["kernel"], demangled=True).rows[0].keys == {"kernel": "void k<int>()"}


def test_an_unknown_phase_is_an_error(analysed: Analysed) -> None:
    with pytest.raises(UserError, match="'decoding' is no phase; phases are load, warmup, prefill, decode, other"):
        summarize(analysed(program()), phase="decoding")
