"""Holm's adjustment, by hand and by its definition."""

import numpy as np
import pytest

from causal_ssl.analysis.multiple_testing import holm
from causal_ssl.errors import InputError


def test_by_hand() -> None:
    """Sorted .01 .02 .03 .2, times 4 3 2 1, never falling: .04 .06 .06 .2."""
    assert holm([0.03, 0.01, 0.2, 0.02]) == pytest.approx([0.06, 0.04, 0.2, 0.06])


@pytest.mark.parametrize("seed", range(5))
def test_a_null_is_rejected_iff_the_step_down_procedure_rejects_it(seed: int) -> None:
    p_values = np.random.default_rng(seed).uniform(size=7) ** 3
    for alpha in (0.01, 0.05, 0.2, 0.5):
        rejected = np.zeros(7, dtype=bool)
        for k, index in enumerate(np.argsort(p_values)):
            if p_values[index] > alpha / (7 - k):
                break
            rejected[index] = True
        assert np.array_equal(holm(p_values) <= alpha, rejected)


def test_adjusted_values_are_no_smaller_and_probabilities() -> None:
    p_values = np.random.default_rng(9).uniform(size=20)
    adjusted = holm(p_values)
    assert (adjusted >= p_values).all()
    assert adjusted.max() <= 1
    assert holm([]).shape == (0,)


@pytest.mark.parametrize(
    ("values", "message"),
    [([[0.1]], r"shape \(1, 1\)"), ([0.1, np.nan], r"p_values\[1\] is nan"), ([1.2], "is 1.2")],
)
def test_what_is_no_list_of_probabilities_is_refused(values: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        holm(values)
