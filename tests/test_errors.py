"""Errors name the value, the known ones and, where there is one, the nearest."""

import math

import pytest

from causal_ssl.errors import InputError, in_range, one_of, unknown_name


def test_a_near_miss_is_told() -> None:
    assert "did you mean 'relic'?" in str(unknown_name("method", "relik", ["relic", "infonce"]))


def test_nothing_near_suggests_nothing_but_lists_all() -> None:
    message = str(unknown_name("method", "zzz", ["relic", "infonce"]))
    assert "did you mean" not in message
    assert "infonce, relic" in message


def test_an_input_error_is_a_value_error() -> None:
    assert isinstance(unknown_name("x", "y", []), InputError)
    assert issubclass(InputError, ValueError)


def test_a_known_name_passes() -> None:
    assert one_of("method", "relic", ["infonce", "relic"]) == "relic"
    with pytest.raises(InputError, match="did you mean 'relic'"):
        one_of("method", "relik", iter(["infonce", "relic"]))


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (0, {"at_least": 1}, "tau must be at least 1, got 0"),
        (0.0, {"above": 0}, "tau must be above 0, got 0.0"),
        (1.5, {"above": 0, "at_most": 1}, "tau must be above 0 and at most 1, got 1.5"),
        (math.nan, {"at_most": 1}, "tau must be at most 1, got nan"),
        (math.inf, {"at_least": 0}, "tau must be finite, got inf"),
        (-math.inf, {"at_most": 0}, "tau must be finite, got -inf"),
    ],
)
def test_a_value_out_of_range_is_named_with_its_bounds(
    value: float, bounds: dict[str, float], message: str
) -> None:
    with pytest.raises(InputError) as raised:
        in_range("tau", value, **bounds)
    assert str(raised.value) == message


def test_a_value_on_a_closed_bound_passes() -> None:
    assert in_range("tau", 1, at_least=1, at_most=1) == 1
