"""Trainings of a whole network from an encoder's weights, and how many images each tells rightly.

The trainer is that of pretraining, with the method "supervised": one crop of each image, random
and mirrored half of the time, and cross-entropy of a fresh linear classifier on the trunk. While it
learns, batch norm is in training mode; when it is scored, in eval mode.
"""

import shutil
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from causal_ssl import files
from causal_ssl._numbers import exactly
from causal_ssl.analysis.masked_accuracy import hits
from causal_ssl.datasets.images.parts import Part
from causal_ssl.datasets.watcher import Watcher
from causal_ssl.experiments.evaluation.encoders import Subject
from causal_ssl.experiments.evaluation.features import layers_of
from causal_ssl.experiments.evaluation.finetune.config import Finetune
from causal_ssl.experiments.evaluation.images import Split
from causal_ssl.experiments.evaluation.linear.crops import stack_of
from causal_ssl.experiments.pretraining.plan import Views, labels_of
from causal_ssl.methods import Optimiser
from causal_ssl.models.heads import Head
from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.models.weights.runs import CHECKPOINTS
from causal_ssl.training.images import (
    ImageRun,
    ImageTraining,
    NonFiniteError,
    Start,
    TrainedImages,
    train_images,
)
from causal_ssl.training.images.progress import progress_shown

Rows = NDArray[np.int64]
DIVERGED = "diverged.txt"
"""In the directory of a training that did: what the trainer said."""
SCHEDULES = {"cosine": "warmup_cosine", "constant": "constant"}
"""As options call it -> as the trainer does; there is no warm-up."""
TOP = (1, 5)
"""Classes that a network may name."""


@dataclass(frozen=True)
class Member:
    """A training of the grid."""

    rate: float
    epochs: int

    def __str__(self) -> str:
        return f"rate={exactly(self.rate)} epochs={self.epochs}"


@dataclass(frozen=True, eq=False)
class Retraining:
    """What the trainings of a run share.

    Attributes:
        asked: the options.
        subject: the encoder that they start from.
        train: the labelled images.
    """

    asked: Finetune
    subject: Subject
    train: Split

    @cached_property
    def _views(self) -> Views:
        """Crops as large as what is shown when the network is scored."""
        asked = self.asked
        size = self.train.seen.batch(np.zeros(1, np.int64))["image"].shape[-1]
        return Views(stack_of(size, asked.interpolation, least_area=asked.least_area))

    def run(self, member: Member, rows: Rows, out: Path) -> ImageRun:
        """A training on some of the images, checked and not begun.

        Raises:
            InputError: fewer images than a batch, or what else `ImageRun` refuses.
        """
        asked, rate = self.asked, member.rate
        training = ImageTraining(
            steps=max(1, member.epochs * (len(rows) // asked.batch_size)),
            batch_size=asked.batch_size,
            method="supervised",
            encoder=replace(
                self.subject.encoder.config, head=Head(), n_outputs=len(self.train.classes)
            ),
            optimiser=Optimiser(
                asked.optimiser,  # type: ignore[arg-type]
                rate,
                weight_decay=asked.weight_decay,
                momentum=asked.momentum,
            ),
            schedule=SCHEDULES[asked.schedule],  # type: ignore[arg-type]
            warmup=0.0,
            accumulate=asked.accumulate,
            precision=asked.precision,  # type: ignore[arg-type]
            log_every=asked.log_every,
            checkpoint_every=asked.checkpoint_every,
        )
        return ImageRun(
            training,
            Part(self.train.images, rows),
            self._views,
            out=out,
            seed=asked.seed,
            groups=labels_of,
            start=Start(self.subject.encoder, asked.head_rate),
            device=asked.device,
            workers=asked.workers,
            loggers=(),
        )

    def right(
        self, encoder: ImageEncoder, seen: Any, labels: NDArray[np.int64], watcher: Watcher
    ) -> dict[int, NDArray[np.bool_]]:
        """Which images a trained network tells rightly.

        Args:
            encoder: that was trained; its outputs are the logits.
            seen: what is shown of the images.
            labels: (n,), their classes.
            watcher: is told of progress.

        Returns:
            1 and 5 -> (n,), whether the class is among as many of the highest logits.
        """
        device = self.subject.encoder.mean.device
        parts: dict[int, list[NDArray[np.bool_]]] = {k: [] for k in TOP}
        done = 0
        watcher.begin("scoring", len(labels), 0)
        for layers in layers_of(
            encoder.to(device).eval(), seen, at_once=self.asked.at_once, workers=self.asked.workers
        ):
            logits = layers.final.float().cpu()
            truth = torch.from_numpy(labels[done : done + len(logits)])
            for k, found in parts.items():
                found.append(hits(logits, truth, k=min(k, logits.shape[1])))
            done += len(logits)
            watcher.advance(len(logits))
        return {k: np.concatenate(found) for k, found in parts.items()}


def train(run: ImageRun, title: str) -> TrainedImages:
    """What a training leaves, begun, continued or finished before; under a bar with that title.

    Raises:
        NonFiniteError, KeyboardInterrupt: see `train_images`.
    """
    with progress_shown(title) as shown:
        return train_images(run, on_progress=shown)


def train_of_grid(run: ImageRun, title: str) -> TrainedImages | None:
    """The same of one among several; None if it diverged, now or before.

    Its checkpoints are removed once they are not needed any more.
    """
    if (run.out / DIVERGED).exists():
        return None
    try:
        found: TrainedImages | None = train(run, title)
    except NonFiniteError as error:
        files.write(run.out / DIVERGED, f"{error}\n")
        found = None
    shutil.rmtree(run.out / CHECKPOINTS, ignore_errors=True)
    return found
