"""Grouped-query attention with rotary embedding and a cache of keys and values."""

from dataclasses import dataclass

from engine.activations import Activations
from engine.layers.norm import Norm
from engine.operations import Buffer, HeadShape, LayerCache, Matrix, Operations, Rotation, Site

LAYER_TYPE = "attention"


@dataclass(frozen=True)
class Attention:
    """One layer's attention.

    Attributes:
        layer: its index.
        norm: of what it reads.
        shape: of its heads.
        qkv: weights of queries, keys and values, one above the other.
        rotation: of queries and keys.
        output: weights of the output projection.
    """

    layer: int
    norm: Norm
    shape: HeadShape
    qkv: Matrix
    rotation: Rotation
    output: Matrix

    def run(self, ops: Operations, work: Activations, cache: LayerCache, position: Buffer, tokens: int) -> None:
        """Adds to `work.hidden` what attention makes of it; `cache` then holds the rows' keys and values."""
        normed = self.norm.run(ops, tokens, work.hidden, work.normed)
        ops.project(self._site("qkv_proj"), tokens, normed, self.qkv, work.qkv)
        rotation: Rotation | None = self.rotation
        if not ops.rotates_on_reading(tokens):
            ops.rotate_and_store(self._site("rope"), tokens, work.qkv, self.shape, self.rotation, position, cache)
            rotation = None
        ops.attend(self._site("attention"), tokens, work.qkv, self.shape, rotation, position, cache, work.attended)
        ops.project_add(self._site("o_proj"), tokens, work.attended, self.output, work.hidden)

    def _site(self, role: str) -> Site:
        return Site(LAYER_TYPE, role, self.layer)
