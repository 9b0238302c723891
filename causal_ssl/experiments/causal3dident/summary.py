"""The study's table boiled down: means over seeds beside published and untrained ones."""

import math
from dataclasses import dataclass

import pandas as pd

from causal_ssl.experiments.causal3dident.class_alone import r2_from_class
from causal_ssl.experiments.causal3dident.config import RANDOM


@dataclass(frozen=True)
class Score:
    """One variable of one setting and method, at one layer.

    Attributes:
        value: mean over seeds: accuracy for the class, R2 for others.
        values: one a seed.
        error: standard error of `value` from the number of scored images; NaN for R2.
        untrained: mean of the encoder as it is before training.
        untrained_error: its standard error; NaN for R2.
        reference, reference_std: the published mean and deviation over seeds; NaN for none.
    """

    setting: str
    method: str
    layer: str
    variable: str
    value: float
    values: tuple[float, ...]
    error: float
    untrained: float
    untrained_error: float
    reference: float
    reference_std: float

    @property
    def gain(self) -> float:
        """Value less that of the untrained encoder, in standard errors of the difference.

        The errors are taken as independent. The images are the same, so the true error of the
        difference is smaller where both encoders err on the same ones. NaN for R2.
        """
        error = math.hypot(self.error, self.untrained_error)
        return (self.value - self.untrained) / error if error > 0 else math.nan


def summarise(table: pd.DataFrame) -> list[Score]:
    """A score for each setting, method, layer and variable, in the order of the table."""
    keys = ["layer", "variable"]
    untrained = {
        key: _mean(rows) for key, rows in table[table["method"] == RANDOM].groupby(keys, sort=False)
    }
    trained = table[table["method"] != RANDOM]
    scores = []
    for key, rows in trained.groupby(["setting", "method", *keys], sort=False):
        setting, method, layer, variable = map(str, key)
        value, error = _mean(rows)
        base, base_error = untrained[layer, variable]
        scores.append(
            Score(
                setting,
                method,
                layer,
                variable,
                value=value,
                values=tuple(rows["value"]),
                error=error,
                untrained=base,
                untrained_error=base_error,
                reference=float(rows["reference"].iloc[0]),
                reference_std=float(rows["reference_std"].iloc[0]),
            )
        )
    return scores


def _mean(rows: pd.DataFrame) -> tuple[float, float]:
    """Mean and its standard error; seeds are scored on the same images, so errors do not shrink."""
    return float(rows["value"].mean()), float(rows["standard_error"].mean())


def finding(scores: list[Score], titles: dict[str, str], methods: dict[str, str]) -> list[str]:
    """What came out, in sentences computed from the numbers: the class first, then the hue."""
    final = [score for score in scores if score.layer == "final"]
    classes = [score for score in final if score.variable == "class"]
    above, alone = [score for score in classes if score.gain > 5], r2_from_class()["object_hue"]
    base, seeds = classes[0].untrained, len(classes[0].values)
    counted = "encoders" if seeds == 1 else f"settings and methods, each the mean of {seeds} seeds"
    sentences = [
        f"Class accuracy is more than 5 standard errors above that of the untrained encoder "
        f"({base:.2f}) for {len(above)} of {len(classes)} {counted}."
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
            f"({score.gain:+.0f} standard errors), R² of the object's hue {hue.value:.2f} "
            f"(untrained {hue.untrained:.2f}, from the class alone {alone:.2f})."
        )
    return sentences
