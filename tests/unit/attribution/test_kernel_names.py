from collections.abc import Callable

import pytest

from tests.exports import Export
from workbench.attribution.attribution import Attribution, attribute
from workbench.attribution.leaves import Reason
from workbench.attribution.rule_parser import parse_rules
from workbench.attribution.rules import LayerRules
from workbench.trace.model import NONE, Trace

Read = Callable[[Export], Trace]


def launched(*names: str) -> Export:
    """A program without ranges that launches these kernels one after the other."""
    export = Export()
    for number, name in enumerate(names):
        export.launch(name.partition("<")[0], 100 * number, 100 * number + 20, 100 * number + 60, long_name=name)
    return export


def types(attribution: Attribution) -> list[str]:
    return [attribution.leaves[leaf].layer_type if leaf != NONE else "" for leaf in attribution.leaf.tolist()]


@pytest.mark.parametrize(
    ("kernel", "layer_type"),
    [
        ("flash_attn_ext_vec<128, 1>", "attention"),
        ("flash_attn_combine_results<128>", "attention"),
        ("rope_neox<true, false, float, float>", "attention"),
        ("k_set_rows<float, long, __half>", "attention"),
        ("gated_delta_net_cuda<128, false, false>", "gated_delta_net"),
        ("ssm_conv_f32<false, 128, 4>", "gated_delta_net"),
        ("topk_moe_cuda<128, false>", "moe"),
        ("mul_mat_vec_q_moe<(ggml_type)12>", "moe"),
        ("mm_ids_helper<8>", "moe"),
        ("mul_mat_vec_q<(ggml_type)8, 1>", "matmul"),
        ("mul_mat_q<(ggml_type)8, 64>", "matmul"),
        ("quantize_q8_1", "matmul"),
        ("rms_norm_f32<1024, true>", "norm"),
        ("k_get_rows_float<float, float>", "embedding"),
        ("nvjet_sm90_tst_64x8_64x16_4x1_v_bz_TNT", "matmul"),
        ("gemvNSP_kernel<__nv_bfloat16>", "matmul"),
        ("ampere_bf16_s16816gemm_bf16_128x64_ldg8_f2f_stages_64x4_tn", "matmul"),
        ("cutlass::Kernel2<cutlass_80_tensorop_bf16_s16816gemm>", "matmul"),
        ("splitKreduce_kernel<32, 16>", "matmul"),
        ("flash::flash_fwd_splitkv_kernel<Flash_fwd_kernel_traits<128>>", "attention"),
        ("fmha_cutlassF_bf16_aligned_64x64_rf_sm80", "attention"),
        ("cudnn_generated_fort_native_sdpa_sm90_flash_fprop_wgmma_f16_knob_7", "attention"),
        ("fused_recurrent_gated_delta_rule_fwd_kernel", "gated_delta_net"),
        ("chunk_gated_delta_rule_fwd_kernel_h_blockdim64", "gated_delta_net"),
        ("_causal_conv1d_update_kernel", "gated_delta_net"),
        ("fused_moe_kernel", "moe"),
        ("void vllm::moe::topkGatingSoftmax<8, 128>", "moe"),
        ("void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<float>>", "elementwise"),
        (
            "void at::native::reduce_kernel<512, 1, at::native::ReduceOp<float, at::native::ArgMaxOps<float>>>",
            "sampling",
        ),
        (
            "void at::native::reduce_kernel<512, 1, at::native::ReduceOp<float, at::native::MeanOps<float>>>",
            "reduction",
        ),
        ("ncclDevKernel_AllReduce_Sum_bf16_RING_LL", "collective"),
        ("some_kernel_of_somebody", ""),
    ],
)
def test_names_of_families(read: Read, rules: LayerRules, kernel: str, layer_type: str) -> None:
    assert types(attribute(read(launched(kernel)), rules)) == [layer_type]


def test_what_no_name_rule_takes_has_no_rule(read: Read, rules: LayerRules) -> None:
    attribution = attribute(read(launched("some_kernel_of_somebody")), rules)
    assert attribution.reason.tolist() == [Reason.NO_RULE]


def test_names_are_not_asked_where_a_program_has_ranges(read: Read, rules: LayerRules) -> None:
    export = launched("rms_norm_f32")
    export.range("a range of its own", 5000, 5001)
    assert types(attribute(read(export), rules)) == [""]


@pytest.mark.parametrize("ranges", [("decode_step 1",), ("prefill", "warmup")])
def test_phases_are_no_ranges_of_layers(read: Read, rules: LayerRules, ranges: tuple[str, ...]) -> None:
    export = launched("rms_norm_f32")
    for name in ranges:
        export.range(name, 0, 10)
    assert types(attribute(read(export), rules)) == ["norm"]


def test_ranges_of_libraries_are_not_the_programs(read: Read, rules: LayerRules) -> None:
    export = launched("rms_norm_f32")
    export.domain(1, "NCCL")
    export.range("ncclAllReduce", 0, 10, domain=1)
    assert types(attribute(read(export), rules)) == ["norm"]


def test_each_process_is_asked_by_itself(read: Read, rules: LayerRules) -> None:
    export = launched("rms_norm_f32")
    export.range("model.layers.0.mlp", 0, 500, pid=8)
    export.launch("rms_norm_f32", 10, 30, 40, pid=8)
    export.launch("rms_norm_f32", 600, 630, 640, pid=8)
    assert sorted(types(attribute(read(export), rules))) == ["", "mlp", "norm"]


def test_a_rule_may_ask_to_be_asked_anywhere(read: Read, rules: LayerRules) -> None:
    export = launched("init_weights", "rms_norm_f32")
    export.range("model.layers.0.mlp", 5000, 5001)
    own = parse_rules("kernels: [{kernel: init, layer_type: initialisation, anywhere: true}]", "own.yaml")
    assert types(attribute(read(export), own + rules)) == ["initialisation", ""]


SEQUENCES = parse_rules(
    """
    kernels:
      - {kernel: norm, layer_type: norm, role: norm, symbol: n}
      - {kernel: mm, layer_type: matmul, role: matmul, symbol: m}
      - {kernel: attn, layer_type: attention, role: attention, symbol: a}
    sequences:
      - is_layer: true
        pieces:
          - {match: n}
          - {match: 'm{2}', layer_type: attention, role: qkv_proj}
          - {match: a, layer_type: attention, role: attention}
          - {match: m, layer_type: mlp, role: down_proj}
      - pieces:
          - {match: n}
          - {match: 'm (?=\\|)', layer_type: lm_head, role: lm_head}
    """,
    "own.yaml",
)
STEP = ["norm", "mm", "mm", "attn", "mm", "norm", "mm", "mm", "attn", "mm", "norm", "mm"]


def layer_leaves(attribution: Attribution) -> list[tuple[str, int, str]]:
    leaves = [attribution.leaves[leaf] for leaf in attribution.leaf.tolist()]
    return [(leaf.layer_type, leaf.layer, leaf.role) for leaf in leaves]


def test_the_order_of_kernels_tells_layers(read: Read) -> None:
    export = launched(*STEP)
    export.range("step 0", 0, 10_000)
    in_one_step = parse_rules("phases: [{range: 'step (?P<step>.)', phase: decode}]", "own.yaml")
    found = layer_leaves(attribute(read(export), SEQUENCES + in_one_step))
    layer = [("attention", "qkv_proj"), ("attention", "qkv_proj"), ("attention", "attention"), ("mlp", "down_proj")]
    assert found == [
        ("norm", NONE, "norm"),
        *[(layer_type, 0, role) for layer_type, role in layer],
        ("norm", NONE, "norm"),
        *[(layer_type, 1, role) for layer_type, role in layer],
        ("norm", NONE, "norm"),
        ("lm_head", NONE, "lm_head"),
    ]


def test_a_sequence_that_does_not_match_whole_leaves_names_alone(read: Read) -> None:
    found = layer_leaves(attribute(read(launched("norm", "mm", "attn", "mm", "mm", "mm")), SEQUENCES))
    assert found == [
        ("norm", NONE, "norm"),
        ("matmul", NONE, "matmul"),
        ("attention", NONE, "attention"),
        *[("matmul", NONE, "matmul")] * 3,
    ]
