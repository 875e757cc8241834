"""What a model's shape is: the numbers that its operations follow from."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.errors import EngineError


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


@dataclass(frozen=True)
class Rope:
    """Rotary position embedding: the base of its frequencies, and how they are scaled, if at all."""

    theta: float
    scaling: Llama3Scaling | None = None


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
                raise EngineError(f"a model with {name} {size} makes no sense; restore its config file")
        if self.heads % self.kv_heads:
            raise EngineError(
                f"{self.heads} query heads cannot share {self.kv_heads} key heads; restore the config file"
            )
        if self.head_dim % 2:
            raise EngineError(f"rotary embedding needs heads of even width, not {self.head_dim}")

    @property
    def has_qk_norm(self) -> bool:
        """Whether queries and keys are normalised head by head."""
        return self.architecture is Architecture.QWEN3

    @property
    def q_size(self) -> int:
        """Width of all queries."""
        return self.heads * self.head_dim

    @property
    def kv_size(self) -> int:
        """Width of all keys, and of all values."""
        return self.kv_heads * self.head_dim


def from_transformers(document: dict[str, Any]) -> ModelConfig:
    """Reads a `config.json` of transformers, of today (`rope_parameters`) or of before (`rope_theta`, `rope_scaling`).

    Raises:
        EngineError: the architecture is not one of ours, or a value is missing or makes no sense.
    """
    name = document.get("model_type")
    try:
        architecture = Architecture(str(name))
    except ValueError as error:
        known = ", ".join(Architecture)
        raise EngineError(f"models of type {name} are not supported; the engine runs {known}") from error
    _refuse_unsupported(document)
    try:
        hidden_size, heads = int(document["hidden_size"]), int(document["num_attention_heads"])
        return ModelConfig(
            architecture=architecture,
            hidden_size=hidden_size,
            intermediate_size=int(document["intermediate_size"]),
            layers=int(document["num_hidden_layers"]),
            heads=heads,
            kv_heads=int(document.get("num_key_value_heads") or heads),
            head_dim=int(document.get("head_dim") or hidden_size // max(1, heads)),
            vocabulary=int(document["vocab_size"]),
            norm_epsilon=float(document["rms_norm_eps"]),
            rope=_rope(document),
            context=int(document["max_position_embeddings"]),
            ties_embeddings=bool(document.get("tie_word_embeddings", False)),
            stop_tokens=_tokens(document.get("eos_token_id")),
            start_token=next(iter(_tokens(document.get("bos_token_id"))), None),
        )
    except KeyError as error:
        raise EngineError(f"config.json lacks {error.args[0]}; restore it") from error
    except (TypeError, ValueError) as error:
        raise EngineError(f"config.json holds a value of a wrong type ({error}); restore it") from error


def _refuse_unsupported(document: dict[str, Any]) -> None:
    for name in ("attention_bias", "mlp_bias"):
        if document.get(name):
            raise EngineError(f"models with {name} are not supported")
    if document.get("use_sliding_window"):
        raise EngineError("models with a sliding window are not supported")
    if document.get("hidden_act", "silu") != "silu":
        raise EngineError(f"the activation {document['hidden_act']} is not supported, only silu")


def _rope(document: dict[str, Any]) -> Rope:
    parameters = document.get("rope_parameters") or document.get("rope_scaling") or {}
    theta = float(parameters.get("rope_theta") or document.get("rope_theta") or 10_000.0)
    match kind := parameters.get("rope_type") or parameters.get("type") or "default":
        case "default":
            return Rope(theta)
        case "llama3":
            return Rope(
                theta,
                Llama3Scaling(
                    factor=float(parameters["factor"]),
                    low_frequency_factor=float(parameters["low_freq_factor"]),
                    high_frequency_factor=float(parameters["high_freq_factor"]),
                    original_context=int(parameters["original_max_position_embeddings"]),
                ),
            )
        case _:
            raise EngineError(f"the rope scaling {kind} is not supported, only llama3")


def _tokens(value: Any) -> tuple[int, ...]:
    if value is None:
        return ()
    return tuple(map(int, value)) if isinstance(value, list) else (int(value),)
