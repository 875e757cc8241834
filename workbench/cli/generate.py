"""`wb generate`."""

from typing import Annotated

import typer

from workbench.cli.model_options import Backend, Chunk, Context, Model, Seed, Variants, WeightFormat, Weights


def generate(
    model: Model,
    prompt: Annotated[str, typer.Option(help="The text to go on with.")],
    max_tokens: Annotated[int | None, typer.Option(metavar="N", help="At most; 128 by default.")] = None,
    temperature: Annotated[
        float | None, typer.Option(metavar="T", help="By default 0, which takes the likeliest token.")
    ] = None,
    top_k: Annotated[int | None, typer.Option(metavar="K", help="Only so many of the likeliest.")] = None,
    top_p: Annotated[float | None, typer.Option(metavar="P", help="Only the likeliest that hold this much.")] = None,
    seed: Seed = None,
    weights: Weights = None,
    weight_format: WeightFormat = None,
    backend: Backend = "auto",
    graphs: Annotated[str | None, typer.Option(metavar="on|off", help="Replay steps as a CUDA graph.")] = None,
    variant: Variants = None,
    context: Context = None,
    chunk: Chunk = None,
    output_format: Annotated[
        str, typer.Option("--format", metavar="text|json", help="text as it comes, or one object at the end.")
    ] = "text",
) -> None:
    """Answer a prompt with a model that runs on the engine."""
    from workbench.cli.engine import call_verb

    call_verb(
        "generate",
        {
            "model": model,
            "weights": weights,
            "weight-format": weight_format,
            "backend": backend,
            "graphs": graphs,
            "variant": variant,
            "context": context,
            "chunk": chunk,
            "prompt": prompt,
            "max-tokens": max_tokens,
            "temperature": temperature,
            "top-k": top_k,
            "top-p": top_p,
            "seed": seed,
            "format": output_format,
        },
    )
