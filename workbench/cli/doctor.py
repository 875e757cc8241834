"""`wb doctor`."""

import typer


def doctor() -> None:
    """Say what is installed, what is missing for which feature, and the command that mends it.

    It also says whether models would run on a GPU or on NumPy.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from workbench.capture.doctor import examine
    from workbench.cli.engine_check import engine_check

    checks = (*examine(), engine_check())
    table = Table(box=box.SIMPLE, pad_edge=False)
    for heading in ("", "what", "found", "for"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        mark = "ok" if check.ok else "missing" if check.required else "-"
        table.add_row(*map(Text, (mark, check.name, check.found, check.feature)))
    console = Console(highlight=False)
    console.print(table)
    for check in checks:
        if check.place:
            # A path that is folded cannot be copied.
            console.print(f"{check.name}: {check.place}", markup=False, soft_wrap=True)
    missing = [check for check in checks if not check.ok]
    for remedy in dict.fromkeys(check.remedy for check in missing):
        names = ", ".join(check.name for check in missing if check.remedy == remedy)
        console.print(f"{names}: {remedy}", markup=False, soft_wrap=True)
    if any(check.required for check in missing):
        raise typer.Exit(1)
