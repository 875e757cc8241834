"""The tokenizer of a transformers folder: tokenizer.json, and what tokenizer_config.json adds to it."""

import json
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.fields import Fields, shown
from engine.tokenizers.growth import require_bounded_growth
from engine.tokenizers.library import LibraryTokenizer, Marks, Spelling, byte_table, library_errors, utf8
from engine.tokenizers.tokenizer import Tokenizer
from engine.weights.files import parse_document, read_bytes, read_document

TOKENIZER = "tokenizer.json"
_CONFIG = "tokenizer_config.json"
_LIMIT_BYTES = 64 << 20


def open_tokenizer_json(folder: Path) -> Tokenizer:
    """The tokenizer of a folder.

    Raises:
        EngineError: the file is missing or damaged, or a kind of tokenizer that no Llama or Qwen3 has.
    """
    from tokenizers import Tokenizer as Backend

    if not (folder / TOKENIZER).is_file():
        raise EngineError(f"{shown(folder.resolve().name)} holds no {TOKENIZER}; save the model's tokenizer beside it")
    data = read_bytes(folder / TOKENIZER, _LIMIT_BYTES)
    require_bounded_growth(parse_document(data, TOKENIZER), TOKENIZER)
    with library_errors(f"{TOKENIZER} cannot be read"):
        backend = Backend.from_buffer(data)
        backend.no_truncation()
        backend.no_padding()
        spelling, drops_space = _decoding(json.loads(backend.decoder.__getstate__()) if backend.decoder else {})
        path = folder / _CONFIG
        config = Fields(read_document(path) if path.is_file() else {}, _CONFIG)
        start = _start(backend, config)
        stop = _token(backend, config, "eos_token")
        table = byte_table(backend.get_vocab(with_added_tokens=False).items(), spelling)
        for token, added in backend.get_added_tokens_decoder().items():
            table[token] = b"" if added.special else utf8(added.content)
    marks = Marks(start, frozenset() if stop is None else frozenset({stop}))
    return LibraryTokenizer(backend, table, marks, drops_first_space=drops_space)


def _decoding(decoder: dict[str, Any]) -> tuple[Spelling, bool]:
    """How tokens are spelled, and whether decoding drops the first space."""
    steps = decoder.get("decoders", [decoder])
    kinds = {step.get("type") for step in steps}
    if kinds == {"ByteLevel"}:
        return Spelling.BYTES, False
    if kinds and kinds <= {"Replace", "ByteFallback", "Fuse", "Strip"}:
        return Spelling.MARKED_SPACES, any(step.get("type") == "Strip" and step.get("start") for step in steps)
    if kinds and kinds <= {"Metaspace", "ByteFallback", "Fuse"}:
        prepends = (step.get("prepend_scheme", "always") != "never" for step in steps if step["type"] == "Metaspace")
        return Spelling.MARKED_SPACES, any(prepends)
    raise EngineError(f"{TOKENIZER} decodes by {shown(sorted(map(str, kinds)))}, which is not supported")


def _start(backend: Any, config: Fields) -> int | None:
    """What the file itself puts before a text, unless the config beside it says otherwise."""
    template = backend.encode("", add_special_tokens=True).ids
    stated = config.flag("add_bos_token", bool(template))
    if not stated:
        return None
    return int(template[0]) if template else _token(backend, config, "bos_token")


def _token(backend: Any, config: Fields, name: str) -> int | None:
    value = config.values.get(name)
    text = value.get("content") if isinstance(value, dict) else value
    token = backend.token_to_id(text) if isinstance(text, str) else None
    return None if token is None else int(token)
