"""Overlap and information between environments, against what they are exactly."""

import numpy as np
import pytest
from scipy.stats import norm

from causal_ssl.analysis.invariance import cross_fit
from causal_ssl.analysis.overlap import overlap
from causal_ssl.errors import InputError


def shifted(sizes, shift, seed=0):
    """f ~ N(shift e, 1) in environment e."""
    e = np.repeat(np.arange(len(sizes)), sizes)
    f = np.random.default_rng(seed).normal(size=len(e)) + shift * e
    return f, np.zeros(len(e)), e


@pytest.mark.parametrize("sizes", [(1500, 1500), (2700, 300)])
def test_overlap_of_two_gaussians_however_frequent_they_are(sizes):
    found = overlap(cross_fit(*shifted(sizes, 2.0)))
    truth = 2 * norm.cdf(-1)
    # 2 min(r, 1 - r) has deviation below .35 in each, so below .5 (.35 / sqrt(300)) at worst.
    assert found.standard_errors[0, 1] < 0.011
    assert found.pairwise[0, 1] == pytest.approx(truth, abs=4 * found.standard_errors[0, 1] + 0.01)
    # Twice the mean of two error rates of .159, each with deviation .37 / sqrt(300) at worst.
    assert found.held_out[0, 1] == pytest.approx(truth, abs=4 * 0.022)
    assert np.array_equal(found.pairwise, found.pairwise.T)
    assert np.array_equal(np.diag(found.pairwise), [1.0, 1.0])


def test_frequencies_in_a_table_are_exact():
    # p_0 = (.5, .5, 0), p_1 = (0, .5, .5): overlap 1/2, I(F; E) = log(2) / 2.
    f, e = np.tile([0, 1, 1, 2], 500), np.tile([0, 0, 1, 1], 500)
    found = overlap(cross_fit(f, np.zeros(2000), e, probe="empirical"))
    # Smoothed by one of 400 samples a value; the shared value's posterior varies with the folds.
    assert found.pairwise[0, 1] == pytest.approx(0.5, abs=0.01)
    assert found.held_out[0, 1] == pytest.approx(0.5, abs=0.02)
    assert found.information == pytest.approx(np.log(2) / 2, abs=0.01)


@pytest.mark.parametrize("probe", ["logistic", "knn"])
def test_one_law_overlaps_wholly_and_tells_nothing(probe):
    found = overlap(cross_fit(*shifted((800, 800, 800), 0.0), probe=probe))
    # kNN: 29 of 44 neighbours belong to a pair, so r has deviation .093 and 2 min(r, 1 - r) a mean
    # of .85; over 1600 points whose neighbours are shared, within .03.
    assert found.smallest > (0.97 if probe == "logistic" else 0.82)
    assert found.held_out.min() > 0.9
    assert abs(found.information) < 0.02


def test_environments_far_apart_do_not_overlap():
    found = overlap(cross_fit(*shifted((300, 300, 300), 20.0)))
    assert found.mean < 0.02
    assert found.held_out[0, 2] == 0.0
    # I(F; E) = log 3, less what the penalty leaves unsaid.
    assert np.log(3) - 0.05 < found.information <= np.log(3)


def test_the_table_has_every_pair_and_their_summary():
    found = overlap(cross_fit(*shifted((100, 100, 100), 1.0)), level=0.5)
    table = found.table().set_index(["metric", "environment", "against"])
    assert table.loc[("overlap", 0, 2), "value"] == found.pairwise[0, 2]
    assert table.loc[("overlap", "all", "all"), "value"] == pytest.approx(
        found.pairwise[np.triu_indices(3, 1)].mean()
    )
    assert table.loc[("overlap_min", "all", "all"), "value"] == found.pairwise[0, 2]
    row, z = table.loc[("overlap", 0, 1)], norm.ppf(0.75)
    ends = [
        (found.pairwise[0, 1], z * found.standard_errors[0, 1]),
        (found.held_out[0, 1], z * found.held_out_errors[0, 1]),
    ]
    assert row["low"] == pytest.approx(min(value - reach for value, reach in ends))
    assert row["high"] == pytest.approx(max(value + reach for value, reach in ends))
    assert not table.index.duplicated().any()


def test_units_widen_the_error():
    f, y, e = (np.repeat(values, 3) for values in shifted((200, 200), 1.0))
    unit = np.repeat(np.arange(400), 3)
    one = overlap(cross_fit(f, y, e, unit=unit)).standard_errors[0, 1]
    other = overlap(cross_fit(f, y, e)).standard_errors[0, 1]
    assert one == pytest.approx(3**0.5 * other, rel=0.05)


def test_a_level_that_is_none_is_refused():
    with pytest.raises(InputError, match="level is 0"):
        overlap(cross_fit(*shifted((20, 20), 1.0)), level=0)
