"""Transfer between environments: what is learnt under one intervention, scored under another."""

import numpy as np
import pytest

from causal_ssl.analysis.invariance import cross_fit
from causal_ssl.analysis.transfer import transfer


def sign_world(n=800, seed=0):
    """Binary label sign(c); style's sign is +1 in env 0, a coin in env 1, -1 in env 2."""
    random = np.random.default_rng(seed)
    e = np.repeat([0, 1, 2], n)
    c = random.normal(size=3 * n)
    coin = np.where(random.random(3 * n) < 0.5, 1, -1)
    sign = np.select([e == 0, e == 2], [1, -1], coin)
    return {"oracle": c, "entangled": c * sign}, c > 0, e


def test_an_entangled_code_transfers_to_the_opposite_and_content_everywhere():
    representations, y, e = sign_world()
    entangled = transfer(cross_fit(representations["entangled"], y, e))
    assert entangled.accuracy[0, 0] > 0.97
    assert entangled.accuracy[2, 2] > 0.97
    assert entangled.accuracy[0, 2] < 0.03
    assert entangled.accuracy[2, 0] < 0.03
    # In environment 1 nothing helps: 1/2 within 4 deviations of .5 / sqrt(800).
    assert np.allclose(entangled.accuracy[:, 1], 0.5, atol=0.071)
    assert entangled.log_loss[0, 2] > 1 > entangled.log_loss[0, 0]
    oracle = transfer(cross_fit(representations["oracle"], y, e))
    assert oracle.accuracy.min() > 0.97


def test_the_diagonal_is_what_each_probe_does_at_home():
    representations, y, e = sign_world(100)
    fitted = cross_fit(representations["entangled"], y, e)
    found = transfer(fitted)
    for k in range(3):
        rows = e == k
        right = (fitted.own.argmax(axis=1) == fitted.labels)[rows]
        assert found.accuracy[k, k] == right.mean()
        loss = -np.log(fitted.own[rows, fitted.labels[rows]])
        assert found.log_loss[k, k] == pytest.approx(loss.mean())
        assert found.log_loss_errors[k, k] == pytest.approx(loss.std(ddof=1) / 10)


def test_coarser_tasks_are_scored_by_the_same_probes():
    representations, y, e = sign_world(100)
    fine = y.astype(int) + 2 * (np.abs(representations["oracle"]) > 0.7)
    fitted = cross_fit(representations["oracle"], fine, e)
    # Whoever names the cell names what it is part of.
    assert (transfer(fitted.coarsened(lambda k: k % 2)).accuracy >= 0.95).all()
    assert transfer(fitted.coarsened(lambda k: 0)).log_loss.max() == 0.0


def test_the_table_names_where_a_probe_was_fitted_and_where_it_was_scored():
    representations, y, e = sign_world(60)
    names = np.array(["plus", "coin", "minus"])[e]
    found = transfer(cross_fit(representations["entangled"], y, names))
    table = found.table()
    assert table.columns.tolist() == ["metric", "environment", "against", "value", "low", "high"]
    assert len(table) == 2 * 9
    rows = table.set_index(["metric", "environment", "against"])
    assert rows.loc[("transfer_accuracy", "plus", "minus"), "value"] == found.accuracy[2, 1]
    assert found.environments == ("coin", "minus", "plus")
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    accuracy = table[table["metric"] == "transfer_accuracy"]
    assert accuracy["low"].min() >= 0
    assert accuracy["high"].max() <= 1
