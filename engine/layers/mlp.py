"""The gated feed-forward layer (SwiGLU)."""

from dataclasses import dataclass

from engine.activations import Activations
from engine.layers.norm import Norm
from engine.operations import Matrix, Operations, Site

LAYER_TYPE = "mlp"


@dataclass(frozen=True)
class Mlp:
    """One layer's feed-forward part: `gate_up` holds the gate's rows above those of the up projection."""

    layer: int
    norm: Norm
    gate_up: Matrix
    down: Matrix

    def run(self, ops: Operations, work: Activations, tokens: int) -> None:
        """Adds to `work.hidden` what the layer makes of it."""
        normed = self.norm.run(ops, tokens, work.hidden, work.normed)
        ops.gate_up(Site(LAYER_TYPE, "gate_up_proj", self.layer), tokens, normed, self.gate_up, work.gated)
        ops.project_add(Site(LAYER_TYPE, "down_proj", self.layer), tokens, work.gated, self.down, work.hidden)
