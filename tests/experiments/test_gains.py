"""Gains and their standard errors, paired differences and their intervals, by hand."""

import math

import pandas as pd
import pytest

from causal_ssl.experiments.gains import Gain, gain, paired_difference


def rows(values: list[float], error: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"seed": range(len(values)), "value": values, "standard_error": [error] * len(values)}
    )


def test_a_paired_difference_is_taken_seed_by_seed_and_its_error_has_three_parts() -> None:
    found = gain(rows([0.88, 0.89], 0.004), rows([0.82, 0.84], 0.004), paired=True)
    assert found.value == pytest.approx(0.055)
    # Differences 0.06 and 0.05: a deviation of 0.01 / sqrt(2), over sqrt(2) a mean's.
    assert found.error == pytest.approx(math.sqrt(2 * 0.004**2 + 0.005**2))
    assert found.errors == pytest.approx(0.055 / math.sqrt(0.000032 + 0.000025))


def test_unpaired_the_errors_of_both_means_count() -> None:
    found = gain(rows([0.88, 0.90], 0.004), rows([0.82, 0.84, 0.86], 0.003), paired=False)
    assert found.value == pytest.approx(0.05)
    # Deviations 0.02 / sqrt(2) of two and 0.02 of three.
    weights = (0.02**2 / 2) / 2 + 0.02**2 / 3
    assert found.error == pytest.approx(math.sqrt(0.004**2 + 0.003**2 + weights))


@pytest.mark.parametrize("paired", [True, False])
def test_rows_of_either_may_come_in_any_order(paired: bool) -> None:
    own, base = rows([0.88, 0.89, 0.91], 0.004), rows([0.82, 0.84, 0.80], 0.004)
    found = gain(own.sample(frac=1, random_state=1), base, paired=paired)
    expected = gain(own, base, paired=paired)
    assert (found.value, found.error) == pytest.approx((expected.value, expected.error))


@pytest.mark.parametrize("paired", [True, False])
def test_one_baseline_stands_for_all_seeds_and_a_single_seed_has_no_spread(paired: bool) -> None:
    base = rows([0.8], 0.003)
    several = gain(rows([0.85, 0.87], 0.004), base, paired=paired)
    assert several.value == pytest.approx(0.06)
    assert several.error == pytest.approx(math.sqrt(0.003**2 + 0.004**2 + 0.01**2))
    single = gain(rows([0.85], 0.004), base, paired=paired)
    assert (single.value, single.error) == pytest.approx((0.05, 0.005))


def test_a_seed_that_the_baseline_lacks_is_not_left_out_in_silence() -> None:
    found = gain(rows([0.88, 0.89, 0.91], 0.004), rows([0.82, 0.84], 0.004), paired=True)
    assert math.isnan(found.value)
    assert not found.is_clear


def test_a_gain_without_error_is_none_or_infinite_and_what_is_no_accuracy_has_neither() -> None:
    assert [Gain(value, 0.0).errors for value in (0.0, 0.1, -0.1)] == [0, math.inf, -math.inf]
    r2 = gain(rows([0.9], math.nan), rows([0.1], math.nan), paired=False)
    assert math.isnan(r2.errors)
    assert not r2.is_clear


def test_a_paired_difference_has_students_interval_over_seeds() -> None:
    """Differences 0.1, 0.2, 0.3: a mean of 0.2, a deviation of 0.1; t of 2 is 4.3027 at 97.5 %."""
    own = pd.Series({0: 0.5, 1: 0.8, 2: 0.7})
    found = paired_difference(own, pd.Series({2: 0.4, 1: 0.6, 0: 0.4}))
    half = 4.302653 * 0.1 / math.sqrt(3)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.2 - half, 0.2 + half))
    assert (found.seeds, found.sign) == (3, 0)
    narrower = paired_difference(own, pd.Series({0: 0.4, 1: 0.6, 2: 0.4}), level=0.8)
    assert narrower.sign == 1


def test_a_single_pair_has_no_interval_and_other_seeds_are_no_pairs() -> None:
    found = paired_difference(pd.Series({0: 0.5}), pd.Series({0: 0.4}))
    assert found.value == pytest.approx(0.1)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.sign == 0
    with pytest.raises(ValueError, match="paired with"):
        paired_difference(pd.Series({0: 0.5}), pd.Series({1: 0.4}))
