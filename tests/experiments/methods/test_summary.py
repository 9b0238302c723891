"""Differences, their errors, and what the finding makes of them."""

import math
from dataclasses import fields
from typing import Any

import pandas as pd
import pytest

from causal_ssl import methods
from causal_ssl.experiments.catalogue import from_preset, preset, presets
from causal_ssl.experiments.image_study import figures as image_figures
from causal_ssl.experiments.image_study.config import RANDOM, WARMUP
from causal_ssl.experiments.methods import config, pages
from causal_ssl.experiments.methods.config import RAW, MethodsStudy
from causal_ssl.experiments.methods.summary import finding, summarise


def rows(method: str, values: list[float], metric: str, error: float) -> list[dict[str, Any]]:
    common = {"method": method, "metric": metric, "standard_error": error, "reference": math.nan}
    return [{**common, "seed": seed, "value": value} for seed, value in enumerate(values)]


def table(**values: tuple[list[float], list[float]]) -> pd.DataFrame:
    """Linear and nearest-neighbour accuracy of every method, errors of 0.004; RankMe of 10."""
    found = []
    for method, (linear, knn) in values.items():
        found += rows(method, linear, "linear_top1", 0.004)
        found += rows(method, knn, "knn_top1", 0.004)
        found += rows(method, [10.0] * len(linear), "rank_me", math.nan)
    return pd.DataFrame(found)


BASELINES = {RAW: ([0.84], [0.79]), RANDOM: ([0.82, 0.84], [0.75, 0.77])}
TITLES = {"relic": "ReLIC", "byol": "BYOL"}


def test_the_finding_names_the_methods_above_both_baselines_in_both_accuracies() -> None:
    """BYOL is above all but raw pixels in linear accuracy, by 0.02 of an error of 0.0057."""
    found = table(**BASELINES, relic=([0.9, 0.92], [0.85, 0.87]), byol=([0.85, 0.87], [0.84, 0.86]))
    first, linear, knn = finding(summarise(found), TITLES)
    assert first.startswith("ReLIC is more than 5 standard errors above raw pixels")
    assert first.endswith("BYOL not in all four.")
    assert linear == ("Linear: ReLIC 0.910, BYOL 0.860; raw pixels 0.840, untrained encoder 0.830.")
    assert knn.startswith("Nearest neighbours: ReLIC 0.860, BYOL 0.850; raw pixels 0.790")


def test_the_finding_says_where_none_is_above() -> None:
    found = table(**BASELINES, relic=([0.8, 0.8], [0.7, 0.7]))
    first, *_ = finding(summarise(found), {"relic": "ReLIC"})
    assert first.startswith("No method is more than 5 standard errors above")


def test_figures_show_every_method_every_seed_and_the_baselines() -> None:
    found = table(**BASELINES, relic=([0.9, 0.92], [0.85, 0.87]), byol=([0.85, 0.87], [0.84, 0.86]))
    linear, knn, rank = image_figures.dots(
        pages.comparable(found), methods=TITLES, metrics=pages.PANELS, baselines=pages.BASELINES
    ).axes
    assert [text.get_text() for text in linear.get_yticklabels()] == ["ReLIC", "BYOL"]
    shown = [list(line.get_xdata()) for line in linear.lines]
    for values in ([0.84, 0.84], [0.83, 0.83], [0.91], [0.9, 0.92], [0.86], [0.85, 0.87]):
        assert any(values == pytest.approx(line) for line in shown if len(line) == len(values))
    assert len(rank.lines) == len(knn.lines) - 1  # raw pixels have no RankMe to compare


def test_presets_are_valid_and_share_their_budget() -> None:
    assert presets("methods") == ["quick", "standard"]
    quick, standard = (from_preset("methods", name) for name in presets("methods"))
    assert quick == MethodsStudy()
    assert set(standard.methods) == set(methods.pretraining_names())
    assert standard.seeds > 1
    different = {
        each.name
        for each in fields(MethodsStudy)
        if getattr(quick, each.name) != getattr(standard, each.name)
    }
    assert different == {"methods", "seeds"}


def test_the_budget_is_that_of_the_preset_for_pretraining() -> None:
    study, values = MethodsStudy(), preset("pretraining", config.PRESET)
    for name in ("epochs", "batch_size", "learning_rate"):
        assert getattr(study, name) == values[name], name
    assert values["warmup_epochs"] == WARMUP
