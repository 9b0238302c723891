"""What the methods study runs: which methods, on which images, at what budget."""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.experiments import method_names
from causal_ssl.experiments.image_study.config import FASHION_MNIST_ROOT, WARMUP, ImageStudy
from causal_ssl.experiments.options import option

PRESET = "fashion-small"
"""Of `causal-ssl pretrain`: encoder, heads, views and optimiser that all methods share."""
RAW = "raw_pixels"
"""Stands for a method: the pixels themselves."""


@dataclass(frozen=True)
class MethodsStudy(ImageStudy):
    """`causal-ssl study methods`: what each method of the registry comes to at one budget.

    The defaults are the quick preset. Every field is described where it is declared.

    Raises:
        InputError: a value out of range or a method named twice, before anything starts.

    Examples:
        >>> MethodsStudy(methods=("relic", "byol")).seeds
        1
    """

    name: ClassVar[str] = "methods"

    methods: tuple[str, ...] = option(
        ("relic", "simclr", "supervised"),
        f"methods to compare: {method_names.PRETRAINING}",
        distinct=True,
    )
    seeds: int = option(1, "encoders of every method, and as many untrained ones", at_least=1)
    data_root: str = option(
        FASHION_MNIST_ROOT,
        "folder of the images: IDX files, or train/CLASS and val/CLASS folders",
        metavar="DIR",
    )

    epochs: float = option(2.0, "passes over the training images", at_least=WARMUP)
    batch_size: int = option(256, "images of a step", at_least=2)
    learning_rate: float = option(0.005, "of Adam, at its peak", above=0)
    checkpoint_every: int = option(100, "steps between checkpoints", at_least=1)
    n_linear: int = option(
        20_000, "training images that linear classifiers are fitted on, at most", at_least=2
    )
