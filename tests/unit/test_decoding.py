from dataclasses import dataclass

import pytest

from workbench.decoding import MismatchError, NestingError, decode, parse_json


@dataclass(frozen=True)
class Inner:
    share: float
    name: str | None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Calls:
    calls: tuple[tuple[str, float], ...]


def test_plain_json_becomes_dataclasses() -> None:
    document = parse_json('{"inner": {"share": 1, "later": true}, "counts": [1, 2]}')
    assert decode(Outer, document) == Outer(Inner(1.0), (1, 2))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[]", "the file is no dict"),
        ('{"counts": []}', "inner is missing"),
        ('{"inner": {}, "counts": []}', r"inner\.share is missing"),
        ('{"inner": {"share": "1"}, "counts": []}', r"inner\.share is no float"),
        ('{"inner": {"share": true}, "counts": []}', r"inner\.share is no float"),
        ('{"inner": {"share": 1, "name": 1}, "counts": []}', r"inner\.name is no str"),
        ('{"inner": {"share": 1}, "counts": [1, 1.5]}', r"counts\[1\] is no int"),
        ('{"inner": {"share": 1}, "counts": [true]}', r"counts\[0\] is no int"),
    ],
)
def test_the_place_of_what_is_malformed_is_named(text: str, where: str) -> None:
    with pytest.raises(MismatchError, match=where):
        decode(Outer, parse_json(text))


def test_tuples_may_hold_values_of_several_types() -> None:
    assert decode(Calls, parse_json('{"calls": [["cudaMalloc", 1], ["cudaFree", 0.5]]}')) == Calls(
        (("cudaMalloc", 1.0), ("cudaFree", 0.5))
    )
    with pytest.raises(MismatchError, match=r"calls\[0\] does not hold 2 values"):
        decode(Calls, parse_json('{"calls": [["cudaMalloc"]]}'))
    with pytest.raises(MismatchError, match=r"calls\[0\]\[1\] is no float"):
        decode(Calls, parse_json('{"calls": [["cudaMalloc", "1"]]}'))


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "1e999", "-1e999", "1" * 301])
def test_numbers_are_bounded(text: str) -> None:
    with pytest.raises(ValueError, match=r"number|Expecting"):
        parse_json(text)


def test_a_nest_without_end_is_no_document() -> None:
    with pytest.raises(NestingError, match="nested too deeply"):
        parse_json("[" * 200_000)
