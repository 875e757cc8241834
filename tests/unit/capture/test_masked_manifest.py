from dataclasses import replace

from tests.unit.test_manifest import a_manifest
from workbench.capture.environment_values import EnvironmentValues
from workbench.capture.hidden_values import HiddenValue
from workbench.capture.masked_manifest import hidden_in_manifest, masked_command, masked_manifest
from workbench.manifest import Manifest, Profiler, Program

VALUES = EnvironmentValues([("TEAMX", "blueberry"), ("RANGE", "summertime"), ("PIN", "4711")])


def _manifest() -> Manifest:
    return replace(
        a_manifest(),
        program=Program(("/opt/bin/serve", "--team=blueberry", "--api-key", "abc", "--pin", "4711")),
        workload={"by": ["blueberry"]},
        nsys=Profiler("2025.3.1.90", ("--trace=cuda,nvtx", "--nvtx-capture=summertime@*")),
        warnings=("blueberry is in /home/alice/blueberry/x",),
    )


def test_everything_that_the_program_or_its_user_said_is_masked() -> None:
    masked = masked_manifest(_manifest(), VALUES)
    assert masked.program.command == ("serve", "--team=***", "--api-key", "***", "--pin", "4711")
    assert masked.workload == {"by": ["***"]}
    assert masked.nsys.flags == ("--trace=cuda,nvtx", "--nvtx-capture=***@*")
    assert masked.warnings == ("*** is in x",)
    assert masked.captures == _manifest().captures
    assert "blueberry" not in masked.to_json()


def test_whose_values_were_masked() -> None:
    assert hidden_in_manifest(_manifest(), VALUES) == (HiddenValue(("TEAMX",), 2), HiddenValue(("RANGE",), 1))
    assert hidden_in_manifest(replace(_manifest(), workload=None), VALUES)[0].texts == 1


def test_a_program_that_says_nothing() -> None:
    assert masked_manifest(replace(_manifest(), workload=None), VALUES).workload is None
    assert masked_command([], VALUES) == ()
