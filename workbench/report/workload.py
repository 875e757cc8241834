"""What the engine says of a run, as reports show it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.analysis.footprint import SCHEMA
from workbench.report import quantities
from workbench.report.texts import cut

# The parts of the engine's document that a reader of a report wants; times and roles have tables of their own.
_SECTIONS = ("model", "weights", "workload", "memory", "device", "versions", "clocks", "products")
_LONGEST = 400


def workload_facts(workload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names of facts, and the facts."""
    if workload.get("schema") != SCHEMA:
        return [("workload", "; ".join(f"{name}: {_value(value)}" for name, value in workload.items()))]
    facts = [(f"run: {name}", _section(workload.get(name))) for name in _SECTIONS]
    return [*((name, cut(text, _LONGEST)) for name, text in facts if text), *_results(workload.get("results"))]


def run_name(workload: Mapping[str, Any]) -> str:
    """What ran: the engine with a model and its weights; empty where the engine says nothing of it."""
    if workload.get("schema") != SCHEMA:
        return ""
    model, weights = (_told(workload.get(name)) for name in ("model", "weights"))
    names = (model.get("name"), weights.get("format"))
    told = " ".join(name for name in names if isinstance(name, str))
    synthetic = "synthetic weights" if weights.get("synthetic") is True else ""
    return ", ".join(filter(None, ("engine", told, synthetic)))


def _told(section: Any) -> Mapping[str, Any]:
    return section if isinstance(section, dict) else {}


def _section(section: Any) -> str:
    if isinstance(section, dict):
        return "; ".join(f"{name.replace('_', ' ')}: {text}" for name, text in _members(section))
    return "; ".join(map(_value, section)) if isinstance(section, list) else ""


def _members(section: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in section.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and name.endswith("_bytes_per_s"):
            yield name.removesuffix("_bytes_per_s"), f"{quantities.size(value)}/s"
        elif is_number and name.endswith("_per_s"):
            yield name.removesuffix("_per_s"), f"{value / 1e12:.3g} T/s"
        elif is_number and (name == "bytes" or name.endswith("_bytes")):
            yield name.removesuffix("_bytes"), quantities.size(value)
        elif is_number:
            yield name, quantities.count(value) if name == "parameters" else _value(value)
        elif value is not None and value != []:
            yield name, _value(value)


def _results(results: Any) -> list[tuple[str, str]]:
    tokens = results.get("tokens_sha256") if isinstance(results, dict) else None
    return [("run: tokens", f"SHA-256 {cut(tokens, 64)}")] if isinstance(tokens, str) else []


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
