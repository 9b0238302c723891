"""What the report of `evaluate invariance` says in words: what came out, and how far it carries."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from causal_ssl.experiments.evaluation.config import CORRUPTIONS
from causal_ssl.experiments.evaluation.invariance.config import Invariance
from causal_ssl.experiments.evaluation.invariance.images import IDENTITY
from causal_ssl.experiments.evaluation.invariance.measures import ACCURACY, GAP, OTHER, PIXELS

NETWORKS = {"f": "representation f", "g": "critic’s output g(f)"}
VANISHING = 0.001
"""Nats: a gap between two different images below this is none."""


@dataclass(frozen=True)
class Found:
    """The numbers that sentences are made of.

    Attributes:
        table: of the run.
        titles: augmentation -> title; the first is what others are compared with.
        chance: accuracy of who answers with the most frequent class of the sample.
    """

    table: pd.DataFrame
    titles: Mapping[str, str]
    chance: float

    @property
    def first(self) -> str:
        """What others are compared with."""
        return next(iter(self.titles))

    @property
    def variables(self) -> list[str]:
        """f, and g where there is one."""
        return [name for name in NETWORKS if name in set(self.table["variable"])]

    def gap(self, variable: str, name: str, against: str) -> pd.Series:
        """The row of a pair."""
        own = self._of(GAP, variable)
        return own[(own["environment"] == name) & (own["against"] == against)].iloc[0]

    def other(self, variable: str) -> float:
        """The gap between two different images."""
        return float(self._of(OTHER, variable)["value"].iloc[0])

    def share(self, variable: str, name: str, column: str = "value") -> float:
        """An augmentation's gap to the first, as a part of that between two images; or NaN.

        Args:
            variable: f or g.
            name: of the augmentation.
            column: value, or an end of its interval: low, high.
        """
        other = self.other(variable)
        if other < VANISHING:
            return np.nan
        return float(self.gap(variable, name, self.first)[column]) / other

    @property
    def changing(self) -> list[str]:
        """The augmentations after the first that change pixels of the images."""
        own = list(self.titles)[1:]
        return [name for name in own if self.pixels(name) > 0 or self.first != IDENTITY] or own

    def accuracy(self, name: str) -> pd.Series:
        """The row of an augmentation."""
        return self._of(ACCURACY, "f").set_index("environment").loc[name]

    def pixels(self, name: str) -> float:
        """How far pixels are from those of the images as they are."""
        own = self.table[self.table["metric"] == PIXELS].set_index("environment")
        return float(own.loc[name, "value"])

    def _of(self, metric: str, variable: str) -> pd.DataFrame:
        table = self.table
        return table[(table["metric"] == metric) & (table["variable"] == variable)]


def finding(found: Found) -> str:
    """Which augmentations change most and least, and what accuracy does."""
    if found.other("f") < VANISHING:
        return (
            f"Predictions from f do not tell two images apart (gap {found.other('f'):.4f} nats):"
            " that they do not change with the augmentation says nothing."
        )
    order = sorted(found.changing, key=lambda name: -found.share("f", name))
    most, least = order[0], order[-1]
    words = f"Predictions of f move furthest under {_gap(found, most)}"
    if most != least:
        words += f", and least under {_gap(found, least)}"
    accuracy = found.accuracy(found.first)
    worst = min(order, key=lambda name: float(found.accuracy(name)["value"]))
    words += (
        f". Classes are told right of {_percent(accuracy)} of the images under"
        f" {found.titles[found.first]}, and of {_percent(found.accuracy(worst))} under"
        f" {found.titles[worst]}, where it is least."
    )
    if accuracy["low"] <= found.chance:
        words += (
            f" By chance it would be {100 * found.chance:.0f} %: small gaps of an encoder that"
            " knows nothing of the classes are no merit."
        )
    return words


def discussion(found: Found) -> str:
    """What the critic does that f does not."""
    if "g" not in found.variables:
        return "The checkpoint has no critic: what is shown is f alone."
    if found.other("g") < VANISHING or found.other("f") < VANISHING:
        return "The critic's predictions, or those of f, do not tell two images apart."
    (f, f_low, f_high), (g, g_low, g_high) = (
        [
            100 * float(np.mean([found.share(variable, name, column) for name in found.changing]))
            for column in ("value", "low", "high")
        ]
        for variable in ("f", "g")
    )
    words = (
        f"On average over these augmentations the gap to {found.titles[found.first]} is {f:.0f} %"
        f" of that to another image for f, and {g:.0f} % for the critic’s output g(f), which is"
        " all that an objective has seen"
    )
    if g_high < f_low:
        return words + ": the critic drops some of what f keeps of the augmentation."
    if f_high < g_low:
        return words + ": the critic keeps more of the augmentation, by this measure, than f."
    return words + ": no difference that these images could tell."


def caveats(found: Found, asked: Invariance, *, critic: bool) -> list[str]:
    """How far the numbers carry."""
    still = [
        found.titles[name] for name in found.titles if name != IDENTITY and found.pixels(name) == 0
    ]
    notes = [
        "A gap of 0 says that on these images the predictions of which image it is are the same"
        " under both augmentations. It does not say that the encoder knows anything: one that"
        " makes the same of every image has gap 0 everywhere. Hence the accuracy, and the gap"
        " between two different images, which is 0 for it too.",
        "It does not say that nothing of the augmentation is left in f either: what moves all"
        " similarities of an image alike cancels. And it is a mean over images.",
        f"Gaps are of cosine similarities over τ = {asked.tau:g}, against a bank of"
        f" {asked.images:,} images: compare gaps in nats only at one τ and one bank. Parts of the"
        " gap to another image can be compared more widely.",
        "Each augmentation is one operation, always done, on the image as it is evaluated; views"
        " of a training combine several, each with a probability.",
        f"Accuracy is of {_classifier(asked)}; training images are not augmented.",
        "Intervals are at 95 %, over images, for these draws and this encoder: another training"
        " of it may differ by more.",
    ]
    if any(name in CORRUPTIONS for name in found.titles):
        notes.append(
            "Corruptions have their severity, of 1 to 5, in parentheses (Hendrycks and Dietterich"
            " 2019, arXiv:1903.12261)."
        )
    if still:
        notes.insert(
            2,
            f"Under {', '.join(still)} no pixel of the images looked at changes: the gap of 0 is"
            " the images’, not the encoder’s.",
        )
    if not critic:
        notes.append("This encoder comes without the critic that an objective compared through.")
    return notes


def _classifier(asked: Invariance) -> str:
    if asked.probe:
        return "the linear classifier given as --probe"
    return f"the votes of the {asked.k} nearest training images (T = {asked.temperature:g})"


def _gap(found: Found, name: str) -> str:
    row = found.gap("f", name, found.first)
    part = 100 * found.share("f", name)
    return (
        f"{found.titles[name]} ({row['value']:.2f} nats, {part:.0f} % of the gap to another image)"
    )


def _percent(row: pd.Series) -> str:
    return f"{100 * row['value']:.1f} % [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
