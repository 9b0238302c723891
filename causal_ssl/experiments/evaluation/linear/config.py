"""What `causal-ssl evaluate linear` may be told."""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.experiments.evaluation.config import OnFeatures, OnSplits
from causal_ssl.experiments.options import option

HELD_OUT, CORRUPTED = "held-out", "imagenet-c"


@dataclass(frozen=True)
class Linear(OnSplits, OnFeatures):
    """A linear classifier of frozen features: a grid of trainings, one chosen before it is scored.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> Linear().rates, Linear(augment=True).epochs
        ((0.01, 0.05, 0.1, 0.2, 0.3, 0.4), (80,))
    """

    name: ClassVar[str] = "linear"

    rates: tuple[float, ...] = option(
        (0.01, 0.05, 0.1, 0.2, 0.3, 0.4), "learning rates to choose from", above=0, distinct=True
    )
    weight_decays: tuple[float, ...] = option(
        (0.0,), "weight decays to choose from", at_least=0, distinct=True
    )
    epochs: tuple[int, ...] = option(
        (80,), "passes to choose from, each a schedule of its own", at_least=1, distinct=True
    )
    batch_sizes: tuple[int, ...] = option(
        (1024,), "samples of an SGD step to choose from", at_least=1, distinct=True
    )
    momentum: float = option(0.9, "of SGD, as Nesterov", at_least=0)
    schedule: str = option("cosine", "of the learning rate", choices=("cosine", "constant"))
    augment: bool = option(
        False, "train on random resized crops and flips, computed anew in every epoch"
    )
    choose_on: str = option(
        HELD_OUT,
        f"what chooses: {HELD_OUT} training images, or {CORRUPTED}'s four validation corruptions",
        choices=(HELD_OUT, CORRUPTED),
    )
    suite_root: str = option(
        "", f"folder with {CORRUPTED}/, for --choose-on {CORRUPTED}", metavar="DIR"
    )
    held_out: float = option(0.1, "share of the training images to choose on", above=0, at_most=0.5)
    refit: bool = option(True, "train the chosen one again, on all training images")
    seed: int = option(0, "of the held-out slice, the order and the crops", at_least=0)
