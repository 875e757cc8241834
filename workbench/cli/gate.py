"""`wb gate`: whether code is still as fast, as small and as right as a baseline."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.baseline_runs import Captures, Cooldown, Processes, Repetitions
from workbench.cli.measuring import DEFAULT_COOLDOWN_S
from workbench.cli.model_options import Variants
from workbench.cli.stages import say
from workbench.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.cli.gate_runs import GateOptions
    from workbench.gate.verdict import GateReport
    from workbench.gate.walk import Walk

_SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
_LEAST_WITH_PERCENT = 0.1
_MOST_TOLERANCE = 0.2
_SHARE = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)\s*(%?)")


@dataclass(frozen=True)
class _Answer:
    """An answer in every form."""

    exit_code: int
    json: str
    markdown: str
    show: "Callable[[Console], None]"


class Format(StrEnum):
    """How the answer is printed."""

    TABLE = "table"
    JSON = "json"


_Baseline = Annotated[Path, typer.Argument(metavar="BASELINE", help="What `wb baseline record` wrote.")]
_Tolerance = Annotated[str, typer.Option(metavar="1%|0.01", help="How much slower or larger is allowed, beside noise.")]
_Distance = Annotated[
    float | None,
    typer.Option(
        metavar="D", help="Allow other tokens where no logit is further from the baseline's.", show_default=False
    ),
]
_Model = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="Where the baseline's model lies on this machine.", show_default=False),
]
_Probe = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH", help="A model with real weights, whose answer to a question is judged.", show_default=False
    ),
]
_ProbePrompt = Annotated[str, typer.Option(metavar="TEXT", help="The question.")]
_ProbeWord = Annotated[str, typer.Option(metavar="WORD", help="What the answer must hold.")]
_Commits = Annotated[
    str | None,
    typer.Option(
        metavar="A..B",
        help="Run the benchmarks at each commit of a range, and name the first at which a number moved or tokens "
        "differ; memory, captures and a probe are not looked at.",
        show_default=False,
    ),
]
_Format = Annotated[Format, typer.Option("--format", help="What is printed.")]
_Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Write the answer, too: JSON, or Markdown to a FILE.md.",
        show_default=False,
    ),
]
_Summary = Annotated[bool, typer.Option("--summary", help=f"Append the answer to ${_SUMMARY_VARIABLE}, as Markdown.")]
_Force = Annotated[bool, typer.Option("--force", help="Replace a file that this command did not write.")]


def gate(
    baseline: _Baseline,
    tolerance: _Tolerance = "1%",
    processes: Processes = None,
    repetitions: Repetitions = None,
    captures: Captures = None,
    cooldown: Cooldown = DEFAULT_COOLDOWN_S,
    logits_distance: _Distance = None,
    model: _Model = None,
    variant: Variants = None,
    probe: _Probe = None,
    probe_prompt: _ProbePrompt = "The capital of France is",
    probe_word: _ProbeWord = "Paris",
    commits: _Commits = None,
    output_format: _Format = Format.TABLE,
    output: _Output = None,
    summary: _Summary = False,
    force: _Force = False,
) -> None:
    """Run what a baseline ran, and say whether it is still as fast, fits, computes the same and runs in graphs.

    Exit code 0: passed; 1: a gate failed; 2: it could not be judged.
    """
    from workbench.cli.gate_runs import GateOptions, gate_report, gate_walks

    asked = GateOptions(
        baseline=baseline,
        tolerance=share_of(tolerance),
        processes=processes,
        repetitions=repetitions,
        captures=captures,
        cooldown_s=cooldown,
        logits_distance=logits_distance,
        model=model,
        variants=tuple(sorted(set(variant or ()))),
        probe=probe,
        probe_prompt=probe_prompt,
        probe_word=probe_word,
    )
    _check_options(asked, of_commits=commits is not None)
    if output is not None:
        _check_output(output, of_commits=commits is not None, force=force)
    answer = _of_report(gate_report(asked)) if commits is None else _of_walks(asked, gate_walks(asked, commits))
    _print(answer, output_format)
    if output is not None:
        _write(answer, output)
    if summary:
        _summarize(answer)
    raise typer.Exit(answer.exit_code)


def share_of(text: str) -> float:
    """A share from what a user types: `1%` or `0.01`. One that may have been meant as a percentage must say so.

    Raises:
        UserError: it is none, too large for a gate to tell anything, or may mean either.
    """
    match = _SHARE.fullmatch(text.strip())
    value = float(match[1]) / (100 if match[2] else 1) if match else 1.0
    if match is None or value >= 1:
        raise UserError(f"--tolerance {text} is no share; give one as in 1% or 0.01")
    if not match[2] and value >= _LEAST_WITH_PERCENT:
        raise UserError(f"--tolerance {text} may mean {value:.4g} % or {value:.4g} of the whole; give it with a % sign")
    if value > _MOST_TOLERANCE:
        raise UserError(f"--tolerance {text} would let any loss pass; give {100 * _MOST_TOLERANCE:.0f}% at most")
    return value


def _check_options(asked: "GateOptions", *, of_commits: bool) -> None:
    """Refuses a distance that is none, and with commits what a walk over them would not look at."""
    distance = asked.logits_distance
    if distance is not None and not 0 <= distance < float("inf"):
        raise UserError(f"--logits-distance {distance} makes no sense; give 0 or more")
    given = {
        "--probe": asked.probe, "--logits-distance": asked.logits_distance, "--captures": asked.captures
    }  # fmt: skip
    named = [option for option, value in given.items() if value is not None]
    if of_commits and named:
        raise UserError(f"--commits holds times and tokens against each other alone; leave {' and '.join(named)} out")


def _of_report(report: "GateReport") -> _Answer:
    from workbench.report.gate_json import to_json
    from workbench.report.gate_markdown import to_markdown
    from workbench.report.gate_terminal import print_gate

    return _Answer(report.exit_code, to_json(report), to_markdown(report), partial(print_gate, report))


def _of_walks(asked: "GateOptions", walks: "Sequence[Walk]") -> _Answer:
    from workbench.gate.walk import exit_code
    from workbench.report.gate_walk import print_walks, walks_json, walks_markdown
    from workbench.report.origin import as_named

    text = walks_json(as_named(asked.baseline), walks)
    return _Answer(exit_code(walks), text, walks_markdown(walks), partial(print_walks, walks))


def _check_output(output: Path, *, of_commits: bool, force: bool) -> None:
    from workbench.files import refuse_to_replace, refuse_unwritable_folder
    from workbench.report import gate, gate_walk

    refuse_unwritable_folder(output.parent, "-o")
    as_json = gate_walk.JSON_MARK if of_commits else gate.JSON_MARK
    refuse_to_replace(output, force=force, ours=gate.MARK if output.suffix == ".md" else as_json)


def _print(answer: _Answer, output_format: Format) -> None:
    from workbench.cli.console import output_console

    if output_format is Format.JSON:
        print(answer.json, end="")
    else:
        answer.show(output_console())


def _write(answer: _Answer, output: Path) -> None:
    from workbench.files import write_text

    write_text(output, answer.markdown if output.suffix == ".md" else answer.json)
    say(f"the answer is in {output}")


def _summarize(answer: _Answer) -> None:
    """Appends to the summary of a workflow's step; a summary that cannot be written changes no answer."""
    path = os.environ.get(_SUMMARY_VARIABLE)
    if not path:
        say(f"{_SUMMARY_VARIABLE} is not set, so there is no summary to append to")
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{answer.markdown}\n")
    except OSError as error:
        say(f"warning: {path} cannot be written ({error.strerror or error}), so there is no summary")
