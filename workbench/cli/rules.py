"""`wb rules`: the layer rules, and what they make of a capture."""

from pathlib import Path
from typing import Annotated

import typer

rules = typer.Typer(no_args_is_help=True, help="Look into the rules that tell layers.")


@rules.command()
def explain(
    capture: Annotated[
        Path,
        typer.Argument(metavar="CAPTURE", help="An .sqlite export, .sqlite.xz, .sqlite.zst, .nsys-rep, or a folder."),
    ],
    kernel: Annotated[str, typer.Argument(metavar="KERNEL", help="Part of a kernel's name, short or long.")],
    own_rules: Annotated[list[Path] | None, typer.Option("--rules", help="A rule file of your own.")] = None,
) -> None:
    """Say which rule took a kernel, and print a stub in YAML for what none took."""
    from workbench.analysis.explanation import explain as explain_kernel
    from workbench.attribution.attribution import attribute
    from workbench.attribution.rule_files import load_rules
    from workbench.cli.captures import open_capture
    from workbench.errors import UserError
    from workbench.report.capture import notice
    from workbench.report.rules import explanation_text

    layer_rules = load_rules(tuple(own_rules or ()))
    trace = open_capture(capture)
    explanation = explain_kernel(attribute(trace, layer_rules), kernel)
    if not explanation.count:
        raise UserError(f"no kernel of {capture.name} has {kernel!r} in its name; wb attribute --by kernel lists them")
    if notice(trace.info):
        print(notice(trace.info))
    print(explanation_text(explanation), end="")
