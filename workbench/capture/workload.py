"""What a profiled program says of its own work: the JSON object that it writes to `$WB_WORKLOAD_MANIFEST`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.capture.environment_values import EnvironmentValues
from workbench.capture.paths import shorten_paths
from workbench.capture.secrets import MASK, is_secret_name
from workbench.decoding import whole_number
from workbench.errors import UserError
from workbench.files import UnsuitableFileError, read_ordinary_file

VARIABLE = "WB_WORKLOAD_MANIFEST"
_MOST_BYTES = 1 << 20
_DEEPEST = 64


def read_workload(file: Path) -> dict[str, Any] | None:
    """The object in the file; None if the program wrote none.

    Raises:
        UserError: the file is no JSON object, or not one that a manifest can hold.
    """
    try:
        # What JSON cannot express (NaN, Infinity) becomes null.
        workload = json.loads(
            read_ordinary_file(file, _MOST_BYTES).decode(), parse_constant=lambda _: None, parse_int=whole_number
        )
        if not isinstance(workload, dict):
            raise _left_out("is no JSON object")
        if _is_deeper(workload, _DEEPEST):
            raise _left_out(f"is nested more than {_DEEPEST} deep")
        # Half a character and numbers beyond all bounds can be read, but not be written again.
        json.dumps(workload, ensure_ascii=False, allow_nan=False).encode()
    except FileNotFoundError:
        return None
    except RecursionError as error:
        raise _left_out(f"is nested more than {_DEEPEST} deep") from error
    except UnsuitableFileError as error:
        raise _left_out(f"is {error}") from error
    except (OSError, ValueError) as error:
        raise _left_out(f"is not JSON ({error})") from error
    return workload


def _left_out(why: str) -> UserError:
    return UserError(f"what the program wrote to ${VARIABLE} is left out, for it {why}")


def _is_deeper(workload: Any, most: int) -> bool:
    level = [workload]
    for _ in range(most):
        level = [
            item
            for value in level
            if isinstance(value, dict | list)
            for item in (value.values() if isinstance(value, dict) else value)
        ]
    return any(isinstance(value, dict | list) for value in level)


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
    """The object with paths shortened, and values of the environment and secrets masked, in its texts.

    Whatever has a name that tells of a secret is masked altogether.
    """
    return {
        _clean(key, values): MASK if is_secret_name(key) and _may_be_secret(item) else _clean(item, values)
        for key, item in workload.items()
    }


def _may_be_secret(item: Any) -> bool:
    return item is not None and not isinstance(item, bool)


def _clean(value: Any, values: EnvironmentValues) -> Any:
    if isinstance(value, dict):
        return clean_workload(value, values)
    if isinstance(value, list):
        return [_clean(item, values) for item in value]
    return values.mask_in_speech(shorten_paths(value)) if isinstance(value, str) else value
