from pathlib import Path

from tests.unit.report.rendered import tables
from workbench.analysis.idle import IdleKind
from workbench.report.terms import IDLE_NAMES, terms

ARCHITECTURE = Path(__file__).parents[3] / "ARCHITECTURE.md"


def test_every_idle_kind_has_a_name_and_a_meaning() -> None:
    assert list(IDLE_NAMES) == [kind.label for kind in IdleKind]
    defined = dict(terms())
    assert all(defined[name].startswith("idle time: ") for name in IDLE_NAMES.values())


def test_idle_kinds_have_the_same_names_in_the_description_of_the_architecture() -> None:
    kinds = next(table for table in tables(ARCHITECTURE.read_text(encoding="utf-8")) if table[0][0] == "kind")
    assert [row[0] for row in kinds[1:]] == list(IDLE_NAMES.values())


def test_what_json_and_targets_call_otherwise_is_said() -> None:
    defined = dict(terms())
    assert defined["waiting for launches"].endswith(" (launch_starved in targets and JSON)")
    assert "in targets" not in defined["no work"]


def test_limits_are_those_that_detectors_apply() -> None:
    defined = dict(terms())
    assert "at least 200 µs and 20 times the phase's median gap" in defined["long wait"]
    assert "more than 1.25 times the median step" in defined["outlier"]
    assert defined["effort"] == "for someone who knows the program: S 0.5 days, M 2 days, L 8 days"


def test_each_term_is_defined_once_and_in_one_line() -> None:
    names = [name for name, _ in terms()]
    assert {"step", "wall", "busy", "kernel time", "late", "long wait", "outlier", "effort"} <= set(names)
    assert len(names) == len(set(names))
    assert not any("\n" in meaning for _, meaning in terms())


def test_of_a_cpus_times_no_term_speaks_of_a_gpu() -> None:
    assert not any("GPU" in meaning for _, meaning in terms(of_cpu=True))
    assert dict(terms(of_cpu=True))["busy"] == "the time in which at least one operation runs on the device"
    assert dict(terms())["busy"] == "the time in which at least one operation runs on the GPU"
