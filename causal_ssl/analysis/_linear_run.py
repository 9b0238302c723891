"""Passes over features that train linear classifiers, and counts of what those tell rightly."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from causal_ssl.analysis._feature_rows import (
    Features,
    check_finite,
    check_matrix,
    device_of,
    pieces,
    precision,
    read,
)
from causal_ssl.analysis._linear_heads import BLOCK, Heads, Member
from causal_ssl.analysis._linear_settings import LinearSettings
from causal_ssl.analysis.masked_accuracy import hits
from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for

CHUNK = 4096
"""Rows at once where nothing is trained."""
AHEAD = 8192
"""Rows of minibatches that are read before a block takes its steps on them, one after the other:
its weights stay in the cache meanwhile, which the weights of all blocks would not."""


@dataclass(frozen=True)
class Samples:
    """Features (n, d), class numbers (n,), and which of the rows are meant."""

    name: str
    features: Features
    labels: Tensor
    rows: Tensor

    def chunks(self, device: torch.device, dtype: torch.dtype) -> Iterator[tuple[Tensor, Tensor]]:
        """Features and labels of the rows, some at a time."""
        for piece in pieces(len(self.rows), CHUNK):
            rows = self.rows[piece]
            yield read(self.features, rows, device, dtype), self.labels[rows].to(device)


def check_all_finite(name: str, features: Features) -> None:
    """
    Raises:
        InputError: NaN or infinity; names the row.
    """
    for rows in pieces(len(features), CHUNK):
        values = read(features, rows, device_of(features, None), precision(features))
        check_finite(name, values, rows.start)


@dataclass(frozen=True)
class Run:
    """What all passes share.

    Attributes:
        train: the training samples, all of them.
        views: the features of an epoch; None: those of `train`.
        settings: momentum and schedule; the grid is given to `fit`.
        n_classes: C.
        seed: of the order of samples.
        device, dtype: where and in what to compute.
    """

    train: Samples
    views: Callable[[int], Features] | None
    settings: LinearSettings
    n_classes: int
    seed: int
    device: torch.device
    dtype: torch.dtype

    def fit(self, members: list[Member], rows: Tensor) -> list[Heads]:
        """Train members of one batch size together, on those rows of the training samples."""
        size = min(members[0].batch_size, len(rows))
        per_epoch = len(rows) // size
        blocks = [self._heads(block, per_epoch) for block in self._blocks(members)]
        for epoch in range(max(member.epochs for member in members)):
            features = self._features(epoch)
            order = torch.randperm(
                len(rows), generator=generator_for(self.seed, "linear probe", epoch)
            )
            for steps in pieces(per_epoch, max(1, AHEAD // size)):
                batches = [
                    self._batch(features, rows[order[step * size : (step + 1) * size]])
                    for step in range(per_epoch)[steps]
                ]
                for heads in blocks:
                    for number, (x, labels) in enumerate(batches, epoch * per_epoch + steps.start):
                        if number < heads.n_steps:
                            heads.step(number, x, labels)
        return blocks

    def _batch(self, features: Features, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Features and labels of a minibatch; in ascending order a memory map is read forwards."""
        rows = rows.sort().values
        x = read(features, rows, self.device, self.dtype)
        return x, self.train.labels[rows].to(self.device)

    def held_out(self, blocks: list[Heads], samples: Samples) -> list[float]:
        """Top-1 accuracy of each member, NaN if it diverged."""
        right = [torch.zeros(len(heads.members), device=self.device) for heads in blocks]
        for x, labels in samples.chunks(self.device, self.dtype):
            for heads, count in zip(blocks, right, strict=True):
                logits = heads.logits(x)
                count += (logits.argmax(dim=2) == labels[:, None]).sum(dim=0)
                count[~logits.isfinite().all(dim=2).all(dim=0)] = torch.nan
        return (torch.cat(right) / len(samples.rows)).tolist()

    def hits(self, head: Heads, samples: Samples, k: int) -> NDArray[np.bool_]:
        """(n,) whether the class is among the k that a single member finds most probable."""
        parts = [
            hits(head.logits(x)[:, 0], labels, k=k)
            for x, labels in samples.chunks(self.device, self.dtype)
        ]
        return np.concatenate(parts)

    def _blocks(self, members: list[Member]) -> list[list[Member]]:
        """Members of equally many epochs, about `BLOCK` logits together; in the order given."""
        size = max(1, BLOCK // self.n_classes)
        return [
            same[piece]
            for _, group in groupby(members, key=lambda member: member.epochs)
            for same in [list(group)]
            for piece in pieces(len(same), size)
        ]

    def _heads(self, members: list[Member], per_epoch: int) -> Heads:
        return Heads(
            members,
            self.n_classes,
            self.train.features.shape[1],
            members[0].epochs * per_epoch,
            momentum=self.settings.momentum,
            nesterov=self.settings.nesterov,
            schedule=self.settings.schedule,
            like=torch.empty(0, device=self.device, dtype=self.dtype),
        )

    def _features(self, epoch: int) -> Features:
        if self.views is None:
            return self.train.features
        features, name = self.views(epoch), f"views of epoch {epoch}"
        check_matrix(name, features)
        if features.shape != self.train.features.shape:
            raise InputError(
                f"{name} are of shape {tuple(features.shape)} and training features of "
                f"{tuple(self.train.features.shape)}: give the same samples in the same order"
            )
        check_all_finite(name, features)
        return features
