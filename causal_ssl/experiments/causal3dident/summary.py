"""The study's table boiled down: means over seeds beside what they are to be read against."""

from dataclasses import dataclass
from statistics import fmean, stdev

import pandas as pd

from causal_ssl.experiments.causal3dident.config import CLASS_ALONE
from causal_ssl.experiments.causal3dident.evaluation import PERMUTED
from causal_ssl.experiments.gains import REQUIRED, Gain, gain
from causal_ssl.experiments.image_study.config import RANDOM


@dataclass(frozen=True)
class Score:
    """One variable of one setting and method, at one layer.

    Attributes:
        values: one a seed: accuracy for the class, R2 for others.
        untrained_values: of encoders as they are before training, one a seed.
        gain: how far `value` is above `untrained`, whose seeds may be more or fewer; its error is
            NaN for R2.
        class_alone: of a representation that is the class and nothing else.
        reference, reference_std: the published mean and deviation over seeds; NaN for none.
    """

    setting: str
    method: str
    layer: str
    variable: str
    values: tuple[float, ...]
    untrained_values: tuple[float, ...]
    gain: Gain
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
        return stdev(self.untrained_values) if len(self.untrained_values) > 1 else 0.0


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
                untrained_values=tuple(base["value"]),
                gain=gain(rows, base, paired=False),
                class_alone=alone[variable],
                reference=float(rows["reference"].iloc[0]),
                reference_std=float(rows["reference_std"].iloc[0]),
            )
        )
    return scores


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
    above = [score for score in classes if score.gain.is_clear]
    base, seeds = classes[0], len(classes[0].values)
    counted = "encoders" if seeds == 1 else f"settings and methods, each the mean of {seeds} seeds"
    sentences = [
        f"Class accuracy is more than {REQUIRED:g} standard errors above that of"
        f" {_untrained(base)} for {len(above)} of {len(classes)} {counted}."
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
            f"({score.gain.errors:+.1f} standard errors), R² of the object's hue {hue.value:z.2f} "
            f"(untrained {hue.untrained:.2f}, from the class alone {hue.class_alone:.2f})."
        )
    return sentences


def _untrained(score: Score) -> str:
    """The untrained encoders and what they score."""
    mean, seeds = f"{score.untrained:.2f}", len(score.untrained_values)
    if seeds == 1:
        return f"the untrained encoder ({mean})"
    return f"untrained encoders ({mean} ± {score.untrained_spread:.2f} over {seeds} seeds)"
