"""Errors under corruption summed up, by the supervised encoder of the same seed."""

import math
from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd

from causal_ssl.analysis.robustness import Baseline, baseline_of, corruption_scores
from causal_ssl.datasets.corruptions import CORRUPTIONS
from causal_ssl.experiments.robustness.config import BASELINE

CELL = ["dataset", "method", "alpha", "seed"]
CLEAN = "linear_top1"
MCE, MRCE = f"mce_by_{BASELINE}", f"mrce_by_{BASELINE}"
RISE = "mean_error_rise"
UNDEFINED = {
    "ce": ("mce", f"the {BASELINE} encoder makes no error under {{}}"),
    "relative_ce": (
        "mrce",
        f"the {BASELINE} encoder makes no more errors under {{}} than on clean images",
    ),
}
"""Metric of a corruption -> its mean, and why there is none."""
UNDER_DO, DO_RISE = "mean_error_under_do", "mean_error_under_do_rise"
RISES = {"mean_error": RISE, UNDER_DO: DO_RISE}
"""Mean error -> what it is called less the clean one."""


def summed_up(rows: pd.DataFrame) -> pd.DataFrame:
    """What `corruption_scores` makes of every encoder's errors.

    Args:
        rows: columns dataset, method, alpha, seed, metric, corruption, severity, value; of the
            metrics `linear_top1`, `error` and perhaps `error_under_do`.

    Returns:
        The same columns but severity, and note: the metrics of `corruption_scores`, those that are
        divided named `_by_supervised`, and `mean_error_rise`, the mean error under the test
        corruptions less the clean one; `mean_error_under_do` and its rise, the same over
        interventions on style. A CE where the supervised encoder makes no error is undefined, a
        relative CE where corruption does not raise its error too, and so are means over them:
        their value is empty, the note says why. Other notes are "".
    """
    found: list[dict[str, Any]] = []
    for (dataset, seed), of_seed in rows.groupby(["dataset", "seed"], sort=False):
        clean, errors = _errors(of_seed[of_seed["method"] == BASELINE])
        baseline = baseline_of(errors, clean=clean, name=BASELINE, validation=_validation(errors))
        for (method, alpha), own in of_seed.groupby(["method", "alpha"], sort=False, dropna=False):
            common = {"dataset": dataset, "method": method, "alpha": alpha, "seed": seed}
            found += [{**common, "note": "", **row} for row in _of_encoder(own, baseline)]
    return pd.DataFrame(found)


def _of_encoder(own: pd.DataFrame, baseline: Baseline) -> list[dict[str, Any]]:
    clean, errors = _errors(own)
    scores = corruption_scores(errors, clean=clean, baseline=baseline).table
    rows = scores[["metric", "corruption", "value"]].to_dict("records")
    rows += _undefined({(row["metric"], row["corruption"]) for row in rows}, baseline)
    under_do = own.loc[own["metric"] == "error_under_do", "value"]
    if len(under_do):
        rows.append({"metric": UNDER_DO, "corruption": "", "value": float(under_do.mean())})
    return rows + [
        {"metric": RISES[row["metric"]], "corruption": "", "value": row["value"] - clean}
        for row in rows
        if row["metric"] in RISES
    ]


def _undefined(there: Collection[tuple[str, str]], baseline: Baseline) -> list[dict[str, Any]]:
    """Rows of what is not there, since the baseline's errors do not divide, and why.

    Args:
        there: (metric, corruption) of all that is.
        baseline: whose errors.
    """
    rows: list[dict[str, Any]] = []
    for metric, (mean, why) in UNDEFINED.items():
        name = baseline.named(metric)
        gone = [each for each in baseline.errors if (name, each) not in there]
        of = [(name, each, [each]) for each in gone]
        for prefix, kind in (("", "test"), ("validation_", "validation")):
            own = [each for each in gone if baseline.kinds[each] == kind]
            of += [(f"{prefix}{baseline.named(mean)}", "", own)] * bool(own)
        rows += [
            {"metric": metric, "corruption": each, "value": math.nan, "note": why.format(_and(own))}
            for metric, each, own in of
        ]
    return rows


def _and(names: Sequence[str]) -> str:
    """Names of corruptions in a sentence.

    Examples:
        >>> _and(["fog"]), _and(["fog", "contrast", "motion_blur"])
        ('fog', 'fog, contrast and motion blur')
    """
    *others, last = (CORRUPTIONS[name].title for name in names)
    return f"{', '.join(others)} and {last}" if others else last


def _errors(own: pd.DataFrame) -> tuple[float, pd.DataFrame]:
    """Of one encoder: the error on clean images, and those under corruption."""
    clean = 1 - float(own.loc[own["metric"] == CLEAN, "value"].iloc[0])
    errors = own.loc[own["metric"] == "error", ["corruption", "severity", "value"]]
    return clean, errors.rename(columns={"value": "error"})


def _validation(errors: pd.DataFrame) -> list[str]:
    """Corruptions for choosing hyperparameters, which enter no mean of the test."""
    names = [str(name) for name in errors["corruption"].unique()]
    return [name for name in names if CORRUPTIONS[name].kind == "validation"]
