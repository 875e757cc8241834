"""A dense decoder, written once against the operations."""

from dataclasses import dataclass

from engine.activations import Activations
from engine.cache import Cache
from engine.config import ModelConfig
from engine.layers.attention import Attention
from engine.layers.mlp import Mlp
from engine.layers.norm import Norm
from engine.operations import Buffer, Matrix, Operations, Site


@dataclass(frozen=True)
class Block:
    """One decoder layer."""

    attention: Attention
    mlp: Mlp

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        """All its weights but those of norms."""
        return self.attention.qkv, self.attention.output, self.mlp.gate_up, self.mlp.down


@dataclass(frozen=True)
class Model:
    """A model with its weights in a backend's memory."""

    config: ModelConfig
    embedding: Matrix
    blocks: tuple[Block, ...]
    last_norm: Norm
    head: Matrix

    def read(
        self, ops: Operations, work: Activations, cache: Cache, ids: Buffer, position: Buffer, tokens: int
    ) -> None:
        """Runs all layers on so many tokens of `ids`, the first of which stands at `position`."""
        ops.embed(Site("embedding", "embed"), tokens, ids, self.embedding, work.hidden)
        for block, layer_cache in zip(self.blocks, cache.layers, strict=True):
            block.attention.run(ops, work, layer_cache, position, tokens)
            block.mlp.run(ops, work, tokens)

    def predict(self, ops: Operations, work: Activations, tokens: int) -> None:
        """Computes the logits of the token behind the last of those that were read."""
        last = work.hidden
        if tokens > 1:
            ops.last_row(Site("lm_head", "last_row"), tokens, work.hidden, work.last)
            last = work.last
        normed = self.last_norm.run(ops, 1, last, work.last_normed)
        ops.project(Site("lm_head", "lm_head"), 1, normed, self.head, work.logits)
