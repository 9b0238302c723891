"""Validation images under named augmentations, each an intervention do(S = s), drawn once and kept.

An augmentation is one operation, always done: its parameters are drawn for all images at once, so
that what becomes of an image does not depend on the batch that it is in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor

from causal_ssl.datasets.corruptions import CORRUPTIONS, corrupt
from causal_ssl.datasets.images.parts import Part
from causal_ssl.datasets.images.subsets import lists_classes
from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.images import Shown, Split, open_split
from causal_ssl.experiments.evaluation.invariance.config import Invariance
from causal_ssl.experiments.evaluation.runs import say_skipped
from causal_ssl.experiments.watching import watching
from causal_ssl.randomness import generator_for
from causal_ssl.views.augmentations import (
    Augmentation,
    ColourJitter,
    GaussianBlur,
    Greyscale,
    HorizontalFlip,
    Parameters,
    RandomResizedCrop,
    Rotation,
    Solarise,
)

IDENTITY = "identity"
OPERATIONS: dict[str, tuple[str, Augmentation]] = {
    "crop": ("crop", RandomResizedCrop((0.08, 1.0))),
    "flip": ("flip", HorizontalFlip(p=1.0)),
    "colour_jitter": ("colour jitter", ColourJitter.of_strength(1.0, p=1.0)),
    "greyscale": ("greyscale", Greyscale(p=1.0)),
    "blur": ("blur", GaussianBlur(p=1.0)),
    "solarise": ("solarise", Solarise(p=1.0)),
    "rotation": ("quarter turns", Rotation()),
}
"""Name -> title, and the operation as ReLIC's views have it, but always done."""
ONE_WAY = ("flip", "greyscale", "solarise")
"""Those of `OPERATIONS` that draw nothing."""


class Drawn(Protocol):
    """What is done to each of m images."""

    def __call__(self, images: Tensor, rows: NDArray[np.int64]) -> Tensor:
        """Images (b, 3, h, w) uint8 of those rows, changed."""


@dataclass(frozen=True)
class Kept:
    """Images as they are."""

    def __call__(self, images: Tensor, rows: NDArray[np.int64]) -> Tensor:
        return images


@dataclass(frozen=True, eq=False)
class Operated:
    """Images under an operation on record."""

    operation: Augmentation
    record: Parameters

    def __call__(self, images: Tensor, rows: NDArray[np.int64]) -> Tensor:
        return self.operation.apply(images, self.record.rows(torch.from_numpy(rows)))


@dataclass(frozen=True, eq=False)
class Corrupted:
    """Images under a corruption, seeds (m,)."""

    name: str
    severity: int
    seeds: Tensor

    def __call__(self, images: Tensor, rows: NDArray[np.int64]) -> Tensor:
        return corrupt(images, self.name, self.severity, seeds=self.seeds[torch.from_numpy(rows)])


@dataclass(frozen=True, eq=False)
class Mixed:
    """Each image under one of several, `chosen` (m,)."""

    each: tuple[Drawn, ...]
    chosen: NDArray[np.int64]

    def __call__(self, images: Tensor, rows: NDArray[np.int64]) -> Tensor:
        result = images.clone()
        for number, drawn in enumerate(self.each):
            mine = np.nonzero(self.chosen[rows] == number)[0]
            if len(mine):
                result[mine] = drawn(images[mine], rows[mine])
        return result


@dataclass(frozen=True, eq=False)
class Sample:
    """Some validation images, drawn at random, and what they are shown under.

    Attributes:
        split: the validation images.
        rows: (m,) which of them, ascending.
        asked: the options.
        size: height and width that the encoder is shown.
    """

    split: Split
    rows: NDArray[np.int64]
    asked: Invariance
    size: tuple[int, int]

    @property
    def labels(self) -> NDArray[np.int64]:
        """(m,) classes."""
        return self.split.labels[self.rows]

    def drawn(self, name: str, key: str) -> Drawn:
        """An augmentation, its parameters drawn for all of the images.

        Args:
            name: of the augmentation.
            key: names the draw: another one, other parameters.
        """
        generator = generator_for(self.asked.seed, "invariance", name, key)
        if name == IDENTITY:
            return Kept()
        if name in CORRUPTIONS:
            seeds = torch.randint(2**62, (len(self.rows),), generator=generator)
            return Corrupted(name, self.asked.severity, seeds)
        operation = OPERATIONS[name][1]
        record = operation.draw(len(self.rows), generator=generator, size=self.size)
        return Operated(operation, record)

    def under(self, name: str, key: str = "anchors") -> "ShownSample":
        """The images under one augmentation."""
        return self._shown(f"{name}-{key}", self.drawn(name, key))

    def bank(self) -> "ShownSample":
        """The images, each under one of the augmentations, drawn for it, with its own draw."""
        names = self.asked.augmentations
        generator = generator_for(self.asked.seed, "invariance", "bank")
        chosen = torch.randint(len(names), (len(self.rows),), generator=generator).numpy()
        mixed = Mixed(tuple(self.drawn(name, "bank") for name in names), chosen)
        return self._shown("bank", mixed, " ".join(names))

    def _shown(self, name: str, drawn: Drawn, more: str = "") -> "ShownSample":
        asked = self.asked
        how = f"{self.split.how}; {name} {more}, severity {asked.severity}, seed {asked.seed}"
        seen = Changed(Part(self.split.seen, self.rows), drawn)
        how = f"{how}, {len(self.rows)} images"
        return ShownSample(name, self.split.images, seen, how, self.rows)


@dataclass(frozen=True, eq=False)
class ShownSample(Shown):
    """Images of which the encoder is shown some.

    Attributes:
        rows: which.
    """

    rows: NDArray[np.int64]

    def called(self, index: int) -> str:
        return f"{super().called(int(self.rows[index]))} ({self.name})"


@dataclass(frozen=True, eq=False)
class Changed:
    """What becomes of images that are shown."""

    seen: Part
    drawn: Drawn

    def __len__(self) -> int:
        return len(self.seen)

    def batch(
        self, indices: NDArray[np.int64], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Images (b, 3, h, w) uint8, as "image"."""
        images = self.seen.batch(indices)["image"]
        return {"image": self.drawn(images, indices)}


def open_validation(asked: Invariance, classes: Sequence[str], console: Console) -> Split:
    """Validation images alone, with their own numbering of classes.

    Args:
        asked: the options. A subset that lists training images is none of these.
        classes: names that a subset of classes may list.
        console: where to say how many cannot be read.

    Raises:
        InputError: see `open_split`.
    """
    if asked.subset and not lists_classes(asked.subset, tuple(classes)):
        asked = replace(asked, subset="")
    with watching(console) as watcher:
        found = open_split(asked, "val", watcher=watcher)
    say_skipped(found, console)
    return found


def sample(split: Split, asked: Invariance) -> Sample:
    """As many validation images as were asked for, without replacement.

    Raises:
        InputError: there are fewer.
    """
    if asked.images > len(split):
        raise InputError(
            f"images = {asked.images:,}, but there are {len(split):,} validation images: lower it"
        )
    generator = generator_for(asked.seed, "invariance", "images")
    chosen = torch.randperm(len(split), generator=generator)[: asked.images].sort().values.numpy()
    shown = split.seen.batch(chosen[:1])["image"]
    return Sample(split, chosen, asked, (shown.shape[-2], shown.shape[-1]))


def draws_anything(name: str) -> bool:
    """Whether two draws of an augmentation differ."""
    if name in CORRUPTIONS:
        return CORRUPTIONS[name].random
    return name != IDENTITY and name not in ONE_WAY


def titles(asked: Invariance) -> dict[str, str]:
    """The augmentations that were asked for, as tables and figures show them."""
    shown = {IDENTITY: IDENTITY} | {name: title for name, (title, _) in OPERATIONS.items()}
    shown |= {name: f"{each.title} ({asked.severity})" for name, each in CORRUPTIONS.items()}
    return {name: shown[name] for name in asked.augmentations}
