"""Passes over features that train linear classifiers, and counts of what those tell rightly."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path

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
from causal_ssl.analysis._linear_state import State
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
        keep: a folder that keeps trainings after each epoch; None: nothing does.
        on_epoch: see `linear_probe`.
    """

    train: Samples
    views: Callable[[int], Features] | None
    settings: LinearSettings
    n_classes: int
    seed: int
    device: torch.device
    dtype: torch.dtype
    keep: Path | None = None
    on_epoch: Callable[[str, int, int], None] | None = None

    def fit(self, members: list[Member], rows: Tensor, what: str = "grid") -> list[Heads]:
        """Train members together, on those rows of the training samples, epoch by epoch.

        Args:
            members: those of one batch size, and of those of one number of epochs, in a row.
            rows: (n,) of the training samples.
            what: the training's name, in `keep` and for `on_epoch`.

        Raises:
            InputError: `keep` holds another training of that name; what is wrong with views.
        """
        blocks = [self._heads(block, len(rows)) for block in self._blocks(members)]
        state = self._state(what, members, rows)
        done, total = state.load(blocks), max(member.epochs for member in members)
        self._tell(what, done, total)
        for epoch in range(done, total):
            features = self._features(epoch)
            order = torch.randperm(
                len(rows), generator=generator_for(self.seed, "linear probe", epoch)
            )
            for size, alike in groupby(blocks, key=lambda heads: heads.members[0].batch_size):
                self._pass(list(alike), features, rows[order], min(size, len(rows)), epoch)
            state.save(blocks, epoch + 1)
            self._tell(what, epoch + 1, total)
        return blocks

    def _pass(
        self, blocks: list[Heads], features: Features, rows: Tensor, size: int, epoch: int
    ) -> None:
        """An epoch of all that take minibatches of that size from the rows, in that order."""
        per_epoch = len(rows) // size
        # One block needs nobody to wait for it, and finds in the cache what was read last.
        ahead = max(1, AHEAD // size) if len(blocks) > 1 else 1
        for steps in pieces(per_epoch, ahead):
            batches = [
                self._batch(features, rows[step * size : (step + 1) * size])
                for step in range(per_epoch)[steps]
            ]
            for heads in blocks:
                for number, (x, labels) in enumerate(batches, epoch * per_epoch + steps.start):
                    if number < heads.n_steps:
                        heads.step(number, x, labels)

    def _state(self, what: str, members: list[Member], rows: Tensor) -> State:
        settings = self.settings.momentum, self.settings.nesterov, self.settings.schedule
        width = self.train.features.shape[1]
        about = repr((members, settings, self.n_classes, width, self.seed, str(self.dtype)))
        digest = sha256(about.encode())
        for tensor in (rows, self.train.labels):
            digest.update(tensor.numpy().tobytes())
        return State(None if self.keep is None else self.keep / f"{what}.pt", digest.hexdigest())

    def _tell(self, what: str, done: int, total: int) -> None:
        if self.on_epoch is not None:
            self.on_epoch(what, done, total)

    def _batch(self, features: Features, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Features and labels of a minibatch; in ascending order a memory map is read forwards."""
        rows = rows.sort().values
        x = read(features, rows, self.device, self.dtype)
        return x, self.train.labels[rows].to(self.device)

    def accuracies(self, blocks: list[Heads], samples: Samples) -> list[float]:
        """Top-1 accuracy of each member, NaN if it diverged."""
        right = [
            torch.zeros(len(heads.members), dtype=torch.float64, device=self.device)
            for heads in blocks
        ]
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
        """Members that take the same steps, about `BLOCK` logits together; in the order given."""
        size = max(1, BLOCK // self.n_classes)
        return [
            same[piece]
            for _, group in groupby(members, key=lambda it: (it.batch_size, it.epochs))
            for same in [list(group)]
            for piece in pieces(len(same), size)
        ]

    def _heads(self, members: list[Member], n: int) -> Heads:
        return Heads(
            members,
            self.n_classes,
            self.train.features.shape[1],
            members[0].epochs * (n // min(members[0].batch_size, n)),
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
