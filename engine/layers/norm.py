"""Root-mean-square norm."""

from dataclasses import dataclass

from engine.operations import Buffer, Input, Normed, Operations, Site

LAYER_TYPE = "norm"


@dataclass(frozen=True)
class Norm:
    """The norm before a layer, or before the language-model head (`layer` is None then)."""

    role: str
    layer: int | None
    weight: Buffer
    epsilon: float

    def run(self, ops: Operations, tokens: int, hidden: Buffer, out: Input) -> Input | Normed:
        """The normalised rows of `hidden`, for a product: in `out`, or left for the product to compute."""
        normed = Normed(hidden, self.weight, self.epsilon)
        if ops.norms_on_reading(tokens):
            return normed
        ops.norm(Site(LAYER_TYPE, self.role, self.layer), tokens, normed, out)
        return out
