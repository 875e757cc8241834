"""How byte-level vocabularies split a text before they merge bytes, by the names that GGUF files give it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import EngineError
from engine.fields import shown

if TYPE_CHECKING:
    from tokenizers.pre_tokenizers import PreTokenizer

LLAMA_3 = frozenset({"llama-bpe", "llama3", "llama-v3"})
_QWEN = frozenset({"qwen2"})
_GPT_2 = frozenset({"default", "gpt-2"})
_SMOLLM = frozenset({"smollm"})
# The expression in the tokenizer.json of Llama 3 and of Qwen 2 and 3: they differ in how many digits stay together.
_EXPRESSION = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{digits}"
    r"| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def text_splitter(name: str) -> PreTokenizer:
    """Splits a text and spells its bytes.

    Raises:
        EngineError: no splitting of this name is known.
    """
    from tokenizers import Regex, pre_tokenizers

    steps: list[Any]
    if name in LLAMA_3 | _QWEN:
        expression = Regex(_EXPRESSION.format(digits="{1,3}" if name in LLAMA_3 else ""))
        bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        steps = [pre_tokenizers.Split(expression, "isolated"), bytes_]
    elif name in _GPT_2:
        steps = [pre_tokenizers.ByteLevel(add_prefix_space=False)]
    elif name in _SMOLLM:
        steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    else:
        known = ", ".join(sorted(LLAMA_3 | _QWEN | _GPT_2 | _SMOLLM))
        raise EngineError(f"the vocabulary splits texts as {shown(name)}, which is not supported; known are {known}")
    return pre_tokenizers.Sequence(steps)
