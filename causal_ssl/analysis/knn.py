"""Weighted nearest neighbours: how well a representation tells classes apart, nothing trained.

    found = knn_accuracy(train_features, train_labels, test_features, test_labels)
    found.top1, found.top5
    knn_accuracies(..., settings=[(k, temperature) for k in (10, 20, 100, 200)])

The k training samples (the bank) that are nearest to a test sample by cosine similarity s vote for
their classes, each with weight exp(s / T). Exact, and in pieces: features may be memory maps, the
bank is read once whatever the number of settings, and what is held is a piece of each side, their
similarities, and the neighbours found so far.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from causal_ssl._labels import numbered
from causal_ssl.analysis._feature_rows import (
    Features,
    check_finite,
    check_pair,
    device_of,
    labels_of,
    pieces,
    precision,
    read,
)
from causal_ssl.errors import InputError, in_range


@dataclass(frozen=True)
class KnnAccuracy:
    """Fractions of the test samples, in [0, 1]; of C classes of one size, by chance 1/C and 5/C.

    Attributes:
        top1: whose class has the most votes.
        top5: whose class is among the five with the most, and has any.
    """

    top1: float
    top5: float


def knn_accuracy(
    train_features: Features,
    train_labels: Any,
    test_features: Features,
    test_labels: Any,
    *,
    k: int = 200,
    temperature: float = 0.1,
    bank_chunk: int = 8192,
    test_chunk: int = 1024,
    device: torch.device | str | None = None,
) -> KnnAccuracy:
    """Accuracy of the weighted vote of the k nearest neighbours: `knn_accuracies` of one setting.

    Examples:
        >>> bank, test = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[2.0, 1.0]])
        >>> knn_accuracy(bank, ["right", "up"], test, ["up"], k=2)
        KnnAccuracy(top1=0.0, top5=1.0)
    """
    return knn_accuracies(
        train_features,
        train_labels,
        test_features,
        test_labels,
        settings=[(k, temperature)],
        bank_chunk=bank_chunk,
        test_chunk=test_chunk,
        device=device,
    )[0]


def knn_accuracies(
    train_features: Features,
    train_labels: Any,
    test_features: Features,
    test_labels: Any,
    *,
    settings: Sequence[tuple[int, float]],
    bank_chunk: int = 8192,
    test_chunk: int = 1024,
    device: torch.device | str | None = None,
) -> list[KnnAccuracy]:
    """Accuracy of the weighted vote for several numbers of neighbours and temperatures.

    The neighbours are found once, as many as the largest k.

    Ties: of neighbours at one similarity the first of the bank is nearest; of classes with equal
    votes wins the one that the training labels name first. Similarities are rounded, so which of
    two almost equal ones is larger may depend on the pieces. A feature of length 0 has similarity 0
    to all.

    Args:
        train_features: (n_train, d), a tensor, an array or a memory map.
        train_labels: (n_train,) numbers or strings.
        test_features: (n_test, d), likewise.
        test_labels: (n_test,); a class that the bank lacks is never told.
        settings: pairs of k, the neighbours, at most n_train, and T, the temperature, above 0.
        bank_chunk: training samples at once.
        test_chunk: test samples at once; similarities take 4 bytes times both.
        device: where to compute; None: where the training features are. In float64 if they are
            float64, else in float32.

    Returns:
        One a setting, in their order.

    Raises:
        InputError: no setting; k above n_train; features that are no matrices of one width; labels
            that do not fit them, or are missing; NaN or infinity, when the piece with it is read.

    References:
        Wu et al. (2018), arXiv 1805.01978, section 3.4.

    Examples:
        >>> bank, test = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[2.0, 1.0]])
        >>> found = knn_accuracies(bank, ["b", "a"], test, ["a"], settings=[(1, 0.1), (2, 0.1)])
        >>> [each.top5 for each in found]
        [0.0, 1.0]
    """
    check_pair(train_features, test_features)
    _check_settings(settings, len(train_features))
    for name, size in (("bank_chunk", bank_chunk), ("test_chunk", test_chunk)):
        in_range(name, size, at_least=1)
    bank_labels, truth, n_classes = _numbers(
        labels_of("train_labels", train_labels, len(train_features)),
        labels_of("test_labels", test_labels, len(test_features)),
    )
    device, dtype = device_of(train_features, device), precision(train_features)
    bank = _Units("train_features", train_features, bank_chunk, device, dtype)
    test = _Units("test_features", test_features, test_chunk, device, dtype)
    most = max(k for k, _ in settings)
    similarities, labels = _nearest(bank, bank_labels.to(device), test, most)
    hits = torch.zeros(len(settings), 2, dtype=torch.long)
    for rows in test.cuts():
        own = truth[rows].to(device)
        for at, (k, temperature) in enumerate(settings):
            votes = _votes(similarities[rows, :k], labels[rows, :k], temperature, n_classes)
            hits[at] += _hits(votes, own).cpu()
    return [KnnAccuracy(*(hit / len(truth) for hit in own)) for own in hits.tolist()]


@dataclass(frozen=True)
class _Units:
    """Features read piece by piece, each row scaled to length 1."""

    name: str
    features: Features
    chunk: int
    device: torch.device
    dtype: torch.dtype

    def cuts(self) -> list[slice]:
        return list(pieces(len(self.features), self.chunk))

    def read(self, rows: slice) -> Tensor:
        """(m, d); the rows' own length is lost.

        Raises:
            InputError: NaN or infinity.
        """
        values = read(self.features, rows, self.device, self.dtype)
        return normalize(check_finite(self.name, values, rows.start), dim=1)


def _nearest(bank: _Units, bank_labels: Tensor, test: _Units, k: int) -> tuple[Tensor, Tensor]:
    """Similarities, in descending order, and labels of the k nearest, each (n_test, k)."""
    n_test = len(test.features)
    best = torch.full((n_test, k), -torch.inf, dtype=bank.dtype, device=bank.device)
    labels = torch.zeros((n_test, k), dtype=torch.long, device=bank.device)
    for bank_rows in bank.cuts():
        candidates, their_labels = bank.read(bank_rows), bank_labels[bank_rows]
        for rows in test.cuts():
            similarities = test.read(rows) @ candidates.T
            # A piece of the bank seldom has more than a few that come before those found.
            beating = int((similarities > best[rows, -1:]).sum(dim=1).max())
            if beating == 0:
                continue
            values, index = _largest(similarities, min(beating, k))
            values, order = torch.cat([best[rows], values], dim=1).sort(
                dim=1, descending=True, stable=True
            )
            best[rows] = values[:, :k]
            both = torch.cat([labels[rows], their_labels[index]], dim=1)
            labels[rows] = both.gather(1, order[:, :k])
    return best, labels


def _largest(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest of each row, of equal ones the first, and their columns, ascending."""
    n = values.shape[1]
    top, index = values.topk(min(k + 1, n), dim=1)
    if n > k:
        cut = top[:, k - 1] == top[:, k]  # topk takes any of those that are equal
        if bool(cut.any()):
            ordered = values[cut].sort(dim=1, descending=True, stable=True).indices
            index[cut] = ordered[:, : k + 1]
    index = index[:, :k].sort(dim=1).values
    return values.gather(1, index), index


def _votes(similarities: Tensor, labels: Tensor, temperature: float, n_classes: int) -> Tensor:
    """(m, n_classes), in units of the nearest neighbour's vote, so that no weight overflows."""
    weights = ((similarities - similarities.amax(dim=1, keepdim=True)) / temperature).exp()
    votes = torch.zeros(len(labels), n_classes, dtype=weights.dtype, device=weights.device)
    return votes.scatter_add_(1, labels, weights)


def _hits(votes: Tensor, truth: Tensor) -> Tensor:
    """How many samples' classes are first, and among the first five: (2,).

    Args:
        votes: (m, n_classes).
        truth: (m,) class numbers.
    """
    own = votes.gather(1, truth[:, None])
    earlier = torch.arange(votes.shape[1], device=votes.device) < truth[:, None]
    ahead = ((votes > own) | ((votes == own) & earlier)).sum(dim=1)
    voted_for = own[:, 0] > 0
    return torch.stack([(voted_for & (ahead < top)).sum() for top in (1, 5)])


def _check_settings(settings: Sequence[tuple[int, float]], n_train: int) -> None:
    if not settings:
        raise InputError("no setting: give at least one pair of k and temperature")
    for k, temperature in settings:
        if in_range("k", k, at_least=1) > n_train:
            raise InputError(f"k = {k} neighbours among {n_train} training samples: lower k")
        in_range("temperature", temperature, above=0)


def _numbers(train: NDArray[Any], test: NDArray[Any]) -> tuple[Tensor, Tensor, int]:
    """Labels as class numbers, by first appearance, and the number of classes of both."""
    numbers, classes = numbered(np.concatenate([train, test]), "(training, then test) sample")
    bank_labels, truth = torch.from_numpy(numbers).split([len(train), len(test)])
    return bank_labels, truth, len(classes)
