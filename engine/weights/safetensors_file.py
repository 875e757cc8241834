"""Where a safetensors file keeps its tensors.

The format (Hugging Face, safetensors): a header's length in eight bytes, a header in JSON that gives each tensor's
type, shape and place, then the tensors without gaps.
"""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.fields import shown
from engine.formats import BF16, FP16, FP32
from engine.weights.files import DOCUMENT_LIMIT_BYTES, MappedFile, map_file, parse_document
from engine.weights.stored import StoredTensor

_LENGTH_BYTES = 8
_FORMATS = {"F32": FP32, "F16": FP16, "BF16": BF16}
_ITEM_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "F8_E8M0": 1,
    "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4,
    "F64": 8, "I64": 8, "U64": 8, "C64": 8,
}  # fmt: skip
_MOST_DIMENSIONS = 8


def read_safetensors(path: Path) -> dict[str, StoredTensor]:
    """The tensors of a file, by name.

    Raises:
        EngineError: the file is missing, cut off or damaged.
    """
    file = map_file(path)
    header, start = _header(file)
    header.pop("__metadata__", None)
    tensors = {name: _tensor(file, start, name, entry) for name, entry in header.items()}
    end = start
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].offset, item[1].size_bytes)):
        if tensor.offset != end:
            raise file.damaged(f"the tensor {shown(name)} does not lie behind the one before it")
        end += tensor.size_bytes
    if end != len(file.data):
        raise file.damaged(f"its tensors need {end} bytes and it has {len(file.data)}")
    return tensors


def _header(file: MappedFile) -> tuple[dict[str, Any], int]:
    size_bytes = int.from_bytes(file.part(0, _LENGTH_BYTES).tobytes(), "little")
    if size_bytes > DOCUMENT_LIMIT_BYTES:
        raise file.damaged(f"its header claims to be longer than {DOCUMENT_LIMIT_BYTES >> 20} MiB")
    header = parse_document(file.part(_LENGTH_BYTES, size_bytes).tobytes(), file.name)
    return header, _LENGTH_BYTES + size_bytes


@dataclass(frozen=True)
class _Entry:
    type: str
    shape: tuple[int, ...]
    begin: int
    end: int


def _tensor(file: MappedFile, start: int, name: str, value: object) -> StoredTensor:
    entry = _entry(value)
    if entry is None or not 0 <= entry.begin <= entry.end:
        raise file.damaged(f"its header makes no sense of the tensor {shown(name)}")
    if start + entry.end > len(file.data):
        raise file.damaged(f"the tensor {shown(name)} would end behind the file's {len(file.data)} bytes")
    size_bytes = entry.end - entry.begin
    item_bytes = _ITEM_BYTES.get(entry.type)
    if item_bytes is not None and prod(entry.shape) * item_bytes != size_bytes:
        raise file.damaged(f"the tensor {shown(name)} has {size_bytes} bytes, which is not what its shape needs")
    return StoredTensor(file, entry.type, _FORMATS.get(entry.type), entry.shape, start + entry.begin, size_bytes)


def _entry(value: object) -> _Entry | None:
    match value:
        case {"dtype": str(type_), "shape": [*shape], "data_offsets": [begin, end]}:
            integers = [*shape, begin, end]
            if len(shape) <= _MOST_DIMENSIONS and all(type(each) is int and each >= 0 for each in integers):
                return _Entry(type_, tuple(shape), begin, end)
    return None


def require_inside(name: object, file: str) -> str:
    """A file's name that stands for a file in the same folder.

    Raises:
        EngineError: it is a path, or no name at all.
    """
    if not isinstance(name, str) or name in ("", ".", "..") or set(name) & set("/\\\0:"):
        raise EngineError(f"{file} names {shown(name)}, which is no file beside it; restore it")
    return name
