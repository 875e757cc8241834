"""Whatever a decode loop does, what is found in it holds: evidence, targets, gains."""

import sqlite3
import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.claims import assert_holds
from tests.exports import VERSIONS, Export
from tests.unit.findings.programs import D2D, D2H, DEVICE, H2D, PAGEABLE, PINNED, Program
from workbench.analysis.analysis import Analysis
from workbench.attribution.attribution import attribute
from workbench.attribution.rule_files import load_rules
from workbench.findings.find import find
from workbench.trace.export import read_export

RULES = load_rules()
KERNELS = ("gemv", "gemm_b", "ampere_s16816gemm", "norm", "cast", "add", "flash_attn")
ROLES = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.o_proj", "mlp.gate_proj", "input_layernorm")
RANGES = ("detail", *(f"model.layers.{layer}.{role}" for layer in range(3) for role in ROLES))
CALLS = ("cudaMalloc_v3020", "cudaFree_v3020", "cuModuleLoadData", "cudaStreamSynchronize_v3020")


@dataclass(frozen=True)
class Operation:
    """One thing that a step does."""

    kind: str
    name: str
    variant: str
    range: str
    duration_ns: int
    wait_ns: int
    late: bool
    grid: tuple[int, int, int]
    stream: int
    copy: tuple[int, int, int]
    size: int
    repeat: int

    def run(self, program: Program, node: int | None) -> None:
        """Does it, as a node of a graph if it is told which."""
        wait_ns = max(self.wait_ns, program.host_ns + 20 - program.gpu_ns)
        late = self.late and wait_ns > 10
        kind = self.kind if node is None else "kernel"
        if kind == "kernel":
            program.kernel(
                self.name,
                self.duration_ns,
                wait_ns=wait_ns,
                late=late,
                long_name=self.name + self.variant,
                grid=self.grid,
                stream=self.stream,
                node=node,
            )
        elif kind == "memset":
            program.memset(64, self.duration_ns, wait_ns=wait_ns, late=late)
        elif kind == "synchronize":
            program.synchronize(300)
        elif kind in CALLS:
            program.call(kind, 100)
        else:
            copy, source, destination = self.copy
            program.copy(
                copy,
                self.size,
                self.duration_ns,
                wait_ns=wait_ns,
                late=late,
                blocking=kind == "blocking copy",
                source=source,
                destination=destination,
            )


OPERATIONS = st.builds(
    Operation,
    kind=st.sampled_from(["kernel"] * 12 + ["copy", "blocking copy", "memset", "synchronize", *CALLS]),
    name=st.sampled_from(KERNELS),
    variant=st.sampled_from(["", "<int>", "<half>"]),
    range=st.sampled_from(RANGES),
    duration_ns=st.sampled_from([900, 2_000, 4_999, 12_000, 100_000]),
    wait_ns=st.sampled_from([0, 0, 500, 5_000, 300_000, -500]),
    late=st.booleans(),
    grid=st.sampled_from([(1, 1, 1), (50, 1, 2), (132, 1, 1)]),
    stream=st.sampled_from([7, 7, 8]),
    copy=st.sampled_from([(H2D, PINNED, DEVICE), (D2H, DEVICE, PAGEABLE), (D2D, DEVICE, DEVICE)]),
    size=st.sampled_from([8, 10**6]),
    repeat=st.sampled_from([1, 1, 1, 60]),
)


@st.composite
def exports(draw: st.DrawFn) -> Export:
    """Decode loops of one or two processes, some of whose steps differ, by graphs or launch by launch."""
    export = Export(draw(st.sampled_from(list(VERSIONS))))
    for pid in draw(st.sampled_from([(7,), (7,), (7, 8)])):
        program = Program(export, pid=pid)
        program.kernel("load", 1_000)
        body = draw(st.lists(OPERATIONS, min_size=1, max_size=8))
        with ExitStack() as stack:
            if draw(st.booleans()):
                stack.enter_context(program.range("decode"))
            for _ in range(draw(st.integers(1, 6))):
                step(draw, program, body)
    if draw(st.sampled_from([True, False, False, False])):
        calls = export.rows["CUPTI_ACTIVITY_KIND_RUNTIME"]
        del calls[: draw(st.integers(0, len(calls)))]
    return export


def step(draw: st.DrawFn, program: Program, body: list[Operation]) -> None:
    is_graph = draw(st.booleans())
    with program.step(draw(st.sampled_from(["decode", "decode", "prefill"]))), ExitStack() as stack:
        if is_graph:
            stack.enter_context(program.graph_launch())
        for number, operation in enumerate(body):
            for _ in range(operation.repeat):
                with program.range(operation.range):
                    operation.run(program, number if is_graph else None)
    program.call(draw(st.sampled_from(CALLS)), 50)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(exports())
def test_findings_hold_where_they_were_found(export: Export) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = export.write(Path(folder) / "e.sqlite")
        analysis = Analysis(attribute(read_export(path, "e.sqlite"), RULES))
        with closing(sqlite3.connect(path)) as database:
            for finding in find(analysis).findings:
                assert_holds(finding, analysis, database)
