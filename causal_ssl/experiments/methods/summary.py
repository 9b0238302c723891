"""The study's table boiled down: means over seeds beside raw pixels and untrained encoders."""

import math
from dataclasses import dataclass
from statistics import fmean, stdev

import pandas as pd

from causal_ssl.experiments.gains import REQUIRED, Gain, gain
from causal_ssl.experiments.image_study.config import RANDOM
from causal_ssl.experiments.methods.config import RAW
from causal_ssl.experiments.methods.evaluation import ACCURACIES

BASELINES = {RAW: "raw pixels", RANDOM: "untrained encoder"}
ASKED = {"linear_top1": "linear", "knn_top1": "nearest neighbours"}
"""Accuracies and what they are called."""


@dataclass(frozen=True)
class Score:
    """One method and metric.

    Attributes:
        values: one a seed.
        gains: baseline -> how far above it, seed by seed; empty for what is no accuracy.
        reference: the published accuracy on ImageNet; NaN for none.
    """

    method: str
    metric: str
    values: tuple[float, ...]
    gains: dict[str, Gain]
    reference: float

    @property
    def value(self) -> float:
        """Mean over seeds."""
        return fmean(self.values)

    @property
    def spread(self) -> float:
        """Standard deviation over seeds; NaN for a single one."""
        return stdev(self.values) if len(self.values) > 1 else math.nan


def summarise(table: pd.DataFrame) -> list[Score]:
    """A score for each method (those for reference too) and metric, in the order of the table."""
    by_metric = {str(metric): rows for metric, rows in table.groupby("metric", sort=False)}
    return [
        Score(
            str(method),
            metric,
            values=tuple(own["value"]),
            gains=_gains(own, rows) if metric in ACCURACIES and method not in BASELINES else {},
            reference=float(own["reference"].iloc[0]),
        )
        for metric, rows in by_metric.items()
        for method, own in rows.groupby("method", sort=False)
    ]


def _gains(own: pd.DataFrame, rows: pd.DataFrame) -> dict[str, Gain]:
    return {name: gain(own, rows[rows["method"] == name], paired=True) for name in BASELINES}


def finding(scores: list[Score], titles: dict[str, str]) -> list[str]:
    """What came out, in sentences computed from the numbers.

    Args:
        scores: see `summarise`.
        titles: methods of the run -> how they are called.
    """
    by = {(score.method, score.metric): score for score in scores}
    clear = [
        title
        for name, title in titles.items()
        if all(gain.is_clear for m in ACCURACIES for gain in by[name, m].gains.values())
    ]
    first = (
        f"{_listed(clear) or 'No method'} {'are' if len(clear) > 1 else 'is'} more than "
        f"{REQUIRED:g} standard errors above raw pixels and above an untrained encoder, in linear "
        "accuracy and in that of nearest neighbours"
    )
    missed = [title for title in titles.values() if title not in clear]
    sentences = [first + (f"; {_listed(missed)} not in all four." if clear and missed else ".")]
    for metric, called in ASKED.items():
        order = sorted(titles, key=lambda name: -by[name, metric].value)
        shown = ", ".join(f"{titles[name]} {by[name, metric].value:.3f}" for name in order)
        base = ", ".join(f"{what} {by[name, metric].value:.3f}" for name, what in BASELINES.items())
        sentences.append(f"{called.capitalize()}: {shown}; {base}.")
    return sentences


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
