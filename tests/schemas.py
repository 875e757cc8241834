"""Holds JSON documents against the schemas in the package."""

import json
from importlib.resources import files
from typing import Any

import jsonschema


def schema(name: str) -> dict[str, Any]:
    """A schema by its name, such as `attribution`."""
    text = (files("workbench") / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def check(document: str, name: str) -> None:
    """Fails unless the text is a JSON document of this schema."""
    jsonschema.Draft202012Validator(schema(name)).validate(json.loads(document))
