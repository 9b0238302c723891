"""Names made of numbers tell the numbers apart."""

import numpy as np
import pytest

from causal_ssl._numbers import exactly


@pytest.mark.parametrize("value", [0.0, 1.0, 10.0, -0.8, 0.05, 1e-6, 123456.0, 1e20, 5])
def test_ordinary_numbers_are_as_they_were(value: float) -> None:
    assert exactly(value) == f"{value:g}"


def test_every_number_is_read_back_from_its_name() -> None:
    values = np.random.default_rng(0).lognormal(0, 20, size=2000)
    values = np.concatenate([values, np.nextafter(values, np.inf), -values])
    assert [float(exactly(value)) for value in values] == values.tolist()


def test_numbers_of_numpy_are_named_as_pythons() -> None:
    assert exactly(np.float64(0.1234567)) == "0.1234567"
