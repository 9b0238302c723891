"""Published rows are all there, in the names and units of what stands beside them."""

import pytest

from causal_ssl import methods
from causal_ssl.analysis.robustness import alexnet
from causal_ssl.datasets.suites import PROTOCOLS
from causal_ssl.datasets.suites.protocols import V2
from causal_ssl.experiments.evaluation import published


def test_robustness_is_whole_and_consistent() -> None:
    rows = published.robustness()
    assert len(rows) == 5 * (1 + 2 + 15) + 6
    assert set(rows["suite"]) <= set(PROTOCOLS)
    assert set(rows.query("suite == 'imagenet-v2'")["partition"]) == set(V2)
    corruptions = set(rows.query("metric == 'ce'")["variable"])
    assert corruptions == {name for name, kind in alexnet().kinds.items() if kind == "test"}
    assert set(rows["source"]) == {"arXiv:2010.07922", "arXiv:2201.05119"}
    for _, of in rows.groupby("method"):
        mean = of.query("metric == 'ce'")["reference"].mean()
        (mce,) = of.query("metric == 'mce'")["reference"]
        assert mean == pytest.approx(mce, abs=0.0055)  # the supervised row is in whole per cents


def test_an_accuracy_that_does_not_follow_from_the_errors_is_kept_as_printed() -> None:
    rows = published.robustness().query("suite == 'imagenet-c' and method == 'relic_t'")
    ce = rows.query("metric == 'ce'").set_index("variable")["reference"]
    error = sum(ce[name] * alexnet().errors[name] for name in ce.index) / 15
    (printed,) = rows.query("metric == 'top1'")["reference"]
    assert (round(1 - error, 3), printed) == (0.442, 0.445)


def test_linear_rows_have_the_names_of_the_methods_here() -> None:
    rows = published.linear()
    assert len(rows) == 11 + 7
    named = rows[rows["method"] != ""]
    assert set(named["method"]) == {"simclr", "relic", "relic_t", "moco_v2", "byol"}
    assert set(named["method"]) <= set(methods.all_names())
    top1 = named.query("metric == 'top1'").set_index("method")["reference"]
    assert top1.to_dict() == {
        "simclr": 0.693,
        "relic": 0.703,
        "moco_v2": 0.711,
        "byol": 0.743,
        "relic_t": 0.748,
    }
    assert rows["reference"].between(0.6, 0.95).all()


def test_semi_supervised_rows_are_those_of_both_lists() -> None:
    rows = published.semi()
    assert len(rows) == 5 * 2 * 2 - 4
    assert set(rows["source"]) == {"arXiv:2006.07733"}
    by = rows.pivot_table(index=["method", "metric"], columns="percent", values="reference")
    assert (by[10] > by[1]).all()  # ten times the labels
    both = by.unstack("metric").dropna()
    assert (both.xs("top5", axis=1, level=1) > both.xs("top1", axis=1, level=1)).all(axis=None)
