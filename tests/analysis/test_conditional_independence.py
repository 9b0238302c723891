"""Tests of "Y is independent of E given f(X)": level, power, and what they refuse."""

import sys
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import binom, kstest

from causal_ssl.analysis import _ci_score
from causal_ssl.analysis.conditional_independence import (
    conditional_randomisation_test,
    local_permutation_test,
    pairwise_tests,
    stratified_permutation_test,
)
from causal_ssl.analysis.kernel_independence import kci_test
from causal_ssl.errors import InputError


def discrete_null(seed: int, n: int):  # type: ignore[no-untyped-def]
    """f = (c, s) and Y a noisy function of f; s, and so Y, depends on E, but not given f."""
    random = np.random.default_rng(seed)
    e, c = random.integers(2, size=(2, n))
    s = (random.random(n) < np.where(e == 1, 0.8, 0.2)).astype(int)
    y = (random.random(n) < 0.2 + 0.3 * c + 0.3 * s).astype(int)
    return 2 * c + s, y, e


def smooth_null(seed: int, n: int, classes: int = 2):  # type: ignore[no-untyped-def]
    """f a rotation of (c, s), s moved by E; Y a noisy function of c: skewed environments."""
    random = np.random.default_rng(seed)
    e = (random.random(n) < 0.2).astype(int)
    c, s = random.normal(size=(2, n))
    s = s + 1.5 * e
    score = np.tanh(c)[:, None] * np.linspace(-2, 2, classes)
    y = (score + random.gumbel(size=score.shape)).argmax(axis=1)
    return np.column_stack([c + s, c - s]), y, e


def flipped(seed: int, n: int):  # type: ignore[no-untyped-def]
    """f = sign(s) c, the continuous c xor s: f and Y are each independent of E, not together."""
    random = np.random.default_rng(seed)
    e = random.integers(2, size=n)
    c, s = random.normal(size=(2, n))
    return (c * np.sign(s + 2 * e - 1))[:, None], (c > 0).astype(int), e


def randomised(f, y, e, n: int, **options):  # type: ignore[no-untyped-def]
    """The conditional randomisation test of the first n samples, the others auxiliary."""
    return conditional_randomisation_test(
        f[:n], y[:n], e[:n], auxiliary_f=f[n:], auxiliary_environment=e[n:], **options
    )


def test_discrete_p_values_are_uniform_under_the_null() -> None:
    """Kolmogorov-Smirnov over 300 data sets of 30 samples; 0.1 % would be rejected by chance."""
    p_values = [
        stratified_permutation_test(*discrete_null(seed, 30), n_permutations=49, seed=seed).p_value
        for seed in range(300)
    ]
    assert kstest(p_values, "uniform").pvalue > 0.001


def test_ignoring_f_would_reject_that_null() -> None:
    """The negative control: with f constant the same data are dependent."""
    _, y, e = discrete_null(0, 3000)
    assert stratified_permutation_test(np.zeros(3000), y, e).p_value < 0.01


def test_the_p_value_is_that_of_all_permutations() -> None:
    """Six samples of one value of f: 720 orders, enumerated, against 20,000 drawn ones."""
    f, y, e = np.zeros(6), np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 1, 1])

    def information(order: tuple[int, ...]) -> float:
        table = np.zeros((2, 2))
        np.add.at(table, (y, e[list(order)]), 1 / 6)
        outer = np.outer(table.sum(1), table.sum(0))
        return float((table * np.log(np.where(table > 0, table / outer, 1))).sum())

    every = np.array([information(order) for order in permutations(range(6))])
    observed = information(tuple(range(6)))
    above, ties = (every > observed + 1e-9).mean(), (np.abs(every - observed) < 1e-9).mean()
    found = [stratified_permutation_test(f, y, e, n_permutations=20_000, seed=s) for s in range(8)]
    assert found[0].statistic == pytest.approx(observed)
    for test in found:  # somewhere between the strict and the weak tail, to 5 standard errors
        assert above - 5 * 0.5 / 20_000**0.5 <= test.p_value <= above + ties + 5 * 0.5 / 20_000**0.5


def test_xor_is_seen_though_neither_part_depends_on_the_environment() -> None:
    c, s = np.random.default_rng(0).integers(2, size=(2, 200))
    test = stratified_permutation_test(c ^ s, c, s)
    assert test.p_value < 0.01
    assert test.statistic > 0.5
    assert test.null == "Y is independent of E given f(X)"


@pytest.mark.parametrize("test", [stratified_permutation_test, local_permutation_test])
def test_with_one_environment_or_one_class_there_is_nothing_to_test(test) -> None:  # type: ignore[no-untyped-def]
    f, y = np.arange(40) % 4, np.arange(40) % 2
    for labels, environments in ((y, np.zeros(40)), (np.zeros(40), y)):
        found = test(f[:, None], labels, environments)
        assert found.p_value == 1
        assert "nothing to test" in found.note


def test_strata_with_one_environment_are_not_informative() -> None:
    f = np.repeat([0, 1], 10)
    e = np.concatenate([np.zeros(10), np.arange(10) % 2])
    y = np.arange(20) // 2 % 2
    assert stratified_permutation_test(f, y, e).informative == 0.5


@pytest.mark.parametrize("classes", [2, 5])
def test_randomisation_holds_its_level_on_a_smooth_null(classes: int) -> None:
    """150 data sets: at most the 99.9 % binomial quantile at a rate of 7.5 %."""
    p_values = []
    for seed in range(150):
        f, y, e = smooth_null(seed, 100 * 11, classes)
        p_values.append(randomised(f, y, e, 100, n_resamples=99, seed=seed).p_value)
    assert (np.array(p_values) <= 0.05).sum() <= binom.ppf(0.999, 150, 0.075)


def test_local_permutation_holds_its_level_on_a_smooth_null() -> None:
    """As above."""
    p_values = [
        local_permutation_test(*smooth_null(seed, 100), n_permutations=99, seed=seed).p_value
        for seed in range(150)
    ]
    assert (np.array(p_values) <= 0.05).sum() <= binom.ppf(0.999, 150, 0.075)


def test_entanglement_is_seen_by_both() -> None:
    assert randomised(*flipped(0, 2200), 200).p_value < 0.01
    assert local_permutation_test(*flipped(0, 200)).p_value < 0.01


def test_a_statistic_without_functions_of_f_would_miss_it() -> None:
    """The negative control: with the constant alone the statistic is as under the null.

    Of 199 redrawn environments the observed statistic stands somewhere in the middle; with
    functions of f it is above all of them.
    """
    f, y, e = flipped(3, 300)
    random = np.random.default_rng(0)
    draws = np.column_stack([e, random.integers(2, size=(300, 199))])
    probability = np.full((300, 2), 0.5)
    features = np.hstack([f, f**2])
    constant = np.ones((300, 1))

    def above(directions: np.ndarray) -> float:
        statistic = _ci_score.score_statistic(y, probability, directions, features)
        observed, *redrawn = statistic(draws)
        return float((np.array(redrawn) > observed).mean())

    assert 0.02 < above(constant) < 0.98
    assert above(np.hstack([constant, f])) == 0


def test_auxiliary_samples_that_cannot_serve_are_refused() -> None:
    f, y, e = smooth_null(0, 330)
    with pytest.raises(InputError, match="the auxiliary sample has 299 rows for 31 to test"):
        randomised(f, y, e, 31)
    own, other = slice(30), slice(30, None)
    with pytest.raises(InputError, match="is absent from the auxiliary sample"):
        conditional_randomisation_test(
            f[own], y[own], e[own], auxiliary_f=f[other], auxiliary_environment=e[other] * 0
        )
    skewed = np.where(np.arange(300) % 10 == 0, 0, 1)
    with pytest.raises(InputError, match="draw both with the same shares"):
        conditional_randomisation_test(
            f[own],
            y[own],
            (np.arange(30) == 0).astype(int),
            auxiliary_f=f[other],
            auxiliary_environment=skewed,
        )
    with pytest.raises(InputError, match="must be the same representation"):
        conditional_randomisation_test(
            f[own], y[own], e[own], auxiliary_f=f[other, :1], auxiliary_environment=e[other]
        )
    once = np.where(np.arange(300) == 7, "rare", np.array(["a", "b"])[e[other]])
    with pytest.raises(InputError, match="environment 'rare' has 1 auxiliary sample"):
        conditional_randomisation_test(
            f[own],
            y[own],
            np.array(["a", "b"])[e[own]],
            auxiliary_f=f[other],
            auxiliary_environment=once,
        )


@pytest.mark.parametrize("test", [stratified_permutation_test, local_permutation_test, kci_test])
def test_bad_samples_are_refused(test) -> None:  # type: ignore[no-untyped-def]
    f, y, e = discrete_null(0, 40)
    f = f[:, None].astype(float)
    with pytest.raises(InputError, match="y has 39 labels for 40 rows"):
        test(f, y[:-1], e)
    with pytest.raises(InputError, match=r"missing|NaN"):
        test(f, np.where(np.arange(40) == 3, np.nan, y), e)
    with pytest.raises(InputError, match="NaN"):
        test(np.where(np.arange(40)[:, None] == 3, np.nan, f), y, e)


def test_the_matrix_of_pairs_names_the_environment_that_breaks_it() -> None:
    random = np.random.default_rng(0)
    e, c = np.arange(400) % 4, random.integers(2, size=400)
    f = (c ^ (e == 2))[:, None]
    table = pairwise_tests(stratified_permutation_test, f, c, e, n_permutations=999)
    assert table[["environment", "against"]].values.tolist() == [
        [0, 1],
        [0, 2],
        [0, 3],
        [1, 2],
        [1, 3],
        [2, 3],
    ]
    broken = (table["environment"] == 2) | (table["against"] == 2)
    assert ((table["p_value_holm"] < 0.05) == broken).all()
    assert (table["p_value_holm"] >= table["p_value"]).all()
    with pytest.raises(InputError, match="pairs need two"):
        pairwise_tests(stratified_permutation_test, f, c, e * 0)


def test_pairs_take_their_own_auxiliary_samples() -> None:
    random = np.random.default_rng(1)
    n = 3 * 1100
    e, c = np.arange(n) % 3, random.normal(size=n)
    f = (c * np.where(e == 1, -1, 1))[:, None]
    table = pairwise_tests(
        conditional_randomisation_test,
        f[:300],
        c[:300] > 0,
        e[:300],
        auxiliary_f=f[300:, 0],
        auxiliary_environment=e[300:],
    )
    assert (table["n"] == 200).all()
    assert (table["p_value_holm"] < 0.05).tolist() == [True, False, True]


def test_the_kernel_test_agrees_where_the_case_is_clear() -> None:
    assert kci_test(*flipped(0, 200)).p_value < 0.01
    assert kci_test(*smooth_null(0, 150)).p_value > 0.05


def test_the_kernel_test_names_its_limit_and_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    f, y, e = smooth_null(0, 60)
    with pytest.raises(InputError, match="takes at most 50"):
        kci_test(f, y, e, most=50)
    monkeypatch.setitem(sys.modules, "causallearn.utils.KCI.KCI", None)
    with pytest.raises(InputError, match=r"pip install 'causal-ssl\[kci\]'"):
        kci_test(f, y, e)
