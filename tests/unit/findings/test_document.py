from collections.abc import Callable

from tests.exports import Export
from tests.unit.findings.programs import Program
from tests.unit.findings.test_calibration import an_outcome
from workbench.analysis.analysis import Analysis
from workbench.findings.calibration import Realised
from workbench.findings.document import compile_document

Analysed = Callable[[Export], Analysis]


def test_each_finding_stands_with_what_its_target_measures_now(analysed: Analysed) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("gemv", 10_000)
            program.memset(8, 1_000)
            program.memset(8, 1_000)
            program.call("cudaMalloc_v3020")
    document = compile_document(analysed(program.export))
    measured = dict(
        zip((str(finding.target) for finding in document.findings.findings), document.measured, strict=True)
    )
    assert measured == {"memset.calls_per_step <= 0": 2.0, "allocate.calls_per_step <= 0": 1.0}


def test_decode_comes_before_prefill_and_one_process_after_the_other(analysed: Analysed) -> None:
    export = Export()
    for pid in (7, 8):
        program = Program(export, pid=pid)
        for phase in ("warmup", "prefill", "decode", "decode"):
            with program.step(phase):
                program.kernel("gemv", 1_000)
    document = compile_document(analysed(export))
    order = [(document.pids[profile.process], profile.phase, profile.steps) for profile in document.profiles]
    assert order == [(7, "decode", 2), (7, "prefill", 1), (8, "decode", 2), (8, "prefill", 1)]


def test_time_in_calls_is_critical_where_the_gpu_waits_for_it(analysed: Analysed) -> None:
    """Each step but the last waits 1.5 µs for the next kernel, 500 ns of it in an allocation and 10 in a launch."""
    program = Program()
    with program.range("warmup"):
        program.kernel("gemv", 10_000)
        program.synchronize()
        program.call("cudaMalloc_v3020", 500)
    for _ in range(4):
        with program.step():
            program.kernel("gemv", 10_000, wait_ns=1_500, late=True)
            program.synchronize()
            program.call("cudaMalloc_v3020", 500)
    document = compile_document(analysed(program.export))
    assert [phase.phase for phase in document.phases] == ["warmup", "decode"]
    assert document.critical_api_ns == (0, 3 * 510)


def test_findings_stand_with_what_their_detectors_predictions_came_to(analysed: Analysed) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("gemv", 10_000)
            program.memset(8, 1_000)
            program.call("cudaMalloc_v3020")
    outcomes = [an_outcome(detector=detector, gpu="Test GPU") for detector in ("memsets_in_steps", "launch_bound")]
    document = compile_document(analysed(program.export), outcomes)
    assert {finding.detector for finding in document.findings.findings} == {"memsets_in_steps", "allocations_in_steps"}
    assert document.realised == {"memsets_in_steps": Realised(0.75, 0.75, 0.75, 1, 1, "Test GPU")}
    assert document.graphs is False
    assert document.counterpart is None


def limitations(analysis: Analysis) -> str:
    return "\n".join(compile_document(analysis).limitations)


def test_steps_and_layers_that_are_inferred_are_called_so(analysed: Analysed) -> None:
    program = Program()
    for _ in range(6):
        for name in ("qkv_gemm", "flash_attn", "rms_norm"):
            program.kernel(name, 1_000)
    said = limitations(analysed(program.export))
    assert "No range tells the steps of decode: they are inferred" in said
    assert "Layers of this program are told by kernel names" in said
    assert "No table NVTX_EVENTS: " in said


def test_what_ranges_tell_is_not_called_inferred(analysed: Analysed) -> None:
    program = Program()
    with program.step(), program.range("model.layers.0.mlp"):
        program.kernel("gemm", 1_000)
    said = limitations(analysed(program.export))
    assert "inferred" not in said
    assert "kernel names" not in said
    assert "they do not add up" in said


def test_hidden_graphs_are_a_limitation(analysed: Analysed) -> None:
    program = Program()
    program.hidden_graph(1_000)
    assert "1 graph launches are recorded as single rows: their kernels are hidden" in limitations(
        analysed(program.export)
    )


def test_several_gpus_are_a_limitation(analysed: Analysed) -> None:
    def program(*devices: int) -> Export:
        export = Export()
        for number, device in enumerate(devices):
            export.launch("gemv", 100 * number, 100 * number + 20, 100 * number + 50, device=device)
        return export

    assert "2 GPUs" in limitations(analysed(program(0, 1, 0)))
    assert "GPUs" not in limitations(analysed(program(0, 0)))
