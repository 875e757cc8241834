from workbench.capture.environment_values import EnvironmentValues
from workbench.capture.hidden_values import HiddenValue, hidden_values, manifest_warnings, ranges_warnings

VALUES = EnvironmentValues([("FRUIT", "blueberry"), ("TEAM", "bluewhale"), ("GROUP", "bluewhale"), ("N", "42")])


def test_what_hides_most_comes_first() -> None:
    texts = ["blueberry 1", "bluewhale 1", "bluewhale 2", "bluewhale 2", "42 others"]
    assert hidden_values(texts, VALUES) == (HiddenValue(("GROUP", "TEAM"), 2), HiddenValue(("FRUIT",), 1))
    assert hidden_values([], VALUES) == ()


def test_the_user_is_told_variables() -> None:
    hidden = [HiddenValue(("GROUP", "TEAM"), 2), HiddenValue(("FRUIT",), 1)]
    (ranges,) = ranges_warnings(hidden)
    assert "masked: GROUP and TEAM in 2 names, FRUIT in 1; rename the ranges" in ranges
    (one,) = ranges_warnings(hidden[1:])
    assert "masked: FRUIT in 1 name; " in one
    (manifest,) = manifest_warnings(hidden)
    assert "masked in the manifest: GROUP and TEAM, FRUIT; unset" in manifest


def test_nothing_to_tell() -> None:
    assert ranges_warnings([]) == manifest_warnings([]) == ()
