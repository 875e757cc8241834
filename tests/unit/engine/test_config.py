import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from engine.config import Architecture, Divisors, Llama3Scaling, Rope, from_transformers
from engine.errors import EngineError
from engine.registry import MODELS
from engine.rope import frequencies

LLAMA_3_2_1B = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "bos_token_id": 128000,
    "eos_token_id": [128001, 128008, 128009],
    "head_dim": 64,
    "hidden_act": "silu",
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "max_position_embeddings": 131072,
    "mlp_bias": False,
    "model_type": "llama",
    "num_attention_heads": 32,
    "num_hidden_layers": 16,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-05,
    "rope_scaling": {
        "factor": 32.0,
        "high_freq_factor": 4.0,
        "low_freq_factor": 1.0,
        "original_max_position_embeddings": 8192,
        "rope_type": "llama3",
    },
    "rope_theta": 500000.0,
    "tie_word_embeddings": True,
    "vocab_size": 128256,
}
QWEN3_8B = {
    "attention_bias": False,
    "bos_token_id": 151643,
    "eos_token_id": 151645,
    "head_dim": 128,
    "hidden_act": "silu",
    "hidden_size": 4096,
    "intermediate_size": 12288,
    "max_position_embeddings": 40960,
    "model_type": "qwen3",
    "num_attention_heads": 32,
    "num_hidden_layers": 36,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "rope_theta": 1000000,
    "sliding_window": None,
    "tie_word_embeddings": False,
    "use_sliding_window": False,
    "vocab_size": 151936,
}


def without(document, *names):
    return {name: value for name, value in document.items() if name not in names}


def test_public_configs_are_the_registrys():
    assert from_transformers(LLAMA_3_2_1B) == MODELS["llama-3.2-1b"]
    qwen3 = from_transformers(QWEN3_8B, {"eos_token_id": [151645, 151643], "bos_token_id": 151643})
    assert qwen3.start_token == 151643
    assert qwen3.stop_tokens == MODELS["qwen3-8b"].stop_tokens
    assert qwen3.rope == MODELS["qwen3-8b"].rope


def test_configs_of_today_say_the_same():
    document = without(LLAMA_3_2_1B, "rope_theta", "rope_scaling")
    document["rope_parameters"] = {**LLAMA_3_2_1B["rope_scaling"], "rope_theta": 500000.0}
    assert from_transformers(document) == MODELS["llama-3.2-1b"]
    document = without(QWEN3_8B, "rope_theta", "rope_scaling")
    document["rope_parameters"] = {"rope_type": "default", "rope_theta": 1000000.0}
    assert from_transformers(document).rope == Rope(1e6)


def test_what_a_config_leaves_out_is_what_transformers_takes():
    assert from_transformers(without(LLAMA_3_2_1B, "head_dim")).head_dim == 64
    assert from_transformers(without(QWEN3_8B, "head_dim") | {"hidden_size": 1024}).head_dim == 128
    assert from_transformers(without(QWEN3_8B, "num_key_value_heads")).kv_heads == 32
    silent = from_transformers(without(QWEN3_8B, "eos_token_id", "bos_token_id", "rope_theta"))
    assert (silent.stop_tokens, silent.start_token, silent.rope.theta) == ((), None, 10_000.0)
    old = LLAMA_3_2_1B["rope_scaling"] | {"type": "llama3", "rope_type": None}
    assert isinstance(from_transformers(LLAMA_3_2_1B | {"rope_scaling": old}).rope.scaling, Llama3Scaling)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "gemma"}, "models of type gemma are not supported; the engine runs llama, qwen3"),
        ({"model_type": None}, "models of type None"),
        ({"model_type": "\x1b[2J"}, r"models of type \?\[2J"),
        ({"hidden_size": None}, "config.json lacks hidden_size; restore it"),
        ({"hidden_size": "4096"}, "hidden_size in config.json is 4096 where a whole number has to be"),
        ({"hidden_size": True}, "is True where a whole number"),
        ({"hidden_size": 4096.5}, "where a whole number"),
        ({"hidden_size": 0}, "hidden_size 0 makes no sense"),
        ({"vocab_size": 10**30}, "vocabulary 10+ makes no sense"),
        ({"vocab_size": 10**2000}, r"vocabulary 10+\.\.\. makes no sense"),
        ({"num_hidden_layers": -1}, "layers -1 makes no sense"),
        ({"num_key_value_heads": 5}, "32 query heads cannot share 5 key heads"),
        ({"num_key_value_heads": 0}, "kv_heads 0 makes no sense"),
        ({"num_attention_heads": 0, "head_dim": None}, "heads 0 makes no sense"),
        ({"head_dim": 7}, "even width, not 7"),
        ({"rms_norm_eps": float("nan")}, "rms_norm_eps in config.json is nan where a finite number"),
        ({"rms_norm_eps": 2}, "epsilon of 2.0 makes no sense"),
        ({"rms_norm_eps": 10**400}, "where a finite number"),
        ({"rope_theta": float("inf")}, "where a finite number"),
        ({"rope_theta": -1.0}, "rope theta of -1.0 makes no sense"),
        ({"rope_scaling": [1]}, "rope_scaling in config.json is .1. where an object"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "rope scaling yarn is not supported"),
        ({"rope_scaling": {"rope_type": "llama3"}}, "config.json lacks factor"),
        ({"partial_rotary_factor": 0.5}, "only a part of each head"),
        ({"eos_token_id": [1, "x"]}, "eos_token_id in config.json is x"),
        ({"eos_token_id": -1}, "where a token has to be"),
        ({"attention_bias": True}, "attention_bias are not supported"),
        ({"use_sliding_window": True}, "sliding window"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "sliding window"),
        ({"hidden_act": "gelu"}, "activation gelu is not supported"),
        ({"quantization_config": {"quant_method": "fp8"}}, "quantised by fp8 are not supported"),
        ({"tie_word_embeddings": "yes"}, "where true or false"),
    ],
)
def test_what_makes_no_sense_or_is_not_supported_is_refused(changes, message):
    with pytest.raises(EngineError, match=message):
        from_transformers(QWEN3_8B | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"factor": 0.0},
        {"low_freq_factor": 4.0},
        {"low_freq_factor": 0.0},
        {"original_max_position_embeddings": 0},
        {"original_max_position_embeddings": 10**400},
        {"original_max_position_embeddings": 10**5000},
        {"factor": 1e300},
        {"low_freq_factor": 1e-300},
        {"high_freq_factor": 1e300},
    ],
)
def test_scalings_that_make_no_sense_are_refused(changes):
    document = LLAMA_3_2_1B | {"rope_scaling": LLAMA_3_2_1B["rope_scaling"] | changes}
    with pytest.raises(EngineError, match="makes no sense"):
        from_transformers(document)


def test_divisors_slow_each_pair():
    divisors = (1.0, 2.0, 4.0, 32.0)
    assert_allclose(frequencies(Rope(100.0, Divisors(divisors)), 8), 100.0 ** -(np.arange(4) / 4) / divisors, rtol=1e-6)
    with pytest.raises(EngineError, match="divisor that makes no sense"):
        Divisors((1.0, 0.0))


def test_configs_survive_being_written():
    assert from_transformers(json.loads(json.dumps(QWEN3_8B))).architecture is Architecture.QWEN3
