"""How much longer a tokenizer.json can make a text before it is cut into tokens.

The library grows it without a bound and without heeding an interrupt; a few steps that each repeat a character fill any
memory. So a file is judged before the library reads it.
"""

import math
from collections.abc import Iterator
from typing import Any

from engine.errors import EngineError
from engine.fields import shown

_MOST_STEPS = 16
_MOST_GROWTH = 32
_LONGEST_PREFIX_BYTES = 64
# Bytes of UTF-8 out of each that goes in, at most.
_GROWTH = {
    "NFC": 3, "NFD": 3, "NFKC": 11, "NFKD": 11, "Lowercase": 2, "Strip": 1, "StripAccents": 1,
    "ByteLevel": 2, "Metaspace": 4, "Split": 1, "Digits": 1, "Punctuation": 1, "Whitespace": 1, "WhitespaceSplit": 1,
    "BertProcessing": 1, "RobertaProcessing": 1,
}  # fmt: skip
_CHAINS = (("normalizer", "pre_tokenizer"), ("post_processor",))
_LISTS = ("normalizers", "pretokenizers", "processors")


def require_bounded_growth(document: dict[str, Any], file: str) -> None:
    """Refuses a file whose steps can make a text many times as long.

    Raises:
        EngineError: they can, or one is of a kind that no Llama or Qwen3 has.
    """
    for chain in _CHAINS:
        steps = [step for name in chain for step in _steps(document.get(name))]
        growths = [_growth(step) for step in steps]
        if None in growths:
            kind = _kind(steps[growths.index(None)])
            raise EngineError(f"{file} prepares texts by {shown(kind)}, which is not supported")
        if len(growths) > _MOST_STEPS or math.prod(growth or 1 for growth in growths) > _MOST_GROWTH:
            raise EngineError(f"{file} would make texts more than {_MOST_GROWTH} times as long; restore it")


def _steps(part: Any) -> Iterator[Any]:
    """The steps of a part, those of sequences one by one."""
    waiting = [] if part is None else [part]
    while waiting:
        step = waiting.pop()
        lists = [step.get(name) for name in _LISTS] if _kind(step) == "Sequence" else []
        inner = [each for steps in lists if isinstance(steps, list) for each in steps]
        if not lists:
            yield step
        waiting.extend(reversed(inner))


def _kind(step: Any) -> Any:
    return step.get("type") if isinstance(step, dict) else step


def _growth(step: Any) -> int | None:
    """How many times as long a step can make a text, or None if it is none that is known."""
    match step:
        case {"type": "Replace", "content": str(content), "pattern": {"String": str(pattern)}} if pattern:
            return max(1, math.ceil(_size_bytes(content) / _size_bytes(pattern)))
        case {"type": "Replace", "content": str(content)}:
            # An expression that matches nothing puts it between all characters.
            return 1 + _size_bytes(content)
        case {"type": "Prepend", "prepend": str(prefix)}:
            return 1 if _size_bytes(prefix) <= _LONGEST_PREFIX_BYTES else _MOST_GROWTH + 1
        case {"type": "TemplateProcessing", "single": list(pieces)}:
            return max(1, len(pieces))
        case {"type": str(kind)}:
            return _GROWTH.get(kind)
    return None


def _size_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
