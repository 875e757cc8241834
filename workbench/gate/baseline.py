"""What was measured, kept as JSON (`wb.baseline/1`) to hold later code against.

`workbench/schemas/baseline.schema.json` describes the file. Beside what was measured it holds what follows from that,
for people and other programs to read: speeds, medians, spreads. All of it is computed again on reading, and a digest
over the whole says whether anything was changed since: a baseline is evidence, and nobody mends evidence by hand.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any, ClassVar

from workbench.decoding import MismatchError, NestingError, RepeatedKeyError, decode, parse_json
from workbench.errors import UserError
from workbench.gate.changes import Change, changes
from workbench.gate.measured import MeasuredModel, Number, Request
from workbench.gate.plausible import refuse_implausible
from workbench.gate.spreads import spread_of

SCHEMA = "wb.baseline/1"

_FAMILY, _VERSION = SCHEMA.split("/")
_DIGEST = "sha256"
# Clocks of two machines differ by less.
_AHEAD = timedelta(days=1)
# Other programs that write the file again may round the last digits.
_ROUNDING = 1e-9
_AGAIN = "restore it, or record it again"


@dataclass(frozen=True)
class Baseline:
    """Models as they were measured.

    Attributes:
        created_utc: when, ISO 8601.
        models: each way of running one once.
    """

    created_utc: str
    models: tuple[MeasuredModel, ...]
    schema: ClassVar[str] = SCHEMA

    def model(self, request: Request) -> MeasuredModel | None:
        """The model that was run so, if there is one."""
        return next((model for model in self.models if model.request == request), None)

    def to_json(self) -> str:
        """The text of the baseline's file.

        Raises:
            UserError: it holds what cannot have been measured.
        """
        for model in self.models:
            refuse_implausible(model, "what was measured")
        document = _document(self)
        return (
            json.dumps({**document, _DIGEST: _digest(document)}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        )


@dataclass(frozen=True)
class ModelDifference:
    """A model in two baselines; in one of them it may be missing."""

    request: Request
    old: MeasuredModel | None
    new: MeasuredModel | None
    changes: tuple[Change, ...]


def difference(old: Baseline, new: Baseline) -> tuple[ModelDifference, ...]:
    """What differs between two baselines, model by model: those of the old one, then those that only the new one has.

    Of a model that one of them lacks no number is compared.
    """
    requests = dict.fromkeys(model.request for one in (old, new) for model in one.models)
    found = []
    for request in requests:
        before, after = old.model(request), new.model(request)
        compared = changes(before, after) if before and after else ()
        found.append(ModelDifference(request, before, after, compared))
    return tuple(found)


def parse_baseline(text: str, name: str, now: datetime) -> Baseline:
    """Reads the text of a baseline's file.

    Args:
        text: the file's.
        name: what the user calls it, for messages.
        now: the time, with its zone.

    Raises:
        UserError: it is no baseline, of another schema, empty, cut short, changed since it was written, contradicts
            itself, comes from the future, or holds what cannot have been measured.
    """
    document = _parsed(text, name)
    _check_schema(document, name)
    try:
        baseline = Baseline(
            decode(str, document.get("created_utc"), "created_utc"),
            decode(tuple[MeasuredModel, ...], document.get("models"), "models"),
        )
        check(baseline, now)
        for model in baseline.models:
            refuse_implausible(model, name)
        _check_same(document, {**_document(baseline), _DIGEST: document.get(_DIGEST)}, "")
    except MismatchError as error:
        raise UserError(f"{name} is malformed: {error}; {_AGAIN}") from error
    content = {key: value for key, value in document.items() if key != _DIGEST}
    if document.get(_DIGEST) != _digest(content):
        raise UserError(f"{name} was changed since it was written; {_AGAIN}")
    return baseline


def check(baseline: Baseline, now: datetime) -> None:
    """Refuses what the types allow and the meaning does not.

    Raises:
        MismatchError: nothing was measured, something twice or in the future, or it contradicts itself.
    """
    _check_time(baseline.created_utc, "created_utc", now)
    if not baseline.models:
        raise MismatchError("it holds no models")
    for one, other in combinations(baseline.models, 2):
        if one.request == other.request:
            raise MismatchError(f"it holds {one.request.model} twice")
    for place, model in enumerate(baseline.models):
        _check_model(model, f"models[{place}]", now)


def _parsed(text: str, name: str) -> dict[str, Any]:
    if not text.strip():
        raise UserError(f"{name} is empty; {_AGAIN}")
    try:
        document = parse_json(text, unique_keys=True)
    except NestingError as error:
        raise UserError(f"{name} is malformed: it is {error}; {_AGAIN}") from error
    except RepeatedKeyError as error:
        raise UserError(f"{name} is malformed: {error}; {_AGAIN}") from error
    except ValueError as error:
        raise UserError(f"{name} is no JSON, or cut short ({error}); {_AGAIN}") from error
    if not isinstance(document, dict):
        raise UserError(f"{name} is no baseline; name a file that `wb baseline record` wrote")
    return document


def _check_schema(document: dict[str, Any], name: str) -> None:
    schema = document.get("schema")
    if schema == SCHEMA:
        return
    later = re.fullmatch(rf"{re.escape(_FAMILY)}/(\d{{1,9}})", schema) if isinstance(schema, str) else None
    if later and int(later[1]) > int(_VERSION):
        raise UserError(f"{name} is of the later schema {schema}; read it with the workbench that wrote it")
    if "schema" not in document and ("metrics" in document or "models" in document):
        raise UserError(f"{name} is not of schema {SCHEMA}; if another program wrote it, `wb baseline import` it first")
    raise UserError(f"{name} is not of schema {SCHEMA}; name a file that `wb baseline record` wrote")


def _check_time(text: str, where: str, now: datetime) -> None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise MismatchError(f"{where} is no time") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment - now > _AHEAD:
        raise MismatchError(f"{where} lies in the future ({text})")


def _check_model(model: MeasuredModel, where: str, now: datetime) -> None:
    _check_time(model.measured_utc, f"{where}.measured_utc", now)
    names = [number.name for number in model.numbers]
    if not names:
        raise MismatchError(f"{where} holds no numbers")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise MismatchError(f"{where} holds {twice} twice")
    for number in model.numbers:
        _check_number(number, where)
    for capture in model.captures:
        if capture.steps < 1 or abs(sum(part.time_ns for part in capture.parts) - capture.wall_ns) > 1:
            raise MismatchError(f"the parts of a captured step in {where} do not add up")


def _check_number(number: Number, where: str) -> None:
    is_phase = number.phase == "decode" or (number.phase == "prefill" and number.graphs is None)
    if not is_phase or not re.match(rf"{number.phase}\.{number.tokens}(?!\d)", number.name):
        raise MismatchError(f"{number.name} in {where} is not what its phase and tokens say")


def _document(baseline: Baseline) -> dict[str, Any]:
    """The file's content but for its digest, as plain JSON."""
    return {
        "schema": SCHEMA,
        "created_utc": baseline.created_utc,
        "models": [
            {
                **_plain(asdict(model)),
                "numbers": [{**_plain(asdict(number)), **_derived(number)} for number in model.numbers],
                "graphs_ratios": _graphs_ratios(model),
            }
            for model in baseline.models
        ],
    }


def _derived(number: Number) -> dict[str, Any]:
    """What follows from a number's samples."""
    spread = spread_of(number)
    return {
        "median_ns": number.median_ns,
        "medians_ns": list(number.medians_ns),
        "tokens_per_s": number.tokens_per_s,
        "spread_within": spread.within,
        "spread_between": spread.between,
    }


def _graphs_ratios(model: MeasuredModel) -> dict[str, float]:
    """How many times as fast decode is with graphs as without, by the bench with graphs."""
    pairs = [(number, model.number(f"{number.name}.graphs_off")) for number in model.numbers if number.graphs]
    return {number.name: other.median_ns / number.median_ns for number, other in pairs if other is not None}


def _plain(value: Any) -> Any:
    """Tuples as JSON knows them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _check_same(found: Any, expected: Any, where: str) -> None:
    """Refuses what a document holds beyond what was understood, and what does not follow from the rest of it.

    What it lacks may be what a later version added; what was taken away, the digest tells.
    """
    if isinstance(found, dict) and isinstance(expected, dict):
        if unknown := sorted(found.keys() - expected.keys()):
            raise MismatchError(f"{where}{unknown[0]} is no member of it")
        for key, value in found.items():
            _check_same(value, expected[key], f"{where}{key}.")
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for place, (one, other) in enumerate(zip(found, expected, strict=True)):
            _check_same(one, other, f"{where.removesuffix('.')}[{place}].")
    elif not _is_same(found, expected):
        raise MismatchError(f"{where.removesuffix('.')} does not follow from the rest of it")


def _is_same(found: Any, expected: Any) -> bool:
    # bool is a subclass of int, and no number here.
    is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (found, expected))
    if is_number and float in (type(found), type(expected)):
        return bool(abs(found - expected) <= _ROUNDING * max(abs(found), abs(expected)))
    return type(found) is type(expected) and bool(found == expected)


def _digest(document: Any) -> str:
    """Of the content, whatever its layout."""
    text = json.dumps(_canonical(document), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """Numbers as they stay when other programs write the file again: 410.0 and 410 are the same."""
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
