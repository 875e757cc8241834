"""`wb profile` and `wb attribute` on a transformers model annotated as the README says."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_line import wb

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="transformers is not installed"),
]

PROGRAM = Path(__file__).parent / "programs" / "transformers_decode.py"
LAYERS, STEPS = 4, 8


def decode_rows(folder: Path, mode: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Profiles the program; returns its decode phase and that phase's rows by layer type, layer and role."""
    done = wb("profile", "--", sys.executable, str(PROGRAM), mode, folder=folder)
    assert done.returncode == 0, done.stderr
    (capture,) = (folder / "profiles").iterdir()
    printed = wb(
        "attribute", capture, "--by", "layer_type,layer,role", "--phase", "decode", "--format", "json", folder=folder
    )
    document = json.loads(printed.stdout)
    (phase,) = [entry for entry in document["phases"] if entry["phase"] == "decode"]
    return phase, document["rows"]


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_every_module_has_its_kernels(tmp_path: Path, mode: str) -> None:
    phase, rows = decode_rows(tmp_path, mode)
    assert (phase["steps"], phase["steps_source"]) == (STEPS, "ranges")
    assert phase["attributed_ns"] > 0.95 * phase["kernel_ns"]
    counts = {(row["layer_type"], row["role"], row["layer"]): row["count"] for row in rows}
    for role in ("q_proj", "k_proj", "v_proj", "o_proj"):
        assert {counts["attention", role, layer] % STEPS for layer in range(LAYERS)} == {0}
    for role in ("gate_proj", "up_proj", "down_proj"):
        assert {counts["mlp", role, layer] % STEPS for layer in range(LAYERS)} == {0}


def test_without_ranges_steps_are_inferred_and_kernels_known_by_name(tmp_path: Path) -> None:
    phase, rows = decode_rows(tmp_path, "unannotated")
    assert phase["steps_source"] == "inferred"
    assert abs(phase["steps"] - STEPS) <= 1
    assert phase["attributed_ns"] > 0.5 * phase["kernel_ns"]
    assert {"attention", "mlp"} & {row["layer_type"] for row in rows}
