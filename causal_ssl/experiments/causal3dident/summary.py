"""The study's table boiled down: means over seeds beside what they are to be read against."""

import math
from dataclasses import dataclass
from statistics import fmean, stdev

import pandas as pd

from causal_ssl.experiments.causal3dident.config import CLASS_ALONE
from causal_ssl.experiments.causal3dident.evaluation import PERMUTED
from causal_ssl.experiments.image_study import RANDOM


@dataclass(frozen=True)
class Score:
    """One variable of one setting and method, at one layer.

    Attributes:
        values: one a seed: accuracy for the class, R2 for others.
        error: standard error of `value` from the number of scored images; NaN for R2. Seeds are
            scored on the same images, so it does not shrink with their number.
        untrained_values: of encoders as they are before training, one a seed.
        untrained_error: as `error`, of `untrained`.
        class_alone: of a representation that is the class and nothing else.
        reference, reference_std: the published mean and deviation over seeds; NaN for none.
    """

    setting: str
    method: str
    layer: str
    variable: str
    values: tuple[float, ...]
    error: float
    untrained_values: tuple[float, ...]
    untrained_error: float
    class_alone: float
    reference: float
    reference_std: float

    @property
    def value(self) -> float:
        """Mean over seeds."""
        return fmean(self.values)

    @property
    def untrained(self) -> float:
        """Mean over untrained encoders."""
        return fmean(self.untrained_values)

    @property
    def untrained_spread(self) -> float:
        """Standard deviation over untrained encoders; 0 for a single one."""
        return _spread(self.untrained_values)

    @property
    def gain_error(self) -> float:
        """Standard error of `value` less `untrained`; NaN for R2.

        Scored images are a sample: a binomial error of either value, taken as independent (the
        images are the same, so the true error of the difference is smaller where encoders err on
        the same ones). Weights are a sample: the error of either mean over seeds, its standard
        deviation by the root of their number. Of a single seed the latter is not known and left
        out, so the gain is then that of this encoder, not of others trained alike.
        """
        weights = [
            _spread(values) / math.sqrt(len(values))
            for values in (self.values, self.untrained_values)
        ]
        return math.hypot(self.error, self.untrained_error, *weights)

    @property
    def gain(self) -> float:
        """`value` less `untrained`, in standard errors of the difference; NaN for R2."""
        error = self.gain_error
        return (self.value - self.untrained) / error if error > 0 else math.nan


def summarise(table: pd.DataFrame) -> list[Score]:
    """A score for each setting, method, layer and variable, in the order of the table."""
    keys = ["layer", "variable"]
    shuffled = table["metric"].str.endswith(PERMUTED)
    untrained = dict(iter(table[(table["method"] == RANDOM) & ~shuffled].groupby(keys)))
    alone = class_alone(table)
    trained = table[~is_reference(table)]
    scores = []
    for key, rows in trained.groupby(["setting", "method", *keys], sort=False):
        setting, method, layer, variable = map(str, key)
        base = untrained[layer, variable]
        scores.append(
            Score(
                setting,
                method,
                layer,
                variable,
                values=tuple(rows["value"]),
                error=float(rows["standard_error"].mean()),
                untrained_values=tuple(base["value"]),
                untrained_error=float(base["standard_error"].mean()),
                class_alone=alone[variable],
                reference=float(rows["reference"].iloc[0]),
                reference_std=float(rows["reference_std"].iloc[0]),
            )
        )
    return scores


def _spread(values: tuple[float, ...]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def references(table: pd.DataFrame, layer: str) -> dict[str, pd.DataFrame]:
    """What the scores of a layer are to be read against: title -> rows of the table."""
    shuffled, here = table["metric"].str.endswith(PERMUTED), table["layer"] == layer
    untrained = table[(table["method"] == RANDOM) & here & ~shuffled]
    seeds = untrained["seed"].nunique()
    return {
        "untrained encoder" if seeds == 1 else f"untrained, {seeds} seeds": untrained,
        "class alone": table[(table["method"] == CLASS_ALONE) & ~shuffled],
        "shuffled pairs": table[here & shuffled],
    }


def is_reference(table: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows are not of trained encoders, or of shuffled pairs."""
    return table["method"].isin([RANDOM, CLASS_ALONE]) | table["metric"].str.endswith(PERMUTED)


def class_alone(table: pd.DataFrame) -> dict[str, float]:
    """Scene variable -> what the class alone tells of it, on the scored images."""
    own = references(table, "final")["class alone"]
    return dict(zip(own["variable"], own["value"].astype(float), strict=True))


def finding(scores: list[Score], titles: dict[str, str], methods: dict[str, str]) -> list[str]:
    """What came out, in sentences computed from the numbers: the class first, then the hue."""
    final = [score for score in scores if score.layer == "final"]
    classes = [score for score in final if score.variable == "class"]
    above = [score for score in classes if score.gain > 5]
    base, seeds = classes[0], len(classes[0].values)
    counted = "encoders" if seeds == 1 else f"settings and methods, each the mean of {seeds} seeds"
    sentences = [
        f"Class accuracy is more than 5 standard errors above that of {_untrained(base)} "
        f"for {len(above)} of {len(classes)} {counted}."
    ]
    for score in classes:
        hue = next(
            other
            for other in final
            if other.variable == "object_hue"
            and (other.setting, other.method) == (score.setting, score.method)
        )
        sentences.append(
            f"{methods[score.method]}, {titles[score.setting]}: class {score.value:.2f} "
            f"({score.gain:+.1f} standard errors), R² of the object's hue {hue.value:z.2f} "
            f"(untrained {hue.untrained:.2f}, from the class alone {hue.class_alone:.2f})."
        )
    return sentences


def _untrained(score: Score) -> str:
    """The untrained encoders and what they score."""
    mean, seeds = f"{score.untrained:.2f}", len(score.untrained_values)
    if seeds == 1:
        return f"the untrained encoder ({mean})"
    return f"untrained encoders ({mean} ± {score.untrained_spread:.2f} over {seeds} seeds)"
