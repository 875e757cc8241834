"""Baselines that other programs wrote, in two layouts that are in use.

- `{"metrics": {"prefill_tps": {"pp512": 22545.0}, "decode_tps": {"tg128": 410.0}}, "thresholds": {...}}`, of one model,
  whose name, commit, GPU and date may stand beside or under `metadata`;
- `{"models": {"<file>.gguf": {"pp512": 22545.0, "tg256": 402.1}}}`, of several.

Both hold tokens per second and nothing of how they came about. So each number becomes one process with one sample, the
time that its tokens take at that speed: a gate has no spread but the new run's to go by, and `compare_means` then takes
both sides to spread alike. Thresholds are told as a remark and not used, for they know nothing of noise.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from workbench.compare.fingerprint import Fingerprint
from workbench.decoding import MismatchError, RepeatedKeyError, parse_json
from workbench.errors import UserError
from workbench.gate.baseline import SCHEMA, Baseline, check
from workbench.gate.measured import Conditions, MeasuredModel, Number, Request, Results
from workbench.gate.plausible import refuse_implausible

_GROUPS = {"prefill_tps": "pp", "decode_tps": "tg"}
_PHASES = {"pp": "prefill", "tg": "decode"}
# `pp512`, and `tg128@4096` or `tg128 @ d4096` behind so many tokens.
_BENCH = re.compile(r"(pp|tg)(\d{1,9})(?:\s*@\s*d?(\d{1,9}))?")
_DEFAULT_BENCHES = {"prefill.128", "prefill.512", "prefill.4096", "decode.128"}
_LONGEST_REMARK = 300
# Beyond that times in nanoseconds are no numbers of use; what is too long for a model is refused later.
_LONGEST_S = 1e12
# What a model's name, and what is known of its run, may be called.
_NAMES = {
    "model": ("model", "model_name", "model_file"),
    "commit": ("commit", "commit_sha", "git_commit", "git_sha", "sha", "build_commit"),
    "gpu": ("gpu", "gpu_name", "device", "device_name", "gpu_info"),
    "date": ("measured_utc", "created_utc", "date", "timestamp", "created", "recorded", "test_time"),
}
_BESIDE = ("metadata", "meta", "info", "environment", "build")


@dataclass(frozen=True)
class _Told:
    """One model as a file tells it.

    Attributes:
        where: its place in the file.
        model: its name.
        speeds: tokens per second by bench, such as `pp512`.
        left_out: what is no bench.
        facts: the objects that may say more, the nearest first.
    """

    where: str
    model: str
    speeds: Mapping[str, Any]
    left_out: tuple[str, ...]
    facts: tuple[Mapping[str, Any], ...]


def import_baseline(
    text: str, name: str, now: datetime, *, like: Request | None = None, gpu: str | None = None
) -> Baseline:
    """Reads a baseline of another program.

    Args:
        text: the file's, JSON.
        name: what the user calls it, for messages and remarks.
        now: the time, with its zone.
        like: how the models are run here; where its `model` is not empty, it names the file's only one. Its `tests` are
            those that the file's benches need.
        gpu: on which GPU they were measured; None for what the file says.

    Raises:
        UserError: it is of neither layout, tells of no model or no speed, or a number is none or cannot be.
    """
    like = like or Request("")
    document = _parsed(text, name)
    told = list(_models(document, name, like.model))
    if like.model and len(told) > 1:
        raise UserError(f"{name} holds {len(told)} models; leave --model out, which can name only one")
    created = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    baseline = Baseline(created, tuple(_measured(one, document, name, created, like, gpu) for one in told))
    for one in baseline.models:
        refuse_implausible(one, name, speeds_told=True)
    try:
        check(baseline, now)
    except MismatchError as error:
        raise UserError(f"{name} cannot be imported: {error}; mend the file") from error
    return baseline


def _parsed(text: str, name: str) -> dict[str, Any]:
    if not text.strip():
        raise UserError(f"{name} is empty; name a baseline that another program wrote")
    try:
        document = parse_json(text, unique_keys=True)
    except RepeatedKeyError as error:
        raise UserError(f"{name} contradicts itself: {error}; mend the file") from error
    except ValueError as error:
        raise UserError(f"{name} is no JSON, or cut short ({error}); name the whole file") from error
    # Half of a character, which JSON can write as an escape, cannot be written in UTF-8.
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{name} holds half of a character (a lone surrogate) in a text; mend the file") from error
    if not isinstance(document, dict):
        raise UserError(f"{name} holds no JSON object; name a baseline that another program wrote")
    if document.get("schema") == SCHEMA:
        raise UserError(f"{name} is a baseline of ours already; use it as it is")
    return document


def _models(document: Mapping[str, Any], name: str, model: str) -> Iterator[_Told]:
    metrics, models = document.get("metrics"), document.get("models")
    if isinstance(metrics, dict):
        yield _of_metrics(document, metrics, name, model)
    elif isinstance(models, dict) and models:
        for file, entry in models.items():
            if not isinstance(entry, dict):
                raise UserError(
                    f"models.{file} of {name} holds no speeds; give it an object such as {{'tg128': 410.0}}"
                )
            speeds, left_out = _benches(entry)
            yield _Told(f"models.{file}", model or file, speeds, left_out, (entry, *_beside(entry)))
    else:
        raise UserError(
            f"{name} is of neither layout that is known; it needs metrics.prefill_tps and metrics.decode_tps, "
            "or models.<file> with speeds such as tg128"
        )


def _of_metrics(document: Mapping[str, Any], metrics: Mapping[str, Any], name: str, model: str) -> _Told:
    speeds: dict[str, Any] = {}
    left_out = [key for key in metrics if key not in _GROUPS]
    for group, letters in _GROUPS.items():
        entry = metrics.get(group, {})
        if not isinstance(entry, dict):
            raise UserError(
                f"metrics.{group} of {name} holds no speeds; give it an object such as {{'{letters}128': 1}}"
            )
        found, others = _benches(entry)
        speeds |= {key: speed for key, speed in found.items() if key.startswith(letters)}
        left_out += [f"{group}.{key}" for key in (*others, *(key for key in found if not key.startswith(letters)))]
    known = model or _fact((document, *_beside(document)), "model")
    if known is None:
        raise UserError(f"{name} does not say which model it is of; name it with --model")
    return _Told("metrics", known, speeds, tuple(left_out), ())


def _benches(entry: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What is named like a bench, and what is not."""
    found = {key: value for key, value in entry.items() if _BENCH.fullmatch(key)}
    return found, tuple(key for key in entry if key not in found)


def _measured(
    told: _Told, document: Mapping[str, Any], name: str, created: str, like: Request, gpu: str | None
) -> MeasuredModel:
    if not told.speeds:
        raise UserError(f"{told.where} of {name} holds no speed; it needs some such as pp512 or tg128")
    numbers = tuple(_number(key, value, f"{told.where}.{key} of {name}") for key, value in told.speeds.items())
    facts = (*told.facts, document, *_beside(document))
    date = _date(facts)
    is_default = {number.name for number in numbers} <= _DEFAULT_BENCHES
    fingerprint = Fingerprint(model=told.model, commit=_fact(facts, "commit"), gpu=gpu or _fact(facts, "gpu"))
    measured = MeasuredModel(
        request=replace(like, model=told.model, tests="default" if is_default else "all"),
        fingerprint=fingerprint,
        measured_utc=date or created,
        repetitions=1,
        numbers=numbers,
        memory=None,
        copy_bytes_per_s=None,
        step_weight_bytes=None,
        captures=(),
        results=Results(None),
        conditions=Conditions(),
    )
    return replace(measured, remarks=tuple(_remarks(told, facts, name, is_dated=date is not None)))


def _number(key: str, value: Any, where: str) -> Number:
    speed = _speed(value, where)
    letters, digits, behind = _BENCH.fullmatch(key).groups()  # type: ignore[union-attr]  # it was chosen by this
    phase, tokens, depth = _PHASES[letters], int(digits), int(behind or 0)
    if not tokens:
        raise UserError(f"{where} is the speed of no tokens; mend the file")
    if tokens / speed > _LONGEST_S:
        raise UserError(f"{where} is {speed:g} tokens per second, which is no speed of anything; mend the file")
    time_ns = round(tokens / speed * 1e9)
    return Number(f"{phase}.{tokens}{f'@{depth}' if depth else ''}", phase, tokens, depth, None, ((time_ns,),))


def _speed(value: Any, where: str) -> float:
    # bool is a subclass of int, and no number here.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"{where} is no number; mend the file")
    if not value > 0 or not math.isfinite(value):
        raise UserError(f"{where} is {value:g} tokens per second, which is no speed; mend the file")
    return float(value)


def _remarks(told: _Told, facts: tuple[Mapping[str, Any], ...], name: str, *, is_dated: bool) -> Iterator[str]:
    yield f"Imported from {name}; spread unknown."
    if not is_dated:
        yield "When it was measured is not told; the time is that of the import."
    if told.left_out:
        yield _short(f"Left out, for they are no speeds that are known: {', '.join(told.left_out)}")
    thresholds = next((one["thresholds"] for one in facts if "thresholds" in one), None)
    if thresholds is not None:
        yield _short(f"Thresholds of the file, which are not used: {json.dumps(thresholds, ensure_ascii=False)}")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return f"{text}." if len(text) < _LONGEST_REMARK else f"{text[: _LONGEST_REMARK - 1]}…"


def _beside(entry: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    return tuple(part for key in _BESIDE if isinstance(part := entry.get(key), dict))


def _fact(facts: tuple[Mapping[str, Any], ...], kind: str) -> str | None:
    """A text that a file tells under one of its names."""
    told = (one.get(key) for one in facts for key in _NAMES[kind])
    return next((" ".join(text.split()) for text in told if isinstance(text, str) and text.strip()), None)


def _date(facts: tuple[Mapping[str, Any], ...]) -> str | None:
    text = _fact(facts, "date")
    try:
        return None if text is None else datetime.fromisoformat(text).isoformat()
    except ValueError:
        return None
