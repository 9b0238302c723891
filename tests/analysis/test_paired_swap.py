"""Swapping the members of counterfactual pairs: exact under the null, blind where it must be."""

import numpy as np
import pytest
from scipy.stats import kstest

from causal_ssl.analysis.paired_swap import paired_swap_test
from causal_ssl.errors import InputError

PAIR = ("a", "b")


def test_p_values_are_uniform_where_swapping_changes_nothing() -> None:
    """Kolmogorov-Smirnov over 300 data sets of 12 pairs; 0.1 % would be rejected by chance."""
    p_values = []
    for seed in range(300):
        random = np.random.default_rng(seed)
        unit = random.normal(size=(12, 1))
        first, second = unit + random.standard_t(3, size=(2, 12, 1))
        p_values.append(
            paired_swap_test(first, second, interventions=PAIR, n_swaps=49, seed=seed).p_value
        )
    assert kstest(p_values, "uniform").pvalue > 0.001


@pytest.mark.parametrize("change", [lambda f: f + 0.5, lambda f: 1.8 * f, lambda f: np.abs(f)])
def test_changes_of_mean_of_scale_and_of_shape_are_seen(change) -> None:  # type: ignore[no-untyped-def]
    random = np.random.default_rng(0)
    unit = random.normal(size=(300, 2))
    noise = 0.3 * random.normal(size=(2, 300, 2))
    test = paired_swap_test(unit + noise[0], change(unit + noise[1]), interventions=PAIR)
    assert test.p_value < 0.01
    assert "swapping the two changes nothing" in test.null


def test_with_labels_a_difference_within_classes_is_seen() -> None:
    """One class moves up, the other down: nothing moves on the whole of both."""
    random = np.random.default_rng(1)
    y = np.arange(400) % 2
    f = random.normal(size=400)
    # Symmetric in each class about 0 on the whole: law of f is that of f + shift over both classes.
    shift = np.where(y == 1, 0.8, -0.8)
    first, second = f - shift / 2, f + shift / 2
    assert paired_swap_test(first, second, interventions=PAIR, y=y).p_value < 0.01
    assert paired_swap_test(first, second, interventions=PAIR).p_value > 0.01


def test_pairs_that_did_not_move_say_nothing_and_it_is_said() -> None:
    f = np.random.default_rng(2).normal(size=(50, 3))
    test = paired_swap_test(f, f, interventions=PAIR)
    assert test.informative == 0
    assert "pure chance" in test.note


def test_exchangeable_and_unequal_pairs_are_refused() -> None:
    f = np.zeros((4, 1))
    with pytest.raises(InputError, match="exchangeable by construction"):
        paired_swap_test(f, f, interventions=("crop", "crop"))
    with pytest.raises(InputError, match=r"first has shape \(4, 1\) and second \(3, 1\)"):
        paired_swap_test(f, f[:3], interventions=PAIR)
    with pytest.raises(InputError, match="NaN"):
        paired_swap_test(f, f * np.nan, interventions=PAIR)
