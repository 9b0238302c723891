"""Training images as linear evaluation augments them: random crops and flips, each epoch anew.

What an image becomes depends on the seed, the epoch, and the batch that it is in.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from causal_ssl.datasets.images import Images
from causal_ssl.experiments.evaluation.features import Floats, kept_features, remove
from causal_ssl.experiments.evaluation.images import Split
from causal_ssl.experiments.evaluation.linear.config import Linear
from causal_ssl.experiments.evaluation.runs import Run
from causal_ssl.experiments.watching import watching
from causal_ssl.randomness import generator_for
from causal_ssl.views.augmentations import HorizontalFlip, RandomResizedCrop, Stack


def stack_of(size: int, interpolation: str, *, least_area: float = 0.08) -> Stack:
    """A crop of that share of the area or more to that size, mirrored half of the time."""
    crop = RandomResizedCrop(
        (least_area, 1.0),
        size=size,
        interpolation=interpolation,  # type: ignore[arg-type]
    )
    return Stack(
        "crops",
        "random crops and flips",
        {"crop": crop, "flip": HorizontalFlip(0.5)},
        source="Szegedy et al. (2015), arXiv 1409.4842, section 6",
        n_views=1,
    )


@dataclass(frozen=True, eq=False)
class Crops:
    """The crops of one epoch, in the images' order.

    Attributes:
        images: the data set; files are squeezed to its size first, and cropped as on the originals.
        stack: crop and flip.
        seed, epoch: of the draws.
    """

    images: Images
    stack: Stack
    seed: int
    epoch: int

    def __len__(self) -> int:
        return len(self.images)

    def batch(
        self, indices: NDArray[np.int64], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Crops (b, 3, size, size) uint8, as "image"."""
        batch = self.images.batch(indices)
        own = generator_for(self.seed, "linear evaluation", self.epoch, int(indices[0]))
        views, _ = self.stack(batch["image"], generator=own, aspect=batch.get("aspect"))
        return {"image": views[0]}


@dataclass(eq=False)
class Epochs:
    """The features of augmented training images, epoch by epoch; each file replaces the last.

    Attributes:
        run: the evaluation.
        train: the training images.
        folder: for these features alone: those of two runs are never the same crops.
        training: what they are for, "grid" or "refit", as `on_epoch` was told.
    """

    run: Run[Linear]
    train: Split
    folder: Path
    training: str = "grid"

    def on_epoch(self, training: str, epochs: int, total: int) -> None:
        """Be told which training asks for epochs from here on."""
        self.training = training

    def __call__(self, epoch: int) -> Floats:
        """(n, width) of epoch 0, 1, ..."""
        remove(self.folder, "crops-", but=f"crops-{epoch}-")
        with watching(self.run.console) as watcher:
            return kept_features(
                self.run.subject,
                self._shown(epoch),
                self.folder,
                at_once=self.run.asked.at_once,
                workers=self.run.asked.workers,
                watcher=watcher,
                title=f"crops of epoch {epoch}" + (", refit" if self.training == "refit" else ""),
            )

    def _shown(self, epoch: int) -> Split:
        asked, whole = self.run.asked, self.train.images.size
        stack = stack_of(self.train.side, asked.interpolation)
        how = f"{stack.steps['crop']} of {whole} px, flips, epoch {epoch}, seed {asked.seed}"
        return replace(
            self.train,
            name=f"crops-{epoch}",
            seen=Crops(self.train.images, stack, asked.seed, epoch),
            # What is drawn differs with the batches.
            how=f"{how}, batches of {asked.at_once}",
        )


@contextmanager
def augmented(run: Run[Linear], train: Split) -> Iterator[Epochs | None]:
    """What gives the features of an epoch, removed at the end; None where epochs are all alike."""
    if not run.asked.augment:
        yield None
        return
    # Beside other features, as they need room, but of this run alone.
    own = sha256(str(run.directory.path.resolve()).encode()).hexdigest()[:16]
    folder = run.features_folder() / f"crops-{own}"
    yield Epochs(run, train, folder)
    if folder.exists():
        shutil.rmtree(folder)
