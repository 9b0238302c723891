"""What every study of image encoders has: options, and one representation a job.

No torch here: help must not wait for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.experiments.config import StudyConfig
from causal_ssl.experiments.options import option

RANDOM = "random"
"""Stands for a method: encoders as they are before training."""
WARMUP = 0.5
"""Epochs with a rising learning rate in the presets of small encoders, which training has to
outlast; a test holds this to them."""
FASHION_MNIST_ROOT = "/usr/share/datasets/fashion-mnist"
"""Where Debian's package dataset-fashion-mnist puts its IDX files."""


@dataclass(frozen=True)
class ImageStudy(StudyConfig):
    """Where and how trainers of image encoders run: what `jobs` needs to know."""

    loader_workers: int = option(0, "processes that read images for a trainer", at_least=0)
    device: str = option("auto", "where to train", choices=("auto", "cpu", "cuda"))


@dataclass(frozen=True)
class ImageCell:
    """One representation of a study, of an encoder or for reference; it is its own job.

    Attributes:
        method: what trained it, `RANDOM`, or one of `encoderless`.
        seed: of its weights, batches and views.

    Examples:
        >>> ImageCell("relic", 3).name, ImageCell(RANDOM, 0).is_trained
        ('relic-seed3', False)
    """

    encoderless: ClassVar[tuple[str, ...]] = ()
    """The study's words, in place of a method, for representations that no encoder makes."""

    method: str
    seed: int

    @property
    def name(self) -> str:
        """File name without its ending."""
        return f"{self.method}-seed{self.seed}"

    @property
    def is_trained(self) -> bool:
        return self.method not in (RANDOM, *self.encoderless)

    @property
    def cell_names(self) -> Sequence[str]:
        return [self.name]
