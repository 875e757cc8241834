"""`wb baseline`: keeps what was measured, and shows, compares, renews and imports it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.baseline_runs import Captures, Cooldown, Processes, Repetitions
from workbench.cli.measuring import DEFAULT_COOLDOWN_S
from workbench.cli.model_options import Backend, Chunk, Seed, Variants, WeightFormat, Weights
from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.gate.baseline import Baseline
    from workbench.gate.measured import MeasuredModel, Request

baseline = typer.Typer(no_args_is_help=True, help="Keep what was measured of models, to hold later code against.")

_Tests = Annotated[
    str,
    typer.Option(
        metavar="default|long|all",
        help="Which benches: prefill of 128, 512 and 4096 tokens and decode of 128; or prefill of 1024 to 8192 and "
        "decode of 256 at depth; or both.",
    ),
]
_File = Annotated[Path, typer.Argument(metavar="FILE", help="A baseline.")]
_Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE.json",
        help="Write it here; by default baselines/<model>-<format>-<gpu>-<date>.json. Nothing is written over.",
        show_default=False,
    ),
]


@baseline.command()
def record(
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
    variant: Variants = None,
    seed: Seed = None,
    chunk: Chunk = None,
    tests: _Tests = "default",
    workload: Annotated[str, typer.Option(metavar="pp=N,tg=N", help="Of the captures.")] = "pp=256,tg=48",
    processes: Processes = None,
    repetitions: Repetitions = None,
    captures: Captures = None,
    cooldown: Cooldown = DEFAULT_COOLDOWN_S,
    output: _Output = None,
) -> None:
    """Measure models and keep what came of it: speed, memory, results, where a step goes, and on what."""
    from workbench.cli.baseline_files import default_file, refuse_target
    from workbench.cli.baseline_runs import effort_like, measure_all
    from workbench.gate.measured import Request

    refuse_target(output)
    if weights and (suite or len(model or ()) > 1):
        raise UserError("--weights are those of one model; name several in a suite, each with its own")
    variants = tuple(sorted(set(variant or ())))
    template = Request("", weights, weight_format, variants, backend, chunk, seed, tests, workload)
    requests = _requests(template, model or (), suite)
    models = measure_all(requests, effort_like((), processes, repetitions, captures, cooldown))
    _keep(output or default_file(models, suite.stem if suite else None), models)


@baseline.command()
def show(file: _File) -> None:
    """Show what a baseline holds, with spreads within and between processes."""
    from workbench.cli.baseline_files import read_baseline

    _print_measured(read_baseline(file).models)


@baseline.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A baseline.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Another, of the same models on the same machine.")],
) -> None:
    """Compare two baselines number by number: old, new, difference, and whether it is real."""
    from workbench.cli.baseline_files import read_baseline

    before, after = read_baseline(old), read_baseline(new)
    if not any(after.model(measured.request) for measured in before.models):
        raise UserError(f"{old} and {new} have no model in common, run alike; name baselines of the same models")
    if reason := _incomparable(before, after):
        raise UserError(f"{old} and {new} {reason} Compare what was measured alike")
    _print_difference(before, after)


@baseline.command()
def refresh(
    file: _File,
    yes: Annotated[bool, typer.Option("--yes", help="Replace the file without asking.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace it though old and new cannot be compared.")] = False,
    processes: Processes = None,
    repetitions: Repetitions = None,
    captures: Captures = None,
    cooldown: Cooldown = DEFAULT_COOLDOWN_S,
) -> None:
    """Measure again what a baseline holds, print old, new and difference of each number, and ask to replace it.

    It is not replaced where the two cannot be compared: another machine, or one in another state.
    """
    from workbench.cli.baseline_files import read_baseline, write_baseline
    from workbench.cli.baseline_runs import effort_like, measure_all
    from workbench.files import refuse_unwritable_folder
    from workbench.gate.baseline import Baseline

    if not yes and not sys.stdin.isatty():
        raise UserError(f"{file} stays as it is, for there would be nobody to ask; give --yes to replace it")
    old = read_baseline(file)
    refuse_unwritable_folder(file.parent, "FILE")
    effort = effort_like(old.models, processes, repetitions, captures, cooldown)
    models = measure_all([measured.request for measured in old.models], effort)
    new = Baseline(old.created_utc, tuple(models))
    _print_difference(old, new)
    if not force and (reason := _incomparable(old, new)):
        raise UserError(f"{file} stays as it is: old and new {reason} Give --force to replace it")
    if not yes and not typer.confirm(f"Replace {file}?", default=False, err=True):
        print(f"{file} stays as it is")
        return
    write_baseline(file, models)
    print(file)


@baseline.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A JSON file of another program.")],
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME|PATH", help="What its one model is called here.", show_default=False),
    ] = None,
    weights: Weights = None,
    weight_format: WeightFormat = None,
    gpu: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The GPU it was measured on, if it does not say.", show_default=False),
    ] = None,
    output: _Output = None,
) -> None:
    """Make a baseline of tokens per second that another program kept, in either of two layouts.

    These are metrics.prefill_tps.pp512 (with decode_tps and thresholds), and models.<file>.tg256.
    """
    from datetime import UTC, datetime

    from workbench.cli.baseline_files import default_file, read_text, refuse_target
    from workbench.gate.importing import import_baseline
    from workbench.gate.measured import Request

    refuse_target(output)
    text = read_text(file, "name a baseline that another program wrote")
    like = Request(model or "", weights, weight_format)
    imported = import_baseline(text, str(file), datetime.now(UTC), like=like, gpu=gpu)
    _keep(output or default_file(imported.models, file.stem), imported.models)


@baseline.command()
def table(
    files: Annotated[list[Path], typer.Argument(metavar="FILES...", help="Baselines.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="TABLE.md", help="Write it as Markdown.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that this command did not write.")] = False,
) -> None:
    """Make the table that a README shows: speeds with date, commit and conditions, stale rows marked."""
    from workbench.cli.baseline_files import read_baseline
    from workbench.cli.code_age import age_of
    from workbench.cli.console import output_console
    from workbench.files import refuse_to_replace, write_text
    from workbench.report.baseline_published import MARK, PublishedRow, print_published, published_markdown

    if output is not None:
        refuse_to_replace(output, force=force, ours=MARK)
    models = [measured for file in files for measured in read_baseline(file).models]
    rows = [PublishedRow(measured, age_of(measured.fingerprint)) for measured in models]
    if output is None:
        print_published(rows, output_console())
    else:
        write_text(output, published_markdown(rows))
        print(output)


def _requests(template: "Request", models: Sequence[str], suite: Path | None) -> "list[Request]":
    """What is to be measured: models by name, then those of a suite."""
    from dataclasses import replace

    from workbench.cli.baseline_runs import suite_requests

    named = [replace(template, model=model) for model in models]
    return named + (suite_requests(suite, template) if suite else [])


def _keep(path: Path, models: "Sequence[MeasuredModel]") -> None:
    """Writes a baseline, shows it, and says where it is."""
    from workbench.cli.baseline_files import write_baseline

    write_baseline(path, models)
    _print_measured(models)
    print(path)


def _print_measured(models: "Sequence[MeasuredModel]") -> None:
    from workbench.cli.console import output_console
    from workbench.report.baseline_terminal import print_measured

    console = output_console()
    for measured in models:
        print_measured(measured, console)
        console.print()


def _incomparable(old: "Baseline", new: "Baseline") -> str:
    """Why the first model that cannot be compared cannot be; empty where all that both hold can."""
    from workbench.gate.comparable import judge
    from workbench.gate.verdict import Status

    for measured in old.models:
        again = new.model(measured.request)
        comparable = again and judge(measured, again)
        if comparable and comparable.status is not Status.PASSED:
            return f"cannot be compared, for {measured.request.model}: {comparable.sentence}"
    return ""


def _print_difference(old: "Baseline", new: "Baseline") -> None:
    from workbench.cli.console import output_console
    from workbench.gate.baseline import difference
    from workbench.report.baseline_terminal import print_difference

    console = output_console()
    for one in difference(old, new):
        print_difference(one, console)
        console.print()
