"""However a weight file is damaged: it gives what was written, or one sentence; never more than it holds."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import Architecture, ModelConfig, from_transformers
from engine.errors import EngineError
from engine.formats import BF16, Q8_0
from engine.weights.open import open_source
from tests.unit.engine.weights.builders import (
    CONFIGS,
    Tensor,
    config_document,
    random_tensors,
    write_folder,
    write_gguf,
)

QWEN3, LLAMA = CONFIGS[Architecture.QWEN3], CONFIGS[Architecture.LLAMA]
FOLDER, GGUF = "model.safetensors", "model.gguf"
EXAMPLES = settings(max_examples=120, deadline=None)
# Where a change is made, as a share of the header; and to what.
changes = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=3)


class Original:
    """A sound file and what it holds."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.kind = kind
        self.config: ModelConfig = QWEN3 if kind == FOLDER else LLAMA
        self.tensors: dict[str, Tensor] = random_tensors(self.config, BF16 if kind == FOLDER else Q8_0)
        if kind == FOLDER:
            write_folder(folder, self.config, self.tensors)
        else:
            write_gguf(folder / kind, self.config, self.tensors, divisors=np.linspace(1, 8, 16))
        self.path = folder / kind
        self.data = self.path.read_bytes()
        weights = sum(tensor.bytes_in().nbytes for tensor in self.tensors.values())
        self.header_bytes = len(self.data) - weights
        self.read_config = open_source(folder if kind == FOLDER else self.path).config

    def read(self, data: bytes, *, rightly: bool = False) -> int:
        """Reads everything of a file with other bytes; how many tensors it gave, all of them the right ones if asked.

        Numbers are only asked to be right where the config is: a file of another shape is refused by those.
        """
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if self.kind == FOLDER:
                (folder / "config.json").write_text(json.dumps(config_document(self.config)))
            (folder / self.kind).write_bytes(data)
            try:
                source = open_source(folder if self.kind == FOLDER else folder / self.kind)
            except EngineError as error:
                assert_one_sentence(error)
                return 0
            rightly = rightly and source.config == self.read_config
            return sum(self._gives(source, name, tensor, rightly) for name, tensor in self.tensors.items())

    def _gives(self, source, name: str, tensor: Tensor, rightly: bool) -> bool:
        try:
            if len(tensor.shape) == 1:
                vector = source.vector(name, *tensor.shape)
                assert vector.shape == tensor.shape
                assert not rightly or vector.tobytes() == tensor.format.unpack(tensor.parts).tobytes()
                return True
            format_ = source.format_of(name)
            parts = source.matrix(name, *tensor.shape, format_)
            source.matrix(name, *tensor.shape, BF16)
        except EngineError as error:
            assert_one_sentence(error)
            return False
        for part, place in format_.layout(*tensor.shape).items():
            assert parts[part].shape == place.shape
            assert parts[part].dtype == place.dtype
            assert not rightly or parts[part].tobytes() == tensor.parts[part].tobytes()
        return True


def assert_one_sentence(error: EngineError) -> None:
    text = str(error)
    assert text.isprintable()
    assert len(text) < 500
    assert not text.endswith(".")


@pytest.fixture(scope="module", params=[FOLDER, GGUF])
def original(request, tmp_path_factory):
    return Original(tmp_path_factory.mktemp("model"), request.param)


def test_a_sound_file_gives_everything(original):
    assert original.read(original.data, rightly=True) == len(original.tensors)


@EXAMPLES
@given(share=st.floats(0, 1, exclude_max=True), in_header=st.booleans())
def test_a_file_cut_off_anywhere_gives_nothing(original, share, in_header):
    whole = original.header_bytes if in_header else len(original.data) - 64
    assert original.read(original.data[: int(share * whole)]) == 0


@EXAMPLES
@given(changes=changes)
def test_a_file_changed_anywhere_in_its_header_gives_no_other_error(original, changes):
    data = bytearray(original.data)
    for share, value in changes:
        data[int(share * original.header_bytes)] = value
    original.read(bytes(data), rightly=len(changes) == 1)


@EXAMPLES
@given(share=st.floats(0, 1, exclude_max=True), number=st.integers(0, 2**64 - 1), width=st.sampled_from([4, 8]))
def test_a_gguf_file_with_any_number_anywhere_gives_no_other_error(tmp_path_factory, share, number, width):
    made = _gguf(tmp_path_factory)
    data, at = bytearray(made.data), int(share * made.header_bytes)
    data[at : at + width] = (number % 256**width).to_bytes(width, "little")
    made.read(bytes(data[: len(made.data)]))


_made: list[Original] = []


def _gguf(tmp_path_factory) -> Original:
    if not _made:
        _made.append(Original(tmp_path_factory.mktemp("numbers"), GGUF))
    return _made[0]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just(10**400) | st.just(2**40),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
offsets = st.lists(st.integers(-4, 400) | st.just(2**63), max_size=3)
entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "BF16", "I64", "X"]) | anything,
        "shape": st.lists(st.integers(-1, 9) | st.just(2**62), max_size=9) | anything,
        "data_offsets": offsets | anything,
    }
)


@EXAMPLES
@given(header=st.dictionaries(st.sampled_from(list("abc")) | st.text(max_size=4), entries | anything, max_size=4))
def test_any_header_of_safetensors_gives_no_other_error(original, header):
    if original.kind == FOLDER:
        text = json.dumps(header).encode()
        original.read(len(text).to_bytes(8, "little") + text + bytes(400))


@EXAMPLES
@given(
    name=st.sampled_from([*config_document(LLAMA), "rope_scaling", "rope_theta", "layer_types", "quantization_config"]),
    value=anything | st.floats() | st.integers(-1, 5),
)
def test_any_value_in_a_config_makes_a_config_or_one_sentence(name, value):
    try:
        config = from_transformers(config_document(LLAMA) | {name: value}, {"eos_token_id": value})
    except EngineError as error:
        assert_one_sentence(error)
    else:
        assert all(0 <= token < 2**31 for token in config.stop_tokens)
