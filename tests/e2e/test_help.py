import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import capture_path
from tests.e2e.command_line import environment, wb
from workbench import __version__
from workbench.cli.model_options import VARIANT_NAMES

COMMANDS = (
    "attribute", "findings", "verify", "rules", "profile", "generate", "bench", "baseline", "gate", "scrub", "doctor",
    "demo",
)  # fmt: skip
VERBS_OF_BASELINE = ("record", "show", "diff", "refresh", "import", "table")
HEAVY = ("engine", "pandas", "numpy", "pyarrow", "adbc_driver_manager", "jinja2", "yaml")


def test_help_names_every_command(tmp_path: Path) -> None:
    done = wb("--help", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f" {command} " in done.stdout for command in COMMANDS)


@pytest.mark.parametrize(
    "command",
    [*((name,) for name in COMMANDS), ("rules", "explain"), *(("baseline", verb) for verb in VERBS_OF_BASELINE)],
)
def test_every_command_has_help(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = wb(*command, "-h", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{' '.join(command)} [OPTIONS]" in done.stdout


@pytest.mark.parametrize("command", [("attribute",), ("findings",), ("rules", "explain")])
def test_a_capture_is_called_the_same_in_help_as_elsewhere(tmp_path: Path, command: tuple[str, ...]) -> None:
    usage = wb(*command, "-h", folder=tmp_path).stdout.strip().splitlines()[0]
    assert "CAPTURE" in usage
    assert "capture" not in usage


def test_help_says_what_a_report_is_written_as(tmp_path: Path) -> None:
    text = wb("findings", "-h", folder=tmp_path, COLUMNS="200").stdout
    assert "By default terminal; with -o markdown, or json for a FILE.json." in text


@pytest.mark.parametrize("arguments", [["--help"], ["attribute", "--help"], ["--version"], ["findings", "--nonsense"]])
def test_help_imports_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    script = (
        "import sys, workbench.cli.main as main\n"
        f"sys.argv = ['wb', *{arguments!r}]\n"
        "try:\n    main.main()\n"
        f"finally:\n    print('imported', *({HEAVY!r} & sys.modules.keys()))"
    ).replace(repr(HEAVY), repr(set(HEAVY)))
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "imported"


def test_a_group_without_a_command_shows_its_help(tmp_path: Path) -> None:
    for arguments in ([], ["rules"]):
        done = wb(*arguments, folder=tmp_path)
        assert "Usage:" in done.stdout
        assert done.stderr == ""


def test_the_version(tmp_path: Path) -> None:
    done = wb("--version", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"wb {__version__}\n", "")


def test_the_installed_command_is_the_module(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("wb")
    if not script.exists():
        pytest.skip("the package is not installed beside this interpreter")
    arguments = ["attribute", str(capture_path("engine_style")), "--format", "csv"]
    run = [
        subprocess.run([*command, *arguments], cwd=tmp_path, env=environment(), capture_output=True, check=False)
        for command in ([script], [sys.executable, "-m", "workbench"])
    ]
    assert [done.returncode for done in run] == [0, 0]
    assert run[0].stdout == run[1].stdout


@pytest.mark.parametrize("size", ["²", "9" * 5000, "-1", "", "wide", "0"])
def test_an_odd_size_of_the_terminal_is_passed_over(tmp_path: Path, size: str) -> None:
    sizes = {"COLUMNS": size, "LINES": size, "TERMINAL_WIDTH": size}
    for arguments in (["--help"], ["rules", "explain", capture_path("engine_style"), "gemv"]):
        done = wb(*arguments, folder=tmp_path, **sizes)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout


@pytest.mark.parametrize("command", ["profile", "bench", "generate", "gate"])
def test_help_names_the_variants(tmp_path: Path, command: str) -> None:
    text = wb(command, "--help", folder=tmp_path, COLUMNS="200").stdout
    assert all(name in text for name in VARIANT_NAMES)
