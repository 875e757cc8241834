"""`wb demo`: the report of a capture from a real GPU, then a profile of a tiny model on this machine."""

import sys
from pathlib import Path
from typing import Annotated

import typer

_CAPTURE = "hf_qwen3_graph"
_OF = "Qwen3-0.6B's shape in transformers, with CUDA graphs, on an H200"
_MODEL, _WORKLOAD = "tiny-qwen3", "pp=64,tg=16"


def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Write captures and reports into this folder.")
    ] = Path("wb-demo"),
) -> None:
    """Show what a report looks like, then profile a tiny model from end to end on this machine."""
    from workbench.cli.profile_model import ModelProfile, profile_model
    from workbench.cli.reports import compile_report, print_report, write_report

    shown: list[Path] = []
    kept = _kept_capture()
    if kept is None:
        _title("The capture of a real GPU, profiles/hf_qwen3_graph, lies in the project's repository, not here.")
    else:
        _title(f"The findings in a capture of {_OF}")
        report = compile_report(kept)
        print_report(report)
        shown = [*write_report(report, output / f"{_CAPTURE}.md", as_json=False, force=False)[:1]]
    _title(f"The same on this machine: wb profile --model {_MODEL} --workload {_WORKLOAD}")
    asked = ModelProfile(
        model=_MODEL,
        workload=_WORKLOAD,
        graphs="on",
        variants=(),
        backend="auto",
        more={},
        repetitions=1,
        name=None,
        output=output / "profiles",
        reports=output / "reports",
        keep_reports=None,
    )
    before = _reports(output)
    code = profile_model(asked)
    shown += sorted(_reports(output) - before)
    if code == 0:
        _title("To look at:")
        print(*shown, sep="\n")
        print("Next: wb findings YOUR.nsys-rep, or wb profile --model NAME|PATH")
    raise typer.Exit(code)


def _kept_capture() -> Path | None:
    """The capture's folder, in the repository that holds this package, or in the current one."""
    places = (Path(__file__).parents[2] / "profiles" / _CAPTURE, Path("profiles") / _CAPTURE)
    return next((place for place in places if place.is_dir()), None)


def _reports(output: Path) -> set[Path]:
    return set((output / "reports").glob("*.md"))


def _title(text: str) -> None:
    print(f"\n{text}\n", flush=True)
    sys.stdout.flush()
