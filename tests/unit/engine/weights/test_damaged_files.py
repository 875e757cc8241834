import json
import os
import struct

import gguf
import numpy as np
import pytest

from engine.config import Architecture
from engine.errors import EngineError
from engine.formats import FP32
from engine.weights.gguf_reader import read_gguf
from engine.weights.open import open_source
from engine.weights.safetensors_file import read_safetensors
from tests.unit.engine.weights.builders import CONFIGS, random_tensors, write_folder, write_gguf

QWEN3 = CONFIGS[Architecture.QWEN3]


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "model", QWEN3, random_tensors(QWEN3, FP32))


def with_header(path, header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def entry(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("header", "size", "message"),
    [
        ({"a": entry([2], 0, 8)}, 7, "the tensor a would end behind the file's"),
        ({"a": entry([2], 0, 8)}, 9, "its tensors need"),
        ({"a": entry([2], 0, 12)}, 12, "the tensor a has 12 bytes, which is not what its shape needs"),
        ({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, 12, "the tensor b does not lie behind"),
        ({"a": entry([2], 0, 8), "b": entry([2], 0, 8)}, 8, "does not lie behind"),
        ({"a": entry([2], 4, 12)}, 12, "the tensor a does not lie behind"),
        ({"a": entry([2], 8, 0)}, 8, "makes no sense of the tensor a"),
        ({"a": entry([-2], 0, 8)}, 8, "makes no sense of the tensor a"),
        ({"a": entry([True], 0, 4)}, 8, "makes no sense of the tensor a"),
        ({"a": entry([1] * 9, 0, 4)}, 4, "makes no sense of the tensor a"),
        ({"\x1b[2J": 3}, 0, r"the tensor \?\[2J"),
        (b'{"a": 1, "a": 1}', 0, "a name occurs twice"),
        (b"[" * 200_000, 0, "no sound JSON"),
        (b"[]", 0, "no JSON object"),
        (b'{"a": ' + b"9" * 5000 + b"}", 0, "no sound JSON"),
        (b"\xff{}", 0, "no sound JSON"),
    ],
)
def test_damaged_safetensors_are_refused(tmp_path, header, size, message):
    path = with_header(tmp_path / "model.safetensors", header, bytes(size))
    with pytest.raises(EngineError, match=message) as raised:
        read_safetensors(path)
    assert str(raised.value).startswith("model.safetensors ")


@pytest.mark.parametrize(("length", "message"), [(2**63, "longer than 16 MiB"), (200, "208 are needed")])
def test_headers_of_absurd_length_are_refused(tmp_path, length, message):
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b"{}")
    with pytest.raises(EngineError, match=message):
        read_safetensors(path)


def test_tensors_of_other_types_do_no_harm_until_they_are_asked_for(folder):
    data = (folder / "model.safetensors").read_bytes()
    damaged = data.replace(b'"F32"', b'"I32"', 1)
    (folder / "model.safetensors").write_bytes(damaged)
    source = open_source(folder)
    (name,) = [name for name in random_tensors(QWEN3, FP32) if not _readable(source, name)]
    with pytest.raises(EngineError, match="of the type I32, which is not supported; take a model in F32, F16 or BF16"):
        source.format_of(name)


def _readable(source, name):
    try:
        source.format_of(name)
    except EngineError:
        return False
    return True


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "..", "", "C:x", "a\\b", 3, None, ["x"], "a\0b"])
def test_an_index_names_only_files_beside_it(tmp_path, name):
    folder = write_folder(tmp_path / "model", QWEN3, random_tensors(QWEN3, FP32), shards=2)
    path = folder / "model.safetensors.index.json"
    document = json.loads(path.read_text())
    document["weight_map"]["lm_head.weight"] = name
    path.write_text(json.dumps(document))
    with pytest.raises(EngineError, match="which is no file beside it"):
        open_source(folder)


def test_an_index_that_does_not_fit_its_files_is_refused(tmp_path):
    folder = write_folder(tmp_path / "model", QWEN3, random_tensors(QWEN3, FP32), shards=2)
    path = folder / "model.safetensors.index.json"
    sound = json.loads(path.read_text())["weight_map"]
    swapped = sound | {"lm_head.weight": sound["model.norm.weight"]}
    for places, message in (
        (sound | {"lm_head.weight": "model-3.safetensors"}, "model-3.safetensors cannot be read"),
        (sound | {"extra": sound["lm_head.weight"]}, "lacks the tensor extra, which model.safetensors.index.json"),
        (swapped, "lacks the tensor lm_head.weight"),
        (None, "lacks weight_map"),
        ([], "weight_map in model.safetensors.index.json is .. where an object"),
    ):
        path.write_text(json.dumps({"weight_map": places}))
        with pytest.raises(EngineError, match=message):
            open_source(folder)


def test_files_may_be_links_as_in_the_cache_of_a_hub(folder, tmp_path):
    blob = tmp_path / "blob"
    (folder / "model.safetensors").rename(blob)
    (folder / "model.safetensors").symlink_to(blob)
    assert open_source(folder).has("lm_head.weight")


def test_pipes_and_folders_in_place_of_files_are_refused(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(EngineError, match=r"holds neither model.safetensors nor"):
        open_source(folder)
    os.mkfifo(folder / "model.safetensors")
    with pytest.raises(EngineError, match="it is no file"):
        open_source(folder)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").mkdir()
    with pytest.raises(EngineError, match="it is no file"):
        open_source(folder)


def test_biases_are_refused(tmp_path):
    tensors = random_tensors(QWEN3, FP32)
    tensors["model.layers.0.self_attn.q_proj.bias"] = tensors["model.norm.weight"]
    with pytest.raises(EngineError, match="models with biases are not supported"):
        open_source(write_folder(tmp_path / "model", QWEN3, tensors))


def gguf_of(path, version=3, tensors=0, entries=(), infos=b"", rest=b""):
    header = b"GGUF" + struct.pack("<IQQ", version, tensors, len(entries))
    path.write_bytes(header + b"".join(entries) + infos + rest)
    return path


def text(value):
    return struct.pack("<Q", len(value)) + value


def value(name, kind, data):
    return text(name) + struct.pack("<I", kind) + data


def info(name, shape, kind, offset):
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"version": 1}, "GGUF of version 1 or big-endian"),
        ({"version": 3 << 24}, "or big-endian"),
        ({"tensors": 1 << 40}, "claims to hold 1099511627776 of what has at most"),
        ({"tensors": 1}, "header does not end within"),
        ({"entries": [value(b"a", 4, bytes(4))] * 2}, "a occurs twice"),
        ({"entries": [value(b"a", 13, b"")]}, "unknown type 13"),
        ({"entries": [value(b"a", 8, struct.pack("<Q", 1 << 62))]}, "a text of 4611686018427387904 bytes"),
        ({"entries": [value(b"a", 8, struct.pack("<Q", 9))]}, "header does not end within"),
        ({"entries": [value(b"a", 9, struct.pack("<IQ", 4, 1 << 62))]}, "claims to hold"),
        ({"entries": [value(b"a", 9, struct.pack("<IQ", 4, 1 << 20))]}, "header does not end within"),
        ({"entries": [value(b"a", 9, struct.pack("<IQ", 9, 1))]}, "unknown type 9"),
        ({"entries": [value(b"\xff", 4, bytes(4))]}, "no UTF-8"),
        ({"entries": [value(b"general.alignment", 4, struct.pack("<I", 24))]}, "aligned to 24 bytes"),
        ({"entries": [value(b"general.alignment", 4, bytes(4))]}, "aligned to 0 bytes"),
        ({"entries": [value(b"general.alignment", 4, struct.pack("<I", 1))]}, "aligned to 1 bytes"),
        ({"entries": [value(b"general.alignment", 4, struct.pack("<I", 4))]}, "aligned to 4 bytes"),
        ({"entries": [value(b"general.alignment", 7, b"\1")]}, "aligned to True bytes"),
        ({"tensors": 1, "infos": info(b"a", (), 0, 0)}, "a has 0 dimensions"),
        ({"tensors": 1, "infos": info(b"a", (1,) * 5, 0, 0)}, "a has 5 dimensions"),
        ({"tensors": 1, "infos": info(b"a", (0,), 0, 0)}, "cannot have the shape"),
        ({"tensors": 1, "infos": info(b"a", (33,), 8, 0)}, "cannot have the shape"),
        ({"tensors": 1, "infos": info(b"a", (1 << 62, 4), 0, 0)}, "are needed"),
        ({"tensors": 1, "infos": info(b"a", (4,), 0, 32), "rest": bytes(99)}, "does not lie behind"),
        ({"tensors": 1, "infos": info(b"a", (4,), 0, 1 << 63), "rest": bytes(99)}, "does not lie behind"),
        ({"tensors": 1, "infos": info(b"a", (256,), 12, 0)}, "holds a in Q4_K, which is not supported; convert"),
        ({"tensors": 1, "infos": info(b"a", (256,), 77, 0)}, "holds a in number 77, which is not supported"),
        (
            {"tensors": 2, "infos": info(b"a", (8,), 0, 0) + info(b"a", (8,), 0, 32), "rest": bytes(99)},
            "the tensor a occurs twice",
        ),
    ],
)
def test_damaged_gguf_files_are_refused(tmp_path, fields, message):
    with pytest.raises(EngineError, match=message) as raised:
        read_gguf(gguf_of(tmp_path / "model.gguf", **fields))
    assert str(raised.value).startswith("model.gguf ")


def test_version_2_and_any_alignment_are_read(tmp_path):
    path = tmp_path / "model.gguf"
    entry = value(b"general.alignment", 4, struct.pack("<I", 64))
    gguf_of(path, 2, 2, [entry], info(b"a", (3,), 0, 0) + info(b"b", (2,), 0, 64))
    data = path.read_bytes()
    data += bytes(-len(data) % 64)
    path.write_bytes(data + np.arange(3, dtype="<f4").tobytes().ljust(64, b"\0") + np.ones(2, "<f4").tobytes())
    tensors = read_gguf(path).tensors
    assert tensors["a"].parts(FP32, 1, 0, 1)["values"].tolist() == [[0, 1, 2]]
    assert tensors["b"].parts(FP32, 1, 0, 1)["values"].tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda writer: writer.add_uint32("split.count", 3), "one of 3 parts"),
        (lambda writer: writer.add_uint32("llama.expert_count", 8), "experts are not supported"),
        (lambda writer: writer.add_string("llama.rope.scaling.type", "yarn"), "rope scaling yarn is not supported"),
        (lambda writer: writer.add_array("llama.attention.head_count", [4, 4]), "where a whole number has to be"),
        (lambda writer: None, "lacks llama.embedding_length"),
        (lambda writer: writer.add_string("llama.embedding_length", "x"), "is x where a whole number"),
    ],
)
def test_gguf_files_that_are_not_supported_are_refused(tmp_path, change, message):
    path = tmp_path / "model.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    if "embedding" not in message and "is x" not in message:
        writer.add_embedding_length(64)
    change(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(EngineError, match=message):
        open_source(path)


@pytest.mark.parametrize("divisors", [np.ones(7), np.zeros(16)])
def test_rope_divisors_that_make_no_sense_are_refused(tmp_path, divisors):
    config = CONFIGS[Architecture.LLAMA]
    path = write_gguf(tmp_path / "model.gguf", config, random_tensors(config, FP32), divisors=divisors)
    with pytest.raises(EngineError, match=r"not one number for each pair|divisor that makes no sense"):
        open_source(path)
