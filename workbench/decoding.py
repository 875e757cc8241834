"""Reads JSON that may hold anything: numbers within bounds, and dataclasses by the types of their fields."""

import json
import math
import types
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

# Digits of a whole number that a float can still hold.
_MOST_DIGITS = 300

_T = TypeVar("_T")


class NestingError(ValueError):
    """A document is nested so deeply that it was not made by a program of ours."""


class MismatchError(Exception):
    """A value is not of the type that its place calls for."""


class RepeatedKeyError(ValueError):
    """An object tells something twice."""


def parse_json(text: str, *, unique_keys: bool = False) -> Any:
    """What a JSON text holds; every number in it is one that a float can hold.

    Args:
        text: the JSON.
        unique_keys: whether a key that stands twice in an object is refused; else the last one counts.

    Raises:
        ValueError: it is no such text.
        RepeatedKeyError: a key stands twice in an object.
        NestingError: it is nested too deeply.
    """
    try:
        return json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_int=whole_number,
            parse_float=_number,
            object_pairs_hook=_unique if unique_keys else None,
        )
    except RecursionError as error:
        raise NestingError("nested too deeply") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise RepeatedKeyError(f"{key!r} stands twice in one object")
        found[key] = value
    return found


def whole_number(digits: str) -> int:
    """A whole number of a JSON text.

    Raises:
        ValueError: it has more digits than a number of anything.
    """
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is beyond all bounds")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def decode(expected: type[_T], value: Any, where: str = "") -> _T:
    """Turns plain JSON into dataclasses, and tuples, by the types of their fields. Unknown keys are passed over.

    Args:
        expected: a type; of unions only those with None.
        value: plain JSON.
        where: its place in the document, for messages.

    Raises:
        MismatchError: it is not of this type.
    """
    result: Any
    if is_dataclass(expected):
        result = expected(**_fields(expected, value, where))
    elif get_origin(expected) in (Union, types.UnionType):
        (inner,) = (option for option in get_args(expected) if option is not types.NoneType)
        result = None if value is None else decode(inner, value, where)
    elif get_origin(expected) is tuple:
        items = _checked(list, value, where)
        options = get_args(expected)
        options = options[:1] * len(items) if options[-1] is Ellipsis else options
        if len(items) != len(options):
            raise MismatchError(f"{where} does not hold {len(options)} values")
        pairs = zip(options, items, strict=True)
        result = tuple(decode(option, item, f"{where}[{index}]") for index, (option, item) in enumerate(pairs))
    elif expected is float and type(value) is int:
        result = float(value)
    else:
        result = _checked(get_origin(expected) or expected, value, where)
    decoded: _T = result
    return decoded


def _fields(expected: type[Any], value: Any, where: str) -> dict[str, Any]:
    document = _checked(dict, value, where or "the file")
    hints = get_type_hints(expected)
    prefix = f"{where}." if where else ""
    missing = [field.name for field in fields(expected) if field.default is MISSING and field.name not in document]
    if missing:
        raise MismatchError(f"{prefix}{missing[0]} is missing")
    return {
        field.name: decode(hints[field.name], document[field.name], prefix + field.name)
        for field in fields(expected)
        if field.name in document
    }


def _checked(expected: type[_T], value: Any, where: str) -> _T:
    # bool is a subclass of int, and no number here.
    if type(value) is not expected:
        raise MismatchError(f"{where} is no {expected.__name__}")
    return value
