import pytest

from engine.bench_tests import SUITES, BenchTest, choose_tests, left_out_remark


def names(suite: str, context: int) -> tuple[list[str], list[str]]:
    kept, left_out = choose_tests(suite, context)
    return [test.name for test in kept], [test.name for test in left_out]


DEFAULT = ["pp128", "pp512", "pp4096", "tg128"]
LONG = ["pp1024", "pp2048", "pp4096", "pp8192", "tg256@1024", "tg256@4096", "tg256@8192"]


def test_every_model_gets_the_default_tests() -> None:
    assert names("default", 40_960) == (DEFAULT, [])
    assert names("default", 100) == (DEFAULT, [])


def test_long_tests_are_those_that_fit() -> None:
    assert names("long", 8192 + 256) == (LONG, [])
    assert names("long", 8192 + 255) == (LONG[:-1], LONG[-1:])
    assert names("long", 2048) == (["pp1024", "pp2048", "pp4096", "tg256@1024"], ["pp8192", "tg256@4096", "tg256@8192"])


def test_all_tests_are_both_each_once_and_prefills_come_first() -> None:
    kept, left_out = names("all", 1 << 17)
    assert kept == ["pp128", "pp512", "pp1024", "pp2048", "pp4096", "pp8192", "tg128", *LONG[4:]]
    assert left_out == []


@pytest.mark.parametrize("suite", SUITES)
def test_none_is_lost(suite: str) -> None:
    kept, left_out = choose_tests(suite, 3000)
    assert set(kept) | set(left_out) == set(SUITES[suite])
    assert not set(kept) & set(left_out)


def test_a_decode_stands_behind_a_token_at_least() -> None:
    assert (BenchTest("decode", 128).prompt_tokens, BenchTest("decode", 128).positions) == (1, 129)
    assert (BenchTest("decode", 256, 4096).prompt_tokens, BenchTest("decode", 256, 4096).positions) == (4096, 4352)
    assert (BenchTest("prefill", 512).prompt_tokens, BenchTest("prefill", 512).positions) == (512, 512)


def test_what_is_left_out_is_named() -> None:
    tests = (BenchTest("prefill", 8192), BenchTest("decode", 256, 8192))
    assert left_out_remark(tests).endswith(": pp8192, tg256@8192")
