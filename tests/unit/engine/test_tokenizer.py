import json
import os
import subprocess
import sys
import time
from pathlib import Path

import gguf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from engine.errors import EngineError
from engine.tokenizers import ByteTokenizer, StreamDecoder, open_tokenizer

LLAMA_3_EXPRESSION = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
QWEN_EXPRESSION = LLAMA_3_EXPRESSION.replace("{1,3}", "")
CORPUS = [
    "The quick brown fox jumps over the lazy dog, 12345 times in 2024; the dog's tired.",
    "Größe, naïve, façade: déjà vu. Привет, мир! 你好,世界。 こんにちは 🙂🚀 👩‍👩‍👧",
    "def tokens(text):\n    return [1, 22, 333]\n\n\treturn  None\r\n",
] * 3
TEXTS = [*CORPUS[:3], "", " ", "  two  spaces ", "I'LL we've 1234567", "e\u0301", "<|end|>x<|tool|> y", "\x00\x7f�"]
SPECIAL, PLAIN = ["<|begin|>", "<|end|>", "<|eot_id|>"], ["<|tool|>", "<|a b|>"]


def byte_level(pre: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(ignore_merges=pre == "llama-bpe"))
    if pre == "default":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(LLAMA_3_EXPRESSION if pre == "llama-bpe" else QWEN_EXPRESSION), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
    if pre == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in PLAIN])
    if pre == "llama-bpe":
        begin = tokenizer.token_to_id("<|begin|>")
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<|begin|> $A", special_tokens=[("<|begin|>", begin)]
        )
    return tokenizer


def sentencepiece() -> Tokenizer:
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trainer = trainers.BpeTrainer(vocab_size=520, special_tokens=names, limit_alphabet=60, show_progress=False)
    words = [word for line in CORPUS for word in line.replace(" ", " ▁").split(" ")]
    tokenizer.normalizer, kept = None, tokenizer.normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.train_from_iterator(words, trainer)
    document = json.loads(tokenizer.to_str())
    document["added_tokens"] = [each for each in document["added_tokens"] if not each["content"].startswith("<0x")]
    document["pre_tokenizer"] = None
    trained = Tokenizer.from_str(json.dumps(document))
    trained.normalizer = kept
    trained.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    trained.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return trained


def write_gguf(path: Path, tokenizer: Tokenizer, pre: str | None, **fields: object) -> Path:
    document = json.loads(tokenizer.to_str())
    texts = [tokenizer.id_to_token(token) for token in range(tokenizer.get_vocab_size())]
    kinds = [gguf.TokenType.NORMAL] * len(texts)
    for added in document["added_tokens"]:
        kinds[added["id"]] = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
    writer = gguf.GGUFWriter(path, "llama")
    merges = [tuple(merge) for merge in document["model"]["merges"]]
    if pre:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre)
        writer.add_token_merges([" ".join(merge) for merge in merges])
    else:
        writer.add_tokenizer_model("llama")
        ranks = {first + second: rank for rank, (first, second) in reversed(list(enumerate(merges)))}
        writer.add_token_scores([-float(ranks.get(text, len(merges))) for text in texts])
        kinds[0] = gguf.TokenType.UNKNOWN
        kinds[3:259] = [gguf.TokenType.BYTE] * 256
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    for name, value in fields.items():
        getattr(writer, f"add_{name}")(value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_folder(folder: Path, tokenizer: Tokenizer, config: dict[str, object] | None = None) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    tokenizer.save(str(folder / "tokenizer.json"))
    if config:
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module", params=["llama-bpe", "qwen2", "default", None])
def made(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    library = byte_level(request.param) if request.param else sentencepiece()
    start = {"llama-bpe": library.token_to_id("<|begin|>"), None: 1}.get(request.param)
    fields = {} if start is None else {"bos_token_id": start}
    of_gguf = open_tokenizer(write_gguf(folder / "model.gguf", library, request.param, **fields))
    return library, of_gguf, open_tokenizer(write_folder(folder / "model", library))


def test_both_files_give_what_the_library_gives(made):
    library, *ours = made
    for tokenizer in ours:
        for text in TEXTS:
            tokens = library.encode(text).ids
            assert tokenizer.encode(text) == tokens, text
            assert tokenizer.decode(tokens) == library.decode(tokens), text


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_comes_back_whole_and_piece_by_piece(made, text):
    for tokenizer in made[1:]:
        tokens = tokenizer.encode(text)
        decoded = tokenizer.decode(tokens)
        decoder = StreamDecoder(tokenizer)
        pieces = [decoder.push(token) for token in tokens]
        assert "".join(pieces) + decoder.finish() == decoded
        if "\ufffd" not in text:
            assert not any("\ufffd" in piece for piece in pieces)
        assert decoded == made[0].decode(tokens)


@settings(max_examples=60, deadline=None)
@given(numbers=st.lists(st.integers(-3, 10_000), max_size=40))
def test_whatever_tokens_come_the_pieces_joined_are_the_text(made, numbers):
    for tokenizer in (*made[1:], ByteTokenizer(512)):
        decoder = StreamDecoder(tokenizer)
        assert "".join(map(decoder.push, numbers)) + decoder.finish() == tokenizer.decode(numbers)


def test_a_character_waits_for_its_last_byte():
    decoder = StreamDecoder(ByteTokenizer(512))
    assert [decoder.push(byte) for byte in "a🙂".encode()] == ["a", "", "", "", "🙂"]
    assert decoder.push(0xE4) == ""
    assert decoder.finish() == "\ufffd"


def test_bytes_are_tokens_where_there_is_no_vocabulary():
    tokenizer = ByteTokenizer(300)
    assert tokenizer.encode("é") == [0xC3, 0xA9]
    assert tokenizer.decode([0xC3, 0xA9, 256, 299]) == "é[256][299]"
    with pytest.raises(EngineError, match="too small for bytes"):
        ByteTokenizer(255)


def test_marked_tokens_are_found(tmp_path):
    library = byte_level("llama-bpe")
    begin, end, turn = map(library.token_to_id, SPECIAL)
    tokenizer = open_tokenizer(
        write_gguf(tmp_path / "model", library, "llama-bpe", bos_token_id=begin, eos_token_id=end)
    )
    assert (tokenizer.start_token, tokenizer.stop_tokens) == (begin, {end, turn})
    tokenizer = open_tokenizer(write_folder(tmp_path / "folder", library, {"eos_token": {"content": "<|end|>"}}))
    assert (tokenizer.start_token, tokenizer.stop_tokens) == (begin, {end})


def test_whether_a_text_begins_with_a_start_token_is_said_by_the_file(tmp_path):
    library = byte_level("llama-bpe")
    begin = library.token_to_id("<|begin|>")
    silent = open_tokenizer(write_gguf(tmp_path / "a", library, "llama-bpe", bos_token_id=begin, add_bos_token=False))
    assert silent.start_token is None
    asking = open_tokenizer(write_gguf(tmp_path / "b", library, "default", bos_token_id=begin, add_bos_token=True))
    assert asking.encode("")[0] == begin
    assert open_tokenizer(write_folder(tmp_path / "c", library, {"add_bos_token": False})).encode("") == []
    plain = byte_level("qwen2")
    config = {"add_bos_token": True, "bos_token": "<|begin|>"}
    assert open_tokenizer(write_folder(tmp_path / "d", plain, config)).encode("") == [plain.token_to_id("<|begin|>")]


def test_a_text_that_is_no_unicode_is_refused():
    with pytest.raises(EngineError, match="no UTF-8"):
        ByteTokenizer(256).encode("a\udcff")


def test_vocabularies_that_make_no_sense_are_refused(tmp_path):
    library = byte_level("default")
    for fields, pre, message in (
        ({"bos_token_id": 10_000}, "default", "bos_token_id in model is 10000"),
        ({}, "deepseek-llm", "splits texts as deepseek-llm"),
    ):
        with pytest.raises(EngineError, match=message):
            open_tokenizer(write_gguf(tmp_path / "model", library, pre, **fields))
    writer = gguf.GGUFWriter(tmp_path / "bare", "llama")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(EngineError, match="holds no vocabulary"):
        open_tokenizer(tmp_path / "bare")


@pytest.mark.parametrize("count", [0, 3])
def test_merges_of_unknown_tokens_and_missing_ones_are_refused(tmp_path, count):
    writer = gguf.GGUFWriter(tmp_path / "model", "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(["a", "b"])
    if count:
        writer.add_token_merges(["a b"] * count)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(EngineError, match="makes no sense" if count else "lacks tokenizer.ggml.merges"):
        open_tokenizer(tmp_path / "model")


def test_tokenizer_files_that_are_missing_damaged_or_foreign_are_refused(tmp_path):
    folder = write_folder(tmp_path / "model", byte_level("default"))
    path = folder / "tokenizer.json"
    document = json.loads(path.read_text())
    for text in ("", "{", "[" * 100_000, json.dumps(document)[:5000], "\0"):
        path.write_text(text)
        with pytest.raises(EngineError, match=r"tokenizer.json holds no sound JSON"):
            open_tokenizer(folder)
    path.write_text(json.dumps(document | {"model": {"type": "BPE"}}))
    with pytest.raises(EngineError, match=r"tokenizer.json cannot be read"):
        open_tokenizer(folder)
    path.write_text(json.dumps(document | {"decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True}}))
    with pytest.raises(EngineError, match=r"decodes by.*WordPiece.*not supported"):
        open_tokenizer(folder)
    path.unlink()
    with pytest.raises(EngineError, match=r"model holds no tokenizer.json"):
        open_tokenizer(folder)


def folder_with(folder: Path, **parts: object) -> Path:
    write_folder(folder, byte_level("default"))
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | parts))
    return folder


BACKTRACKING = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
BACKTRACKED = "a" * 40 + "!"
TEXT_ITSELF = {"Sequence": {"id": "A", "type_id": 0}}
OTHER_TEXT = {"Sequence": {"id": "B", "type_id": 0}}


def test_panics_of_the_library_are_one_sentence_and_nothing_else(tmp_path, capfd):
    writer = gguf.GGUFWriter(tmp_path / "model", "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(["a"] * 128)
    writer.add_token_merges(["a a"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(EngineError, match="makes no sense"):
        open_tokenizer(tmp_path / "model")
    unknown = {"SpecialToken": {"id": "<|unknown|>", "type_id": 0}}
    template = {"single": [unknown, TEXT_ITSELF], "pair": [TEXT_ITSELF, OTHER_TEXT], "special_tokens": {}}
    with pytest.raises(EngineError, match="cannot be read"):
        open_tokenizer(folder_with(tmp_path / "a", post_processor={"type": "TemplateProcessing"} | template))
    tokenizer = open_tokenizer(folder_with(tmp_path / "b", pre_tokenizer=BACKTRACKING))
    with pytest.raises(EngineError, match="cannot be encoded"):
        tokenizer.encode(BACKTRACKED)
    os.write(2, b"heard")
    assert capfd.readouterr() == ("", "heard")


def test_a_panic_with_standard_error_closed_is_an_error_like_others(tmp_path):
    folder = folder_with(tmp_path / "model", pre_tokenizer=BACKTRACKING)
    code = (
        "import os, sys; os.close(2); from pathlib import Path; from engine.errors import EngineError\n"
        "from engine.tokenizers import open_tokenizer\n"
        f"try: open_tokenizer(Path(sys.argv[1])).encode({BACKTRACKED!r})\n"
        "except EngineError: print('refused')"
    )
    run = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout) == (0, "refused\n")


GROWING = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 20}
LONG_TEMPLATE = {
    "type": "TemplateProcessing", "single": [TEXT_ITSELF] * 33, "pair": [TEXT_ITSELF, OTHER_TEXT], "special_tokens": {},
}  # fmt: skip


@pytest.mark.parametrize(
    "parts",
    [
        {"normalizer": {"type": "Sequence", "normalizers": [GROWING] * 6}},
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Sequence", "normalizers": [GROWING]}] * 2}},
        {"normalizer": GROWING | {"pattern": {"Regex": ""}, "content": "a" * 40}},
        {"normalizer": {"type": "Prepend", "prepend": "a" * 65}},
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Strip"}] * 17}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}] * 6}},
        {"normalizer": GROWING, "pre_tokenizer": {"type": "ByteLevel"}},
        {"post_processor": LONG_TEMPLATE},
        {"post_processor": {"type": "Sequence", "processors": [LONG_TEMPLATE | {"single": [TEXT_ITSELF] * 2}] * 6}},
    ],
)
def test_files_that_make_texts_many_times_as_long_are_refused(tmp_path, parts):
    with pytest.raises(EngineError, match=r"tokenizer.json would make texts more than 32 times as long"):
        open_tokenizer(folder_with(tmp_path / "model", **parts))


@pytest.mark.parametrize("step", [{"type": "Precompiled", "precompiled_charsmap": "AA=="}, {}, "NFC", 1])
def test_steps_whose_growth_is_unknown_are_refused(tmp_path, step):
    with pytest.raises(EngineError, match=r"tokenizer.json prepares texts by .*, which is not supported"):
        open_tokenizer(folder_with(tmp_path / "model", normalizer=step))


def test_a_text_that_is_longer_than_any_context_is_refused():
    with pytest.raises(EngineError, match="longer than 1 MiB; shorten it"):
        ByteTokenizer(256).encode("é" * (1 << 19) + "a")


def test_a_vocabulary_of_long_tokens_is_opened_in_time(tmp_path):
    library = sentencepiece()
    document = json.loads(library.to_str())
    first = len(document["model"]["vocab"])
    document["model"]["vocab"] |= {f"{token:0127}": token for token in range(first, 50_000)}
    path = write_gguf(tmp_path / "model.gguf", Tokenizer.from_str(json.dumps(document)), None, bos_token_id=1)
    start = time.process_time()
    tokenizer = open_tokenizer(path)
    assert time.process_time() - start < 8
    assert tokenizer.encode(CORPUS[0]) == library.encode(CORPUS[0]).ids
