import pytest

from workbench.cli import machine_state
from workbench.cli.machine_state import depressions

GOOD = "0, 700.00, 700.00, 1980, 1980, Not Active, Not Active, Not Active, Not Active, 0"


def told(monkeypatch: pytest.MonkeyPatch, table: str | None, processes: str | None = "") -> list[str]:
    """What is said where `nvidia-smi` answers so; None where there is none."""
    monkeypatch.setattr(
        machine_state, "output_of", lambda command: processes if "compute-apps" in command[1] else table
    )
    return depressions()


@pytest.mark.parametrize("table", [None, "", "nonsense", GOOD, GOOD.replace("1980", "[N/A]"), f"{GOOD}\n{GOOD}"])
def test_a_machine_in_order_and_one_that_says_nothing_are_not_remarked_on(
    monkeypatch: pytest.MonkeyPatch, table: str | None
) -> None:
    assert told(monkeypatch, table, None) == []


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (GOOD.replace("700.00, 700.00", "500.00, 700.00"), "GPU 0 is capped at 500 W of 700 W"),
        (GOOD.replace("1980, 1980", "1200, 1980"), "the clock of GPU 0 is set to 1200 MHz of 1980 MHz"),
        (
            GOOD.replace("Not Active, Not Active", "Not Active, Active", 1),
            "GPU 0 holds its clocks down for heat (hardware)",
        ),
        (GOOD[:-1] + "97", "GPU 0 is busy already (97 %)"),
    ],
)
def test_what_slows_a_gpu_down_is_named(monkeypatch: pytest.MonkeyPatch, table: str, sentence: str) -> None:
    assert told(monkeypatch, table) == [sentence]


def test_other_processes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = told(monkeypatch, GOOD, "4711\n")
    assert one.startswith("1 other process uses a GPU")
    (two,) = told(monkeypatch, GOOD, "4711\n4712\n")
    assert two.startswith("2 other processes use a GPU")
