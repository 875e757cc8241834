"""From text to tokens and back."""

from engine.tokenizers.byte import ByteTokenizer
from engine.tokenizers.open import open_tokenizer
from engine.tokenizers.tokenizer import StreamDecoder, Tokenizer

__all__ = ["ByteTokenizer", "StreamDecoder", "Tokenizer", "open_tokenizer"]
