"""Errors under corruption summed up, by the supervised encoder of the same seed."""

from typing import Any

import pandas as pd

from causal_ssl.analysis.robustness import Baseline, baseline_of, corruption_scores
from causal_ssl.datasets.corruptions import CORRUPTIONS
from causal_ssl.experiments.robustness.config import BASELINE

CELL = ["dataset", "method", "alpha", "seed"]
CLEAN = "linear_top1"
MCE, MRCE = f"mce_by_{BASELINE}", f"mrce_by_{BASELINE}"
RISE = "mean_error_rise"
UNDER_DO, DO_RISE = "mean_error_under_do", "mean_error_under_do_rise"


def summed_up(rows: pd.DataFrame) -> pd.DataFrame:
    """What `corruption_scores` makes of every encoder's errors.

    Args:
        rows: columns dataset, method, alpha, seed, metric, corruption, severity, value; of the
            metrics `linear_top1`, `error` and perhaps `error_under_do`.

    Returns:
        The same columns but severity: the metrics of `corruption_scores`, those that are divided
        named `_by_supervised`, and `mean_error_rise`, the mean error under the test corruptions
        less the clean one; `mean_error_under_do` and its rise, the same over interventions on
        style. A relative CE where corruption does not raise the supervised error is
        undefined and has no row, nor has a mean over it.
    """
    found: list[dict[str, Any]] = []
    for (dataset, seed), of_seed in rows.groupby(["dataset", "seed"], sort=False):
        clean, errors = _errors(of_seed[of_seed["method"] == BASELINE])
        baseline = baseline_of(errors, clean=clean, name=BASELINE, validation=_validation(errors))
        for (method, alpha), own in of_seed.groupby(["method", "alpha"], sort=False, dropna=False):
            common = {"dataset": dataset, "method": method, "alpha": alpha, "seed": seed}
            found += [common | row for row in _of_encoder(own, baseline)]
    return pd.DataFrame(found)


def _of_encoder(own: pd.DataFrame, baseline: Baseline) -> list[dict[str, Any]]:
    clean, errors = _errors(own)
    scores = corruption_scores(errors, clean=clean, baseline=baseline).table
    rows = [
        {"metric": metric, "corruption": corruption, "value": value}
        for metric, corruption, value in zip(
            scores["metric"], scores["corruption"], scores["value"], strict=True
        )
    ]
    means = {RISE: [row["value"] for row in rows if row["metric"] == "mean_error"]}
    under_do = own.loc[own["metric"] == "error_under_do", "value"]
    if len(under_do):
        rows.append({"metric": UNDER_DO, "corruption": "", "value": float(under_do.mean())})
        means[DO_RISE] = [float(under_do.mean())]
    return rows + [
        {"metric": metric, "corruption": "", "value": value - clean}
        for metric, values in means.items()
        for value in values
    ]


def _errors(own: pd.DataFrame) -> tuple[float, pd.DataFrame]:
    """Of one encoder: the error on clean images, and those under corruption."""
    clean = 1 - float(own.loc[own["metric"] == CLEAN, "value"].iloc[0])
    errors = own.loc[own["metric"] == "error", ["corruption", "severity", "value"]]
    return clean, errors.rename(columns={"value": "error"})


def _validation(errors: pd.DataFrame) -> list[str]:
    """Corruptions for choosing hyperparameters, which enter no mean of the test."""
    names = [str(name) for name in errors["corruption"].unique()]
    return [name for name in names if CORRUPTIONS[name].kind == "validation"]
