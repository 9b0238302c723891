"""Probes: proper probabilities over all classes, smoothed as stated, whatever the fit points."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from causal_ssl.analysis.probes import PROBES, FrequencyTable, Probe
from causal_ssl.errors import InputError

CONTINUOUS = [name for name in PROBES if name != "empirical"]


def points(n, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 2))
    return x, (x[:, 0] > 0).astype(int) + 2 * (x[:, 1] > 0).astype(int)


@pytest.mark.parametrize("name", PROBES)
def test_probabilities_are_proper_over_classes_that_the_fit_points_lack(name):
    x, y = points(120)
    if name == "empirical":
        x = np.sign(x)
    kept = y != 2
    probe = Probe(name, classes=range(5)).fit(x[kept], y[kept])
    q = probe.predict_proba(x)
    assert q.shape == (120, 5)
    assert np.allclose(q.sum(axis=1), 1, atol=1e-12)
    assert (q > 0).all()
    # What no fit point has gets the pseudo-sample's share and nothing else.
    assert np.array_equal(q[:, 2], q[:, 4])
    assert (q[:, 2] <= 1 / 5).all()


@pytest.mark.parametrize("name", CONTINUOUS)
def test_a_learnable_task_is_learnt(name):
    x, y = points(1500)
    new, truth = points(500, seed=1)
    assert (Probe(name).fit(x, y).predict(new) == truth).mean() > 0.9


@pytest.mark.parametrize("name", PROBES)
def test_one_class_among_the_fit_points_is_predicted_with_all_but_the_pseudo_sample(name):
    x = np.zeros((9, 1))
    q = Probe(name, classes=["a", "b"]).fit(x, ["b"] * 9).predict_proba(x[:1])
    m = 3 if name == "knn" else 9
    assert np.allclose(q, [[0.5 / (m + 1), (m + 0.5) / (m + 1)]])


def test_smoothing_is_one_pseudo_sample_spread_evenly():
    x, y = points(80)
    raw = LogisticRegression(C=4.0, max_iter=1000).fit(x, y).predict_proba(x)
    assert np.allclose(Probe("logistic").fit(x, y).predict_proba(x), (80 * raw + 1 / 4) / 81)
    # The 9 nearest of 81 neighbours, all of class 0, far from class 1.
    near = np.r_[np.zeros(40), np.full(41, 9.0)][:, None]
    q = Probe("knn").fit(near, near[:, 0] > 0).predict_proba([[0.0]])
    assert np.allclose(q, [[9.5 / 10, 0.5 / 10]])


def test_the_empirical_probe_counts():
    x, y = [[0.0, 1.0]] * 3 + [[2.0, 1.0]], [0, 0, 1, 2]
    probe = Probe("empirical", classes=range(3)).fit(x, y)
    q = probe.predict_proba([[0.0, 1.0], [2.0, 1.0], [7.0, 7.0]])
    third = 1 / 3
    expected = [np.array([2, 1, 0]) + third, np.array([0, 0, 1]) + third, np.array([third] * 3)]
    assert np.allclose(q, [row / row.sum() for row in expected])


def test_the_frequency_table_is_exact_for_values_in_any_order():
    random = np.random.default_rng(0)
    x, y = random.integers(3, size=(500, 2)).astype(float), random.integers(2, size=500)
    table = FrequencyTable().fit(x, y)
    for value in ([0.0, 0.0], [2.0, 1.0]):
        here = (x == value).all(axis=1)
        assert table.support([value])[0] == here.sum()
        assert np.isclose(table.predict_proba([value])[0, 1], y[here].mean())


def test_continuous_values_are_no_table():
    with pytest.raises(InputError, match="100 distinct values on 100 samples"):
        PROBES["empirical"].prepare(points(100)[0])
    # Numbering values merges none and splits none.
    x = np.random.default_rng(0).integers(3, size=(50, 2)).astype(float)
    numbers = PROBES["empirical"].prepare(x)
    same = (x[:, None] == x[None]).all(axis=2)
    assert np.array_equal(same, numbers == numbers.T)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_seeds_repeat(name):
    x, y = points(100)
    one, other = (clone(Probe(name, seed=3)).fit(x, y).predict_proba(x) for _ in range(2))
    assert np.array_equal(one, other)


def test_refusals():
    with pytest.raises(InputError, match="did you mean 'logistic'"):
        Probe("logistics").fit([[0.0]], [0])
    with pytest.raises(InputError, match=r"label 7 is not among the classes \[0, 1\]"):
        Probe("knn", classes=[0, 1]).fit([[0.0], [1.0]], [0, 7])
