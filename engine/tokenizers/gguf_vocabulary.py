"""The vocabulary that a GGUF file carries."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.fields import Fields, shown
from engine.tokenizers.library import SPACE, LibraryTokenizer, Marks, Spelling, byte_table, library_errors, utf8
from engine.tokenizers.splitting import LLAMA_3, text_splitter
from engine.weights.gguf_reader import GgufContent, Texts, read_gguf

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Backend

    from engine.tokenizers.tokenizer import Tokenizer

_PREFIX = "tokenizer.ggml"
_BYTE_LEVEL, _SENTENCEPIECE = "gpt2", "llama"
# Names of tokens that end a text or a turn in the models that the engine runs; a file names only one of them.
_STOPS = frozenset({"<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|im_end|>", "<|endoftext|>", "</s>"})
_STOP_FIELDS = ("eos_token_id", "eot_token_id", "eom_token_id")
# SentencePiece's own limit is 16 characters; what is longer was added whole and is merged of nothing.
_LONGEST_MERGED = 64


class _Kind(IntEnum):
    """What a file says of a token, as far as it matters here."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4


@dataclass(frozen=True)
class _Vocabulary:
    """What a file says of its tokens.

    Attributes:
        fields: its metadata.
        texts: of every token.
        kinds: of every token.
        start: the first token of a text, if it asks for one.
    """

    fields: Fields
    texts: list[str]
    kinds: list[int]
    start: int | None

    def of_kind(self, kind: _Kind) -> list[int]:
        return [token for token, each in enumerate(self.kinds) if each == kind]


def open_gguf_vocabulary(path: Path) -> Tokenizer:
    """The tokenizer of a GGUF file.

    Raises:
        EngineError: the file is missing or damaged, or holds no vocabulary of a kind that is supported.
    """
    content = read_gguf(path)
    fields = Fields(content.metadata, shown(content.file.name))
    if not fields.has(f"{_PREFIX}.model"):
        raise EngineError(f"{fields.file} holds no vocabulary; convert the model again, with its tokenizer")
    kind = fields.text(f"{_PREFIX}.model")
    if kind not in (_BYTE_LEVEL, _SENTENCEPIECE):
        raise EngineError(f"{fields.file} has a vocabulary of the kind {shown(kind)}, which is not supported")
    vocabulary = _read(content, fields, sentencepiece=kind == _SENTENCEPIECE)
    with library_errors(f"the vocabulary of {fields.file} makes no sense"):
        if kind == _BYTE_LEVEL:
            backend, spelling = _byte_level(content, vocabulary), Spelling.BYTES
        else:
            backend, spelling = _sentencepiece(content, vocabulary), Spelling.MARKED_SPACES
        _add_whole_tokens(backend, vocabulary)
    table = _table(vocabulary, spelling)
    marks = Marks(vocabulary.start, _stops(vocabulary))
    drops_space = spelling is Spelling.MARKED_SPACES and _adds_space(fields)
    return LibraryTokenizer(backend, table, marks, drops_first_space=drops_space)


def _table(vocabulary: _Vocabulary, spelling: Spelling) -> dict[int, bytes]:
    table = byte_table(((text, token) for token, text in enumerate(vocabulary.texts)), spelling)
    for token in (*vocabulary.of_kind(_Kind.CONTROL), *vocabulary.of_kind(_Kind.UNKNOWN)):
        table[token] = b""
    for token in vocabulary.of_kind(_Kind.USER_DEFINED):
        table[token] = utf8(vocabulary.texts[token])
    return table


def _read(content: GgufContent, fields: Fields, *, sentencepiece: bool) -> _Vocabulary:
    texts = _texts(content, "tokens")
    types = content.metadata.get(f"{_PREFIX}.token_type")
    kinds = [int(_Kind.NORMAL)] * len(texts) if types is None else _numbers(content, "token_type", len(texts)).tolist()
    # What llama.cpp takes where a file is silent.
    usual = sentencepiece or fields.text(f"{_PREFIX}.pre", "") in LLAMA_3
    start = fields.integer(f"{_PREFIX}.bos_token_id", -1)
    asks = fields.flag(f"{_PREFIX}.add_bos_token", usual)
    if start >= len(texts):
        raise fields.wrong(f"{_PREFIX}.bos_token_id", start, "a token")
    return _Vocabulary(fields, texts, kinds, start if asks and start >= 0 else None)


def _texts(content: GgufContent, name: str) -> list[str]:
    texts = content.metadata.get(f"{_PREFIX}.{name}")
    if not isinstance(texts, Texts):
        raise content.file.damaged(f"it lacks {_PREFIX}.{name}")
    return texts.read()


def _numbers(content: GgufContent, name: str, count: int) -> NDArray[Any]:
    numbers = content.metadata.get(f"{_PREFIX}.{name}")
    if not isinstance(numbers, np.ndarray) or len(numbers) != count:
        raise content.file.damaged(f"it has not one of {_PREFIX}.{name} for each of its {count} tokens")
    return numbers


def _byte_level(content: GgufContent, vocabulary: _Vocabulary) -> Backend:
    from tokenizers import Tokenizer, models, normalizers

    splitting = vocabulary.fields.text(f"{_PREFIX}.pre", "default")
    merges = []
    for merge in _texts(content, "merges"):
        first, space, second = merge.partition(" ")
        if not space:
            raise content.file.damaged("it holds a merge of what are not two tokens")
        merges.append((first, second))
    model: Any = models.BPE(_tokens_by_text(vocabulary), merges, ignore_merges=splitting in LLAMA_3)
    backend = Tokenizer(model)
    backend.pre_tokenizer = text_splitter(splitting)
    if splitting == "qwen2":
        backend.normalizer = normalizers.NFC()
    return backend


def _sentencepiece(content: GgufContent, vocabulary: _Vocabulary) -> Backend:
    from tokenizers import Tokenizer, models, normalizers

    scores = _numbers(content, "scores", len(vocabulary.texts)).astype(np.float64).tolist()
    unknown = vocabulary.of_kind(_Kind.UNKNOWN)
    tokens = _tokens_by_text(vocabulary)
    model: Any = models.BPE(
        tokens,
        _merges_by_score(vocabulary, tokens, scores),
        unk_token=vocabulary.texts[unknown[0]] if unknown else None,
        fuse_unk=True,
        byte_fallback=True,
    )
    backend = Tokenizer(model)
    marked: list[Any] = [normalizers.Replace(" ", SPACE)]
    if _adds_space(vocabulary.fields):
        marked.insert(0, normalizers.Prepend(SPACE))
    backend.normalizer = normalizers.Sequence(marked)
    return backend


def _adds_space(fields: Fields) -> bool:
    return fields.flag(f"{_PREFIX}.add_space_prefix", True)


def _merges_by_score(vocabulary: _Vocabulary, tokens: dict[str, int], scores: list[float]) -> list[tuple[str, str]]:
    """Every way in which two tokens make a third, those that make a better-scored one first."""
    merges = []
    for token in vocabulary.of_kind(_Kind.NORMAL):
        text = vocabulary.texts[token]
        if len(text) > _LONGEST_MERGED:
            continue
        for cut in range(1, len(text)):
            if (first := tokens.get(text[:cut])) is None:
                continue
            if (second := tokens.get(text[cut:])) is not None:
                merges.append((-scores[token], token, first, second, (text[:cut], text[cut:])))
    return [merge for *_, merge in sorted(merges)]


def _tokens_by_text(vocabulary: _Vocabulary) -> dict[str, int]:
    return {text: token for token, text in enumerate(vocabulary.texts)}


def _add_whole_tokens(backend: Backend, vocabulary: _Vocabulary) -> None:
    """Tokens that stand in a text as they are, and are never made by merges."""
    from tokenizers import AddedToken

    for kind in (_Kind.CONTROL, _Kind.USER_DEFINED):
        special = kind is _Kind.CONTROL
        texts = [vocabulary.texts[token] for token in vocabulary.of_kind(kind)]
        added = [AddedToken(text, special=special, normalized=False) for text in texts if text]
        (backend.add_special_tokens if special else backend.add_tokens)(added)


def _stops(vocabulary: _Vocabulary) -> frozenset[int]:
    named = {token for name in _STOP_FIELDS for token in vocabulary.fields.tokens(f"{_PREFIX}.{name}")}
    return frozenset(
        named | {token for token in vocabulary.of_kind(_Kind.CONTROL) if vocabulary.texts[token] in _STOPS}
    )
