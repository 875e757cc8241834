"""What a model's shape is: the numbers that its operations follow from."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from engine.errors import EngineError
from engine.fields import Fields, shown

_LARGEST_THETA = 1e30
_LARGEST_DIVISOR = 1e6


class Architecture(StrEnum):
    """The families of models that the engine runs, by the names that transformers gives them."""

    LLAMA = "llama"
    QWEN3 = "qwen3"


@dataclass(frozen=True)
class Llama3Scaling:
    """Llama 3's scaling of rotary frequencies for contexts longer than those it was trained on.

    Source: the reference implementation of Llama 3.1 (`apply_scaling`), Meta, 2024. Wavelengths longer than
    `original_context / low_frequency_factor` are slowed down by `factor`, those shorter than
    `original_context / high_frequency_factor` stay, and those between are interpolated.
    """

    factor: float
    low_frequency_factor: float
    high_frequency_factor: float
    original_context: int

    def __post_init__(self) -> None:
        low, high = self.low_frequency_factor, self.high_frequency_factor
        for name, value, makes_sense in (
            ("factor", self.factor, 1 <= self.factor <= _LARGEST_DIVISOR),
            ("low_freq_factor", low, 1 / _LARGEST_DIVISOR <= low < high),
            ("high_freq_factor", high, high <= _LARGEST_DIVISOR),
            ("original_max_position_embeddings", self.original_context, 0 < self.original_context < 1 << 31),
        ):
            if not makes_sense:
                raise EngineError(f"a rope scaling with {name} {shown(value)} makes no sense; restore the config file")


@dataclass(frozen=True)
class Divisors:
    """By how much each pair of a head turns slower than it would unscaled, as GGUF files store a scaling."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not all(1 / _LARGEST_DIVISOR <= value <= _LARGEST_DIVISOR for value in self.values):
            raise EngineError("the rope scaling holds a divisor that makes no sense; convert the model again")


@dataclass(frozen=True)
class Rope:
    """Rotary position embedding: the base of its frequencies, and how they are scaled, if at all."""

    theta: float
    scaling: Llama3Scaling | Divisors | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.theta <= _LARGEST_THETA:
            raise EngineError(f"a rope theta of {self.theta} makes no sense; restore the config file")


@dataclass(frozen=True)
class ModelConfig:
    """A dense decoder's shape.

    Attributes:
        architecture: the family.
        hidden_size: width of the residual stream.
        intermediate_size: width of the gated feed-forward layer.
        layers: how many decoder layers.
        heads: query heads.
        kv_heads: key and value heads; `heads` is a multiple of it.
        head_dim: width of a head.
        vocabulary: how many tokens.
        norm_epsilon: added to the mean square in RMSNorm.
        rope: rotary embedding.
        context: the longest sequence the model was trained for.
        ties_embeddings: the language-model head is the embedding.
        stop_tokens: tokens that end a text.
        start_token: the token that begins a text, if the tokenizer asks for one.
    """

    architecture: Architecture
    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    norm_epsilon: float
    rope: Rope
    context: int
    ties_embeddings: bool
    stop_tokens: tuple[int, ...] = ()
    start_token: int | None = None

    def __post_init__(self) -> None:
        sizes = (
            ("hidden_size", self.hidden_size), ("intermediate_size", self.intermediate_size), ("layers", self.layers),
            ("heads", self.heads), ("kv_heads", self.kv_heads), ("head_dim", self.head_dim),
            ("vocabulary", self.vocabulary), ("context", self.context),
        )  # fmt: skip
        for name, size in sizes:
            if not 0 < size < 1 << 31:
                raise EngineError(f"a model with {name} {shown(size)} makes no sense; restore its config file")
        if self.heads % self.kv_heads:
            raise EngineError(
                f"{self.heads} query heads cannot share {self.kv_heads} key heads; restore the config file"
            )
        if self.head_dim % 2:
            raise EngineError(f"rotary embedding needs heads of even width, not {self.head_dim}")
        if not 0 <= self.norm_epsilon < 1:
            raise EngineError(f"a norm's epsilon of {self.norm_epsilon} makes no sense; restore the config file")

    @property
    def has_qk_norm(self) -> bool:
        """Whether queries and keys are normalised head by head."""
        return self.architecture is Architecture.QWEN3

    @property
    def q_size(self) -> int:
        """Width of all queries."""
        return self.heads * self.head_dim

    @property
    def qkv_size(self) -> int:
        """Width of all queries, all keys and all values."""
        return self.q_size + 2 * self.kv_size

    @property
    def kv_size(self) -> int:
        """Width of all keys, and of all values."""
        return self.kv_heads * self.head_dim


def from_transformers(document: Mapping[str, Any], generation: Mapping[str, Any] = MappingProxyType({})) -> ModelConfig:
    """Reads a `config.json` of transformers, of today (`rope_parameters`) or of before (`rope_theta`, `rope_scaling`).

    Args:
        document: what the file holds.
        generation: what `generation_config.json` beside it holds; where that names stop tokens, those count.

    Raises:
        EngineError: the architecture is not one of ours, or a value is missing or makes no sense.
    """
    fields = Fields(document, "config.json")
    architecture = known_architecture(document.get("model_type"))
    _refuse_unsupported(fields)
    hidden_size, heads = fields.integer("hidden_size"), fields.integer("num_attention_heads")
    stops = Fields(generation, "generation_config.json").tokens("eos_token_id")
    return ModelConfig(
        architecture=architecture,
        hidden_size=hidden_size,
        intermediate_size=fields.integer("intermediate_size"),
        layers=fields.integer("num_hidden_layers"),
        heads=heads,
        kv_heads=fields.integer("num_key_value_heads", heads),
        head_dim=fields.integer("head_dim", _usual_head_dim(architecture, hidden_size, heads)),
        vocabulary=fields.integer("vocab_size"),
        norm_epsilon=fields.number("rms_norm_eps"),
        rope=_rope(fields),
        context=fields.integer("max_position_embeddings"),
        ties_embeddings=fields.flag("tie_word_embeddings", False),
        stop_tokens=stops or fields.tokens("eos_token_id"),
        start_token=next(iter(fields.tokens("bos_token_id")), None),
    )


def known_architecture(name: object) -> Architecture:
    """The family of this name.

    Raises:
        EngineError: the engine does not run it.
    """
    try:
        return Architecture(str(name))
    except ValueError as error:
        known = ", ".join(Architecture)
        raise EngineError(f"models of type {shown(name)} are not supported; the engine runs {known}") from error


def _usual_head_dim(architecture: Architecture, hidden_size: int, heads: int) -> int:
    """What transformers takes where a config is silent."""
    return 128 if architecture is Architecture.QWEN3 else hidden_size // max(1, heads)


def _refuse_unsupported(fields: Fields) -> None:
    for name in ("attention_bias", "mlp_bias"):
        if fields.flag(name, False):
            raise EngineError(f"models with {name} are not supported")
    layer_types = fields.values.get("layer_types")
    slides = isinstance(layer_types, list) and "sliding_attention" in layer_types
    if slides or fields.flag("use_sliding_window", False):
        raise EngineError("models with a sliding window are not supported")
    if (activation := fields.text("hidden_act", "silu")) != "silu":
        raise EngineError(f"the activation {shown(activation)} is not supported, only silu")
    if quantisation := fields.fields("quantization_config"):
        method = shown(quantisation.values.get("quant_method"))
        raise EngineError(
            f"weights quantised by {method} are not supported; take the model in BF16, or a GGUF file in Q8_0"
        )


def _rope(fields: Fields) -> Rope:
    parameters = fields.fields("rope_parameters") or fields.fields("rope_scaling") or Fields({}, fields.file)
    theta = parameters.number("rope_theta", fields.number("rope_theta", 10_000.0))
    for place in (parameters, fields):
        if place.number("partial_rotary_factor", 1.0) != 1:
            raise EngineError("models that turn only a part of each head are not supported")
    match kind := parameters.text("rope_type", parameters.text("type", "default")):
        case "default":
            return Rope(theta)
        case "llama3":
            return Rope(
                theta,
                Llama3Scaling(
                    factor=parameters.number("factor"),
                    low_frequency_factor=parameters.number("low_freq_factor"),
                    high_frequency_factor=parameters.number("high_freq_factor"),
                    original_context=parameters.integer("original_max_position_embeddings"),
                ),
            )
        case _:
            raise EngineError(f"the rope scaling {shown(kind)} is not supported, only llama3")
