"""Errors name the value, the known ones and, where there is one, the nearest."""

from causal_ssl.errors import InputError, unknown_name


def test_a_near_miss_is_told() -> None:
    assert "did you mean 'relic'?" in str(unknown_name("method", "relik", ["relic", "infonce"]))


def test_nothing_near_suggests_nothing_but_lists_all() -> None:
    message = str(unknown_name("method", "zzz", ["relic", "infonce"]))
    assert "did you mean" not in message
    assert "infonce, relic" in message


def test_an_input_error_is_a_value_error() -> None:
    assert isinstance(unknown_name("x", "y", []), InputError)
    assert issubclass(InputError, ValueError)
