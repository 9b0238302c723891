"""The study's table boiled down: means over seeds, and paired differences that answer it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import pandas as pd

from causal_ssl import methods
from causal_ssl._numbers import exactly
from causal_ssl.experiments.gains import PairedDifference, paired_difference
from causal_ssl.experiments.image_study.config import RANDOM
from causal_ssl.experiments.robustness import plan
from causal_ssl.experiments.robustness.config import ENOUGH, SWEPT, RobustnessStudy
from causal_ssl.experiments.robustness.sums import CLEAN, DO_RISE, MCE, MRCE, RISE, UNDER_DO

LEVEL = 0.95
METRICS = {
    CLEAN: "clean accuracy",
    "mean_error": "error, corrupted",
    RISE: "rise above clean",
    MCE: "mCE by supervised",
    MRCE: "mrCE by supervised",
    UNDER_DO: "error, do(S = s)",
    DO_RISE: "rise above clean",
}
"""What the report's tables may have, and how it is called."""


def titled(config: RobustnessStudy) -> dict[str, str]:
    """Variants of the study, see `plan.variant`, and their titles, untrained encoders first."""
    found = {RANDOM: "Untrained"}
    for method in config.methods:
        title = methods.get(method).title
        for alpha in plan.alphas(config, method):
            ending = "" if alpha is None else f", α\u00a0=\u00a0{exactly(alpha)}"
            found[plan.variant(method, alpha)] = title + ending
    return found


def with_variants(table: pd.DataFrame) -> pd.DataFrame:
    """A table of the study, with what `titled` tells apart in the column variant."""
    alphas = table["alpha"].astype(object).where(table["alpha"].notna(), None)
    pairs = zip(table["method"], alphas, strict=True)
    return table.assign(variant=[plan.variant(method, alpha) for method, alpha in pairs])


@dataclass(frozen=True)
class Score:
    """A metric of one variant on one data set.

    Attributes:
        values: one a seed that has it; empty where it is undefined.
        seeds: how many were asked for.
        reference: the paper's, on ImageNet; NaN for none.
        printed: as the paper prints it, by AlexNet; NaN for none.
    """

    values: tuple[float, ...]
    seeds: int
    reference: float
    printed: float

    @property
    def value(self) -> float:
        """Mean over the seeds that have it; NaN for none."""
        return fmean(self.values) if self.values else math.nan

    @property
    def spread(self) -> float:
        """Standard deviation over seeds; NaN below two."""
        return stdev(self.values) if len(self.values) > 1 else math.nan


Scores = dict[tuple[str, str, str], Score]
"""(data set, variant, metric) -> score."""


def summarise(table: pd.DataFrame, seeds: int) -> Scores:
    """Of every data set, variant and metric over all corruptions.

    Args:
        table: the study's, see `with_variants`.
        seeds: the study's.
    """
    whole = table[(table["corruption"] == "") & table["metric"].isin(METRICS)]
    return {
        (str(dataset), str(variant), str(metric)): Score(
            tuple(own["value"].dropna()),
            seeds,
            float(own["reference"].iloc[0]),
            float(own["reference_printed"].iloc[0]),
        )
        for (dataset, variant, metric), own in whole.groupby(
            ["dataset", "variant", "metric"], sort=False
        )
    }


@dataclass(frozen=True)
class Answer:
    """What a penalty does on a data set, against alpha 0 of the same seeds.

    Attributes:
        seeds: how many were asked for.
        differences: metric -> the paired difference, of the seeds that have the metric.
    """

    dataset: str
    alpha: float
    seeds: int
    differences: dict[str, PairedDifference]

    @property
    def mce(self) -> PairedDifference:
        """Of the metric that the question is asked of; below 0 is more robust."""
        return self.differences[MCE]

    def shown(self, metric: str, unit: str = "") -> str:
        """A difference and its interval, and of how many seeds where not of all."""
        found = self.differences[metric]
        return interval(found, unit) + partly(found.seeds, self.seeds)


def answers(table: pd.DataFrame, config: RobustnessStudy) -> list[Answer]:
    """Of every data set and alpha above 0; none without ReLIC.

    Intervals hold together with `LEVEL` for each metric (Bonferroni over data sets and alphas).
    """
    if SWEPT not in config.methods:
        return []
    asked = [(d, alpha) for d in config.datasets for alpha in config.alphas if alpha > 0]
    level = 1 - (1 - LEVEL) / max(1, len(asked))
    return [
        Answer(
            dataset,
            alpha,
            config.seeds,
            {
                metric: paired_difference(
                    by_seed(table, dataset, plan.variant(SWEPT, alpha), metric),
                    by_seed(table, dataset, plan.variant(SWEPT, 0.0), metric),
                    level=level,
                )
                for metric in _asked(table, dataset)
            },
        )
        for dataset, alpha in asked
    ]


def _asked(table: pd.DataFrame, dataset: str) -> list[str]:
    """Metrics of a data set that differences are taken of."""
    there = set(table.loc[table["dataset"] == dataset, "metric"])
    return [name for name in (CLEAN, "mean_error", RISE, MCE, UNDER_DO, DO_RISE) if name in there]


def by_seed(table: pd.DataFrame, dataset: str, variant: str, metric: str) -> "pd.Series[float]":
    """A metric over all corruptions, indexed by seed, of the seeds that have it."""
    own = table[
        (table["dataset"] == dataset)
        & (table["variant"] == variant)
        & (table["metric"] == metric)
        & (table["corruption"] == "")
    ]
    return own.set_index("seed")["value"].dropna()


def undefined(table: pd.DataFrame, datasets: dict[str, str]) -> list[str]:
    """Which metrics over all corruptions seeds lack, and why, in sentences.

    Args:
        table: the study's.
        datasets: names and titles.
    """
    gone = table[
        table["metric"].isin(METRICS) & (table["corruption"] == "") & table["value"].isna()
    ]
    found = gone.drop_duplicates(["dataset", "metric", "seed"])
    return [
        f"{METRICS[row.metric]} is undefined"
        f"{f' on {datasets[row.dataset]}' if len(datasets) > 1 else ''} for seed {row.seed}, and"
        f" enters no mean over seeds: {row.note}."
        for row in found.itertuples()
    ]


def finding(
    found: Sequence[Answer], config: RobustnessStudy, datasets: dict[str, str]
) -> list[str]:
    """What came out, in sentences computed from the numbers.

    Args:
        found: see `answers`.
        config: the study's.
        datasets: names and titles.
    """
    if not found:
        return ["ReLIC was not among the methods, so its penalty was not asked about."]
    if config.seeds < ENOUGH:
        first = (
            f"With {config.seeds} paired seed{'s' * (config.seeds > 1)} this run shows the"
            " machinery and cannot say whether the invariance penalty buys robustness; the preset"
            " standard asks it with five."
        )
        return [first, *(_numbers(answer, datasets, config) for answer in found)]
    first = " ".join(_verdict([a for a in found if a.dataset == d], t) for d, t in datasets.items())
    return [first, *(_numbers(answer, datasets, config) for answer in found)]


def _verdict(found: Sequence[Answer], title: str) -> str:
    """Of one data set, in a sentence."""
    if any(answer.mce.seeds < ENOUGH for answer in found):
        least = min(answer.mce.seeds for answer in found)
        return (
            f"On {title} this run cannot say whether the invariance penalty buys robustness: mCE is"
            f" defined for {least} of {found[0].seeds} seeds, and {ENOUGH} are needed."
        )
    words = {
        -1: "the invariance penalty buys robustness",
        1: "the invariance penalty costs robustness",
        0: "no effect of the invariance penalty on robustness is told from none",
    }
    parts = [
        f"{words[sign]} at α = {', '.join(exactly(a.alpha) for a in found if a.mce.sign == sign)}"
        for sign in words
        if any(a.mce.sign == sign for a in found)
    ]
    return f"On {title} {'; '.join(parts)}."


def _numbers(answer: Answer, datasets: dict[str, str], config: RobustnessStudy) -> str:
    where = f"{datasets[answer.dataset]}, " if len(datasets) > 1 else ""
    return (
        f"{where}α = {exactly(answer.alpha)} less α = 0: mCE {answer.shown(MCE, 'points')}, clean"
        f" accuracy {answer.shown(CLEAN, 'points')}."
    )


def interval(found: PairedDifference, unit: str = "") -> str:
    """A difference in hundredths, with its interval.

    Examples:
        >>> interval(PairedDifference(-0.012, -0.02, -0.004, (-0.012,) * 5, 0.95), "points")
        '-1.2 points [-2.0, -0.4]'
    """
    if not found.seeds:
        return "undefined"
    between = "" if math.isnan(found.low) else f" [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"
    shown = f"{100 * found.value:+.1f}{f' {unit}' * bool(unit)}{between}"
    return shown.replace("+-", "-")


def partly(seeds: int, asked: int) -> str:
    """Of how many seeds a mean is, where not of all that were asked for; "" for none, too.

    Examples:
        >>> partly(3, 5), partly(5, 5), partly(0, 5)
        (' (3 of 5 seeds)', '', '')
    """
    return f" ({seeds} of {asked} seeds)" if 0 < seeds < asked else ""
