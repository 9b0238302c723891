"""Weighted nearest neighbours: how well a representation tells classes apart, nothing trained.

    found = knn_accuracy(train_features, train_labels, test_features, test_labels)
    found.top1, found.top5

The k training samples (the bank) that are nearest to a test sample by cosine similarity s vote for
their classes, each with weight exp(s / T). Exact, and in pieces: features may be memory maps, the
bank is read once, and what is held is a piece of each side, their similarities, and the neighbours
found so far.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from causal_ssl._labels import label_array, numbered
from causal_ssl.errors import InputError, in_range

Features = Tensor | NDArray[Any]


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
    """Accuracy of the weighted vote of the k nearest neighbours.

    Ties: of classes with equal votes wins the one that the training labels name first; of several
    k-th neighbours, at one distance up to rounding, any. A feature of length 0 has similarity 0
    to all.

    Args:
        train_features: (n_train, d), a tensor, an array or a memory map.
        train_labels: (n_train,) numbers or strings.
        test_features: (n_test, d), likewise.
        test_labels: (n_test,); a class that the bank lacks is never told.
        k: neighbours, at most n_train.
        temperature: T, above 0.
        bank_chunk: training samples at once.
        test_chunk: test samples at once; similarities take 4 bytes times both.
        device: where to compute; None: where the training features are. In float64 if they are
            float64, else in float32.

    Raises:
        InputError: k above n_train; features that are no matrices of one width; labels that do not
            fit them, or are missing; NaN or infinity, when the piece with it is read.

    References:
        Wu et al. (2018), arXiv 1805.01978, section 3.4.

    Examples:
        >>> bank, test = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[2.0, 1.0]])
        >>> knn_accuracy(bank, ["right", "up"], test, ["up"], k=2)
        KnnAccuracy(top1=0.0, top5=1.0)
    """
    _check(train_features, test_features, k)
    for name, size in (("bank_chunk", bank_chunk), ("test_chunk", test_chunk)):
        in_range(name, size, at_least=1)
    in_range("temperature", temperature, above=0)
    bank_labels, truth, n_classes = _numbers(
        _labels("train_labels", train_labels, len(train_features)),
        _labels("test_labels", test_labels, len(test_features)),
    )
    if device is None:
        device = train_features.device if isinstance(train_features, Tensor) else "cpu"
    dtype = torch.float64 if "float64" in str(train_features.dtype) else torch.float32
    bank = _Units("train_features", train_features, bank_chunk, torch.device(device), dtype)
    test = _Units("test_features", test_features, test_chunk, torch.device(device), dtype)
    similarities, labels = _nearest(bank, bank_labels.to(device), test, k)
    hits = torch.zeros(2, dtype=torch.long)
    for rows in test.cuts():
        votes = _votes(similarities[rows], labels[rows], temperature, n_classes)
        hits += _hits(votes, truth[rows].to(device)).cpu()
    top1, top5 = (hit / len(truth) for hit in hits.tolist())
    return KnnAccuracy(top1, top5)


@dataclass(frozen=True)
class _Units:
    """Features read piece by piece, each row scaled to length 1."""

    name: str
    features: Features
    chunk: int
    device: torch.device
    dtype: torch.dtype

    def cuts(self) -> Iterator[slice]:
        for start in range(0, len(self.features), self.chunk):
            yield slice(start, start + self.chunk)

    def read(self, rows: slice) -> Tensor:
        """(m, d); the rows' own length is lost.

        Raises:
            InputError: NaN or infinity.
        """
        part = self.features[rows]
        values = part.detach() if isinstance(part, Tensor) else torch.from_numpy(np.array(part))
        values = values.to(self.device, self.dtype)
        finite = values.isfinite().all(dim=1)
        if not bool(finite.all()):
            first = rows.start + int((~finite).nonzero()[0])
            raise InputError(
                f"{self.name} has NaN or infinity in row {first}: find where it came from"
            )
        return normalize(values, dim=1)


def _nearest(bank: _Units, bank_labels: Tensor, test: _Units, k: int) -> tuple[Tensor, Tensor]:
    """Similarities and labels of the k nearest in the bank, each (n_test, k)."""
    n_test = len(test.features)
    best = torch.full((n_test, k), -torch.inf, dtype=bank.dtype, device=bank.device)
    labels = torch.zeros((n_test, k), dtype=torch.long, device=bank.device)
    for bank_rows in bank.cuts():
        candidates, their_labels = bank.read(bank_rows), bank_labels[bank_rows]
        for rows in test.cuts():
            similarities = test.read(rows) @ candidates.T
            values, index = similarities.topk(min(k, len(candidates)), dim=1)
            both = torch.cat([best[rows], values], dim=1)
            both_labels = torch.cat([labels[rows], their_labels[index]], dim=1)
            best[rows], index = both.topk(k, dim=1)
            labels[rows] = both_labels.gather(1, index)
    return best, labels


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


def _check(train_features: Features, test_features: Features, k: int) -> None:
    for name, features in (("train_features", train_features), ("test_features", test_features)):
        if features.ndim != 2 or 0 in features.shape:
            raise InputError(
                f"{name} of shape {tuple(features.shape)}: expected (n_samples, d), neither 0"
            )
    if train_features.shape[1] != test_features.shape[1]:
        raise InputError(
            f"training features have {train_features.shape[1]} columns and test features "
            f"{test_features.shape[1]}: take both from one encoder"
        )
    if in_range("k", k, at_least=1) > len(train_features):
        raise InputError(
            f"k = {k} neighbours among {len(train_features)} training samples: lower k"
        )


def _labels(name: str, labels: Any, n: int) -> NDArray[Any]:
    values = np.asarray(label_array(labels))
    if values.shape != (n,):
        raise InputError(f"{name} of shape {values.shape}: expected ({n},), one a feature")
    return values


def _numbers(train: NDArray[Any], test: NDArray[Any]) -> tuple[Tensor, Tensor, int]:
    """Labels as class numbers, by first appearance, and the number of classes of both."""
    numbers, classes = numbered(np.concatenate([train, test]), "(training, then test) sample")
    bank_labels, truth = torch.from_numpy(numbers).split([len(train), len(test)])
    return bank_labels, truth, len(classes)
