"""The public shapes of known models, by name."""

from dataclasses import replace

from engine.config import Architecture, Llama3Scaling, ModelConfig, Rope
from engine.errors import EngineError
from engine.fields import shown

_LLAMA_3_1 = Llama3Scaling(factor=8.0, low_frequency_factor=1.0, high_frequency_factor=4.0, original_context=8192)
_LLAMA_3_2 = replace(_LLAMA_3_1, factor=32.0)
_LLAMA_STOPS = (128001, 128008, 128009)
_QWEN_STOPS = (151645, 151643)


def _llama(
    hidden: int, intermediate: int, layers: int, heads: int, scaling: Llama3Scaling, *, ties: bool
) -> ModelConfig:
    return ModelConfig(
        architecture=Architecture.LLAMA,
        hidden_size=hidden,
        intermediate_size=intermediate,
        layers=layers,
        heads=heads,
        kv_heads=8,
        head_dim=64 if hidden == 2048 else 128,
        vocabulary=128_256,
        norm_epsilon=1e-5,
        rope=Rope(500_000.0, scaling),
        context=131_072,
        ties_embeddings=ties,
        stop_tokens=_LLAMA_STOPS,
        start_token=128_000,
    )


def _qwen3(hidden: int, intermediate: int, layers: int, heads: int, *, ties: bool) -> ModelConfig:
    return ModelConfig(
        architecture=Architecture.QWEN3,
        hidden_size=hidden,
        intermediate_size=intermediate,
        layers=layers,
        heads=heads,
        kv_heads=8,
        head_dim=128,
        vocabulary=151_936,
        norm_epsilon=1e-6,
        rope=Rope(1_000_000.0),
        context=40_960,
        ties_embeddings=ties,
        stop_tokens=_QWEN_STOPS,
    )


def _tiny(architecture: Architecture, scaling: Llama3Scaling | None) -> ModelConfig:
    """A few hundred thousand parameters, with the same proportions of heads as their large relatives."""
    return ModelConfig(
        architecture=architecture,
        hidden_size=128,
        intermediate_size=384,
        layers=2,
        heads=4,
        kv_heads=2,
        head_dim=32,
        vocabulary=512,
        norm_epsilon=1e-5,
        rope=Rope(10_000.0, scaling),
        context=2048,
        ties_embeddings=False,
    )


MODELS: dict[str, ModelConfig] = {
    "llama-3.2-1b": _llama(2048, 8192, 16, 32, _LLAMA_3_2, ties=True),
    "llama-3.2-3b": _llama(3072, 8192, 28, 24, _LLAMA_3_2, ties=True),
    "llama-3.1-8b": _llama(4096, 14_336, 32, 32, _LLAMA_3_1, ties=False),
    "qwen3-0.6b": _qwen3(1024, 3072, 28, 16, ties=True),
    "qwen3-1.7b": _qwen3(2048, 6144, 28, 16, ties=True),
    "qwen3-4b": _qwen3(2560, 9728, 36, 32, ties=True),
    "qwen3-8b": _qwen3(4096, 12_288, 36, 32, ties=False),
    "tiny-llama": _tiny(Architecture.LLAMA, replace(_LLAMA_3_1, original_context=64)),
    "tiny-qwen3": _tiny(Architecture.QWEN3, None),
}


def known_model(name: str) -> ModelConfig:
    """The shape of a model in the registry.

    Raises:
        EngineError: there is none of this name.
    """
    try:
        return MODELS[name]
    except KeyError as error:
        raise EngineError(
            f"there is no model {shown(name)}, and no file or folder of that name; known are {', '.join(MODELS)}"
        ) from error
