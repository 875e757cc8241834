"""`wb bench`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.model_options import Backend, Chunk, Seed, Variants, WeightFormat, Weights


def bench(
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|PATH", help="A name in the registry, or a path; may be repeated.", show_default=False
        ),
    ] = None,
    suite: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A line a model: MODEL [--weights W] [--weight-format F].", show_default=False
        ),
    ] = None,
    weights: Weights = None,
    weight_format: WeightFormat = None,
    backend: Backend = "auto",
    tests: Annotated[
        str,
        typer.Option(
            metavar="default|long|all",
            help="What is timed: prefill of 128, 512 and 4096 tokens and decode of 128; or prefill of 1024 to 8192 "
            "and decode of 256 behind 1024, 4096 and 8192 tokens; or both. Of the others than the default "
            "ones those are left out, and named, that need more tokens than the model was made for.",
        ),
    ] = "default",
    graphs: Annotated[str | None, typer.Option(metavar="on|off|both", help="Decode with CUDA graphs.")] = None,
    variant: Variants = None,
    reps: Annotated[int | None, typer.Option(metavar="R", help="Of each test; 5 by default.")] = None,
    processes: Annotated[int | None, typer.Option(metavar="P", help="So many processes, one after the other.")] = None,
    seed: Seed = None,
    chunk: Chunk = None,
    output_format: Annotated[str, typer.Option("--format", metavar="table|json", help="What is printed.")] = "table",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.json", help="Write the JSON document, too.")
    ] = None,
) -> None:
    """Time prefill and decode of one model or several.

    The JSON document also tells what the model computed, and the GPU's state while it decoded.
    """
    from workbench.cli.engine import call_verb

    call_verb(
        "bench",
        {
            "model": model,
            "suite": suite,
            "weights": weights,
            "weight-format": weight_format,
            "backend": backend,
            "tests": tests,
            "graphs": graphs,
            "variant": variant,
            "reps": reps,
            "processes": processes,
            "seed": seed,
            "chunk": chunk,
            "format": output_format,
            "output": output,
        },
    )
