"""Finds the tokenizer of a model that lies at a path."""

from pathlib import Path

from engine.tokenizers.tokenizer import Tokenizer
from engine.weights.open import is_gguf_file


def open_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a transformers folder or of a GGUF file.

    Raises:
        EngineError: there is no model, or no tokenizer in it, or it is damaged or not supported.
    """
    if is_gguf_file(path):
        from engine.tokenizers.gguf_vocabulary import open_gguf_vocabulary

        return open_gguf_vocabulary(path)

    from engine.tokenizers.json_file import open_tokenizer_json

    return open_tokenizer_json(path)
