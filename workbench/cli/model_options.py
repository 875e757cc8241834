"""Options of the commands that run a model."""

from typing import Annotated

import typer

Model = Annotated[
    str,
    typer.Option(
        metavar="NAME|PATH",
        help="A name in the registry (qwen3-4b, tiny-qwen3 ...), or the path of a transformers folder or a GGUF file.",
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="synthetic|PATH",
        help="Seeded random weights of the model's shape, which is what a name by itself means, or where they lie.",
        show_default=False,
    ),
]
WeightFormat = Annotated[
    str | None,
    typer.Option(metavar="FORMAT", help="fp32, bf16, fp16 or q8_0; by default as they are stored.", show_default=False),
]
# The engine's, which is not imported for help; a test compares them.
VARIANT_NAMES = (
    "unfused-qkv",
    "unfused-gate-up",
    "separate-cast",
    "no-pdl",
    "malloc-per-step",
    "copy-per-head",
    "no-graphs",
)
Backend = Annotated[str, typer.Option(metavar="auto|cuda|numpy", help="By default a GPU where there is one.")]
Variants = Annotated[
    list[str] | None,
    typer.Option(
        # Spelt out, for some versions of typer take a metavar that spells the name as the name.
        "--variant",
        metavar="VARIANT",
        help=f"Run without an optimisation: {', '.join(VARIANT_NAMES)}; may be repeated. "
        "`python -m engine run --help` tells what each costs.",
        show_default=False,
    ),
]
Seed = Annotated[int | None, typer.Option(help="Of synthetic weights, prompt and sampling.", show_default=False)]
Context = Annotated[
    int | None, typer.Option(metavar="TOKENS", help="Room for prompt and answer together.", show_default=False)
]
Chunk = Annotated[
    int | None, typer.Option(metavar="TOKENS", help="Read prompts so many tokens at a time.", show_default=False)
]
