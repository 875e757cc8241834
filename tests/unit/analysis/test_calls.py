from collections.abc import Callable

import numpy as np
import pytest

from tests.exports import Export
from workbench.analysis.analysis import Analysis
from workbench.analysis.calls import CallKind, call_kind, call_kinds, is_kind, own_time_ns, plain_name
from workbench.trace.model import Trace

Read = Callable[[Export], Trace]
Analysed = Callable[[Export], Analysis]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cudaLaunchKernel_v7000", CallKind.LAUNCH),
        ("cudaLaunchKernelExC_v11060", CallKind.LAUNCH),
        ("cudaLaunchCooperativeKernel_v9000", CallKind.LAUNCH),
        ("cuLaunchKernel", CallKind.LAUNCH),
        ("cuLaunchKernelEx", CallKind.LAUNCH),
        ("cuLaunchGrid", CallKind.LAUNCH),
        ("cudaLaunchHostFunc_v10000", CallKind.OTHER),
        ("cudaGraphLaunch_v10000", CallKind.GRAPH_LAUNCH),
        ("cuGraphLaunch", CallKind.GRAPH_LAUNCH),
        ("cudaStreamSynchronize_v3020", CallKind.SYNCHRONIZE),
        ("cudaDeviceSynchronize_v3020", CallKind.SYNCHRONIZE),
        ("cudaEventSynchronize_v3020", CallKind.SYNCHRONIZE),
        ("cuCtxSynchronize", CallKind.SYNCHRONIZE),
        ("cudaStreamWaitEvent_v3020", CallKind.OTHER),
        ("cudaEventQuery_v3020", CallKind.OTHER),
        ("cudaMalloc_v3020", CallKind.ALLOCATE),
        ("cudaMallocAsync_v11020", CallKind.ALLOCATE),
        ("cudaHostAlloc_v3020", CallKind.ALLOCATE),
        ("cuMemAlloc_v2", CallKind.ALLOCATE),
        ("cuMemCreate", CallKind.ALLOCATE),
        ("cudaFree_v3020", CallKind.FREE),
        ("cudaFreeAsync_v11020", CallKind.FREE),
        ("cuMemFree_v2", CallKind.FREE),
        ("cuMemRelease", CallKind.FREE),
        ("cudaMemcpyAsync_v3020", CallKind.COPY),
        ("cudaMemcpy2DAsync_v3020", CallKind.COPY),
        ("cuMemcpyHtoDAsync_v2", CallKind.COPY),
        ("cudaMemcpyAsync_ptsz_v7000", CallKind.COPY),
        ("cudaMemcpy_v3020", CallKind.BLOCKING_COPY),
        ("cuMemcpyDtoH_v2", CallKind.BLOCKING_COPY),
        ("cudaMemcpyToSymbol_v3020", CallKind.BLOCKING_COPY),
        ("cudaMemsetAsync_v3020", CallKind.MEMSET),
        ("cuMemsetD8Async", CallKind.MEMSET),
        ("cuModuleLoadData", CallKind.MODULE_LOAD),
        ("cuLibraryLoadData", CallKind.MODULE_LOAD),
        ("cuLinkComplete", CallKind.MODULE_LOAD),
        ("cudaStreamBeginCapture_v10000", CallKind.GRAPH_BUILD),
        ("cudaGraphInstantiate_v12000", CallKind.GRAPH_BUILD),
        ("cudaGetDevice_v3020", CallKind.OTHER),
        ("", CallKind.OTHER),
    ],
)
def test_a_calls_name_tells_what_it_is_for(name: str, kind: CallKind) -> None:
    assert call_kind(name) is kind


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("cudaMalloc_v3020", "cudaMalloc"),
        ("cudaLaunchKernelExC_v11060", "cudaLaunchKernelExC"),
        ("cudaMemcpyAsync_ptsz_v7000", "cudaMemcpyAsync"),
        # What the driver itself calls a second version of a function is part of its name.
        ("cuMemAlloc_v2", "cuMemAlloc_v2"),
        ("cuLaunchKernel", "cuLaunchKernel"),
    ],
)
def test_a_plain_name_lacks_what_cupti_adds(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_kinds_stand_in_the_order_of_the_calls(read: Read) -> None:
    export = Export()
    export.call("cudaMalloc_v3020", 30, 40)
    export.call("cudaStreamSynchronize_v3020", 10, 20)
    export.launch("k", 50, 70, 80)
    kinds = call_kinds(read(export))
    assert kinds.tolist() == [CallKind.SYNCHRONIZE, CallKind.ALLOCATE, CallKind.LAUNCH]
    assert is_kind(kinds, CallKind.LAUNCH, CallKind.ALLOCATE).tolist() == [False, True, True]


def test_a_capture_without_calls_has_no_kinds(analysed: Analysed) -> None:
    export = Export()
    export.kernel("k", 0, 10, None)
    assert analysed(export).call_kinds.tolist() == []


def test_a_driver_call_within_a_runtime_call_is_counted_once(read: Read) -> None:
    export = Export()
    export.kernel("k", 0, 10, None)
    export.call("cudaMalloc_v3020", 100, 200)
    export.call("cuMemAlloc_v2", 120, 180)
    export.call("cudaFree_v3020", 300, 310)
    assert own_time_ns(read(export).calls).tolist() == [100, 0, 10]


def test_calls_of_two_threads_do_not_hide_each_other(read: Read) -> None:
    export = Export()
    export.kernel("k", 0, 10, None)
    export.call("cudaMalloc_v3020", 100, 200, tid=7)
    export.call("cudaFree_v3020", 150, 180, tid=9)
    own = own_time_ns(read(export).calls)
    assert np.array_equal(own, [100, 30])


def test_a_call_that_another_of_its_kind_makes_is_not_counted(read: Read) -> None:
    export = Export()
    export.call("cudaLaunchKernel_v7000", 0, 100)
    export.call("cuLaunchKernel", 10, 90)
    export.call("cuModuleLoadData", 20, 30)
    export.call("cuLaunchKernel", 100, 110)
    export.call("cuLaunchKernel", 50, 60, tid=8)
    export.call("cudaStreamSynchronize_v3020", 200, 300)
    export.call("cuStreamSynchronize", 200, 300)
    export.kernel("add", 400, 500, None)
    kinds = call_kinds(read(export))
    assert sorted(kinds.tolist()) == sorted(
        [CallKind.LAUNCH] * 3 + [CallKind.OTHER] * 2 + [CallKind.MODULE_LOAD, CallKind.SYNCHRONIZE]
    )
