"""Means over worlds, and a finding that says what the numbers say."""

import math

import pandas as pd
import pytest

from causal_ssl.experiments.content_style.published import with_references
from causal_ssl.experiments.content_style.summary import finding, summarise

TITLES = {"infonce": "InfoNCE"}


def table(content: list[float], style: list[float], setting: str, known: float) -> pd.DataFrame:
    variables = {"content": content, "style": style, "style_from_true_content": [known] * 2}
    return with_references(
        pd.DataFrame(
            [
                {
                    "setting": setting,
                    "method": "infonce",
                    "seed": seed,
                    "n_outputs": 5,
                    "metric": "r2_kernel_ridge",
                    "variable": variable,
                    "value": value,
                }
                for variable, values in variables.items()
                for seed, value in enumerate(values)
            ]
        )
    )


def test_scores_are_means_over_worlds_beside_the_published_number() -> None:
    score = summarise(table([0.9, 0.8], [0.1, 0.3], "p1", 0.0)).only(variable="style")
    assert score.values == (0.1, 0.3)
    assert score.mean == pytest.approx(0.2)
    assert score.std == pytest.approx(math.sqrt(0.02))
    assert (score.reference, score.difference) == (0.07, pytest.approx(0.13))


def test_values_stand_in_order_of_seed_whatever_the_order_of_rows() -> None:
    rows = table([0.9, 0.8], [0.1, 0.3], "p1", 0.0).iloc[::-1]
    assert summarise(rows).only(variable="content").values == (0.9, 0.8)


@pytest.mark.parametrize(
    ("content", "style", "says"),
    [
        ([0.99, 0.98], [0.00, 0.01], ["content is recovered (", "style is dropped ("]),
        ([0.80, 0.70], [0.00, 0.01], ["recovered only in part (", "style is dropped ("]),
        ([0.99, 0.98], [0.50, 0.40], ["content is recovered (", "style is not dropped ("]),
    ],
)
def test_the_finding_follows_the_numbers_of_the_independent_settings(
    content: list[float], style: list[float], says: list[str]
) -> None:
    text = finding(summarise(table(content, style, "p1", 0.0)), TITLES)[0]
    assert all(part in text for part in says)


@pytest.mark.parametrize(
    ("style", "says"),
    [
        (0.9, "more of style than content tells"),
        (0.7, "as much of style as content tells"),
        (0.2, "less of style than content tells"),
    ],
)
def test_the_finding_holds_style_against_what_content_predicts(style: float, says: str) -> None:
    rows = table([0.99, 0.98], [style, style], "p075_statistical_causal", 0.7)
    assert says in finding(summarise(rows), TITLES)[0]


def test_a_missing_or_repeated_score_is_an_error() -> None:
    summary = summarise(table([0.9, 0.8], [0.1, 0.3], "p1", 0.0))
    with pytest.raises(LookupError):
        summary.only(variable="nothing")
    with pytest.raises(LookupError):
        summary.only(setting="p1")
