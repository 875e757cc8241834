"""What the import linter cannot hold: who prints, who opens files, and that every module says what it is for."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "workbench").rglob("*.py"))
BELOW_CLI = [module for module in MODULES if not module.startswith("workbench/cli/")]
COMPUTING = [
    module
    for module in MODULES
    if module.startswith(
        tuple(f"workbench/{package}/" for package in ("analysis", "attribution", "compare", "findings", "gate"))
    )
]
# Loads the rules that ship with the package, and the user's.
OPENS_FILES = "workbench/attribution/rule_files.py"
PRINTERS = {"print", "typer.echo", "typer.secho", "click.echo", "Console", "console.Console", "rich.print"}
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}
OPENERS = {
    "open",
    ".open",
    ".fdopen",
    ".read_text",
    ".read_bytes",
    ".write_text",
    ".write_bytes",
    ".memmap",
    ".fromfile",
}
FILE_MODULES = {"io", "pathlib", "tempfile", "shutil", "sqlite3", "importlib.resources", "lzma", "mmap"}


def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


def calls(node: ast.AST, functions: set[str]) -> set[str]:
    """Which of these functions are called: `f` by that name alone, `a.f` also as `b.a.f`, `.f` of anything."""
    called = [ast.unparse(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)]
    return {
        function
        for function in functions
        for name in called
        if name == function or ("." in function and name.endswith("." + function.removeprefix(".")))
    }


def standard_streams(node: ast.AST) -> Iterator[str]:
    """Where `sys.stdout` or `sys.stderr` is used, under whatever name."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "sys":
            yield part.attr
        elif isinstance(part, ast.ImportFrom) and part.module == "sys":
            yield from (name.name for name in part.names)


def imported(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Import):
            yield from (name.name for name in part.names)
        elif isinstance(part, ast.ImportFrom) and part.module:
            yield part.module


def test_every_module_says_what_it_is_for() -> None:
    assert [module for module in MODULES if not ast.get_docstring(tree(module))] == []


def test_only_the_command_line_prints() -> None:
    """Reports print to a console that the command line gives them, and make none of their own."""
    trees = {module: tree(module) for module in BELOW_CLI}
    assert {module: found for module in trees if (found := calls(trees[module], PRINTERS))} == {}
    assert [module for module in trees if STREAMS & set(standard_streams(trees[module]))] == []
    assert [module for module in trees if {"typer", "click"} & set(imported(trees[module]))] == []


def test_what_computes_opens_no_file() -> None:
    trees = {module: tree(module) for module in COMPUTING if module != OPENS_FILES}
    assert {module: found for module in trees if (found := calls(trees[module], OPENERS))} == {}
    assert [module for module in trees if FILE_MODULES & set(imported(trees[module]))] == []


def test_all_of_the_package_is_looked_at() -> None:
    assert {"workbench/files.py", "workbench/report/terminal.py", OPENS_FILES} <= set(MODULES)
    assert set(COMPUTING) < set(BELOW_CLI) < set(MODULES)


def test_the_one_exception_is_still_needed() -> None:
    assert calls(tree(OPENS_FILES), OPENERS)


@pytest.mark.parametrize("source", ["print('x')", "typer.echo('x')", "rich.console.Console()", "Console().print(1)"])
def test_printing_would_be_seen(source: str) -> None:
    assert calls(ast.parse(source), PRINTERS)


def test_printing_to_a_console_that_was_given_is_none() -> None:
    assert not calls(ast.parse("console.print('x')"), PRINTERS)


@pytest.mark.parametrize("source", ["sys.stdout.write('x')", "from sys import stderr", "f(file=sys.stderr)"])
def test_standard_streams_would_be_seen(source: str) -> None:
    assert STREAMS & set(standard_streams(ast.parse(source)))


@pytest.mark.parametrize("source", ["open('x')", "path.open()", "Path('x').read_text()", "np.memmap('x')"])
def test_opening_would_be_seen(source: str) -> None:
    assert calls(ast.parse(source), OPENERS)
