"""Masks the values of environment variables in what a program left behind."""

import mmap
import re
from collections.abc import Callable, Iterable

from workbench.capture.secrets import MASK, is_secret_name, looks_secret, mask_known_tokens, mask_text

# Shorter values (`1`, `true`, `C.UTF-8`) are parts of ordinary words, unless their variable is one of these.
_SHORTEST = 8
_SHORTEST_OF_SECRET_VARIABLE = 4
_SHORTEST_OF_USER_OR_HOST = 5
_USER_OR_HOST = frozenset({"USER", "LOGNAME", "USERNAME", "HOST", "HOSTNAME"})
# From this length on a value is not part of a longer word by chance.
_LONG = 12
# Numbers, versions and dates.
_NUMERIC = re.compile(r"[vV]?[\d\s.,:;+/x-]+")


# What layers, their parts, phases and steps are called everywhere.
_WORDS_OF_THE_FIELD = frozenset(
    {
        "act", "activation", "activations", "add", "and", "attention", "attn", "block", "blocks", "cache", "causal",
        "collective", "combine", "conv", "convert", "copy", "cross", "decode", "decoder", "delta", "dequantize",
        "down", "dropout", "eager", "elementwise", "embed", "embedding", "embeddings", "encoder", "expert", "experts",
        "feed", "ffn", "final", "fixup", "flash", "forward", "fused", "gate", "gated", "gather", "gelu", "gemm", "get",
        "graph", "head", "heads", "hidden", "in", "inference", "input", "kernel", "key", "kv", "layer", "layernorm",
        "layers", "linear", "lm", "ln", "load", "mask", "masks", "matmul", "mla", "mlp", "model", "moe", "multi",
        "net", "norm", "o", "out", "output", "paged", "pos", "position", "positions", "post", "pre", "prefill", "proj",
        "projection", "prompt", "q", "qk", "qkv", "quantize", "query", "random", "recurrence", "reduce", "reduction",
        "residual", "rmsnorm", "rope", "rotary", "router", "rows", "sample", "sampler", "sampling", "scan", "sdpa",
        "self", "shared", "silu", "softmax", "space", "sparse", "state", "step", "swiglu", "token", "tokens", "topk",
        "transformer", "transformers", "up", "v", "value", "warm", "warmup", "write",
    }
)  # fmt: skip
_SEPARATOR = re.compile(r"[\W_]+")
_Replacement = str | Callable[[re.Match[str]], str]


class EnvironmentValues:
    """The values worth masking among those of an environment.

    A secret, by its variable's name or by its looks, is masked wherever it occurs. Any other value is masked in what
    the program said, but left alone in names that a compiler made: there it is a word that both happen to use.

    A value that is no secret stays if it is short or a number, for such are parts of ordinary words, and if it is
    made of the field's own words alone (`attention`, `gate_up_proj`): everybody knows those, and a range that loses
    its name no longer tells its layer. Other words of a dictionary do not stay: passwords and the names of projects
    are among them.
    """

    def __init__(self, environment: Iterable[tuple[str, str]]) -> None:
        """Takes (variable, value) pairs; a variable may occur more than once."""
        secrets: set[str] = set()
        others: set[str] = set()
        words: set[str] = set()
        variables: dict[str, set[str]] = {}
        for name, value in environment:
            variables.setdefault(value, set()).add(name)
            has_secret_name, size = is_secret_name(name), len(value)
            if (has_secret_name and size >= _LONG) or (size >= _SHORTEST and looks_secret(value)):
                secrets.add(value)
            elif size < _shortest(name) or not (has_secret_name or _tells_something(value)):
                continue
            elif size >= _LONG:
                others.add(value)
            else:
                words.add(value)
        self._variables = {value: tuple(sorted(names)) for value, names in variables.items()}
        self._secret = _any_of(secrets)
        self._long = _any_of(secrets | others)
        self._word = _any_of(words, r"(?<![A-Za-z0-9_])(?:{})(?![A-Za-z0-9_])")
        self._secret_bytes = re.compile(self._secret.pattern.encode(errors="surrogateescape")) if self._secret else None

    def mask_in_code(self, text: str) -> str:
        """Masks secrets in a name that a compiler, or nsys, made."""
        return _sub(self._secret, MASK, mask_known_tokens(text))

    def mask_in_speech(self, text: str) -> str:
        """Masks values, and whatever else looks secret, in what the program said."""
        return mask_text(self._replace_in_speech(text, MASK))

    def variables_in_speech(self, text: str) -> set[tuple[str, ...]]:
        """The names of the variables whose values are masked in what the program said; those of one value together."""
        found: set[tuple[str, ...]] = set()

        def note(match: re.Match[str]) -> str:
            found.add(self._variables[match[0]])
            return MASK

        self._replace_in_speech(text, note)
        return found

    def secret_in(self, content: bytes | mmap.mmap) -> bool:
        """Whether a secret occurs anywhere in the bytes of a file."""
        return self._secret_bytes is not None and self._secret_bytes.search(content) is not None

    def _replace_in_speech(self, text: str, replacement: _Replacement) -> str:
        return _sub(self._word, replacement, _sub(self._long, replacement, text))


def _tells_something(value: str) -> bool:
    """Whether a value is neither a number nor made of words that everybody uses."""
    parts = filter(None, _SEPARATOR.split(value.lower()))
    return not (_NUMERIC.fullmatch(value) or _WORDS_OF_THE_FIELD.issuperset(parts))


def _shortest(name: str) -> int:
    if is_secret_name(name):
        return _SHORTEST_OF_SECRET_VARIABLE
    return _SHORTEST_OF_USER_OR_HOST if name in _USER_OR_HOST else _SHORTEST


def _any_of(values: Iterable[str], template: str = "{}") -> re.Pattern[str] | None:
    # The longest first: one value may begin with another.
    ordered = sorted(values, key=len, reverse=True)
    return re.compile(template.replace("{}", "|".join(map(re.escape, ordered)))) if ordered else None


def _sub(pattern: re.Pattern[str] | None, replacement: _Replacement, text: str) -> str:
    return pattern.sub(replacement, text) if pattern else text
