"""What a profiled program says of its own work: the JSON object that it writes to `$WB_WORKLOAD_MANIFEST`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.capture.environment_values import EnvironmentValues
from workbench.capture.paths import shorten_paths
from workbench.errors import UserError

VARIABLE = "WB_WORKLOAD_MANIFEST"


def read_workload(file: Path) -> dict[str, Any] | None:
    """The object in the file; None if the program wrote none.

    Raises:
        UserError: the file is no JSON object.
    """
    try:
        # What JSON cannot express (NaN, Infinity) becomes null.
        workload = json.loads(file.read_text(encoding="utf-8"), parse_constant=lambda _: None)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"what the program wrote to ${VARIABLE} is left out, for it is not JSON ({error})") from error
    if not isinstance(workload, dict):
        raise UserError(f"what the program wrote to ${VARIABLE} is left out, for it is no JSON object")
    return workload


def texts_of(workload: Any) -> Iterator[str]:
    """Every text in the object, keys among them, with paths shortened."""
    if isinstance(workload, dict):
        for key, item in workload.items():
            yield shorten_paths(key)
            yield from texts_of(item)
    elif isinstance(workload, list):
        for item in workload:
            yield from texts_of(item)
    elif isinstance(workload, str):
        yield shorten_paths(workload)


def clean_workload(workload: dict[str, Any], values: EnvironmentValues) -> dict[str, Any]:
    """The object with paths shortened, and values of the environment and secrets masked, in its texts."""
    return {_clean(key, values): _clean(item, values) for key, item in workload.items()}


def _clean(value: Any, values: EnvironmentValues) -> Any:
    if isinstance(value, dict):
        return clean_workload(value, values)
    if isinstance(value, list):
        return [_clean(item, values) for item in value]
    return values.mask_in_speech(shorten_paths(value)) if isinstance(value, str) else value
