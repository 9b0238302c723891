"""Accuracy on test sets that share some classes with the training set, and its gap to clean images.

    right = hits(logits, answers, mask=mask)            # classes outside the mask do not compete
    accuracy(right)                                     # with a 95 % interval
    accuracy_gap(clean_right, right)

ImageNet-R and -A have 200 of the 1000 classes: logits are restricted to those before the argmax, or
an answer that the test set can not hold counts as wrong. Such a task is easier than one of 1000, so
it is held against clean images of the same classes under the same restriction.
"""

from dataclasses import dataclass
from math import hypot
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from torch import Tensor

from causal_ssl.errors import InputError, in_range

LEVEL = 0.95
"""Of the intervals."""
NO_ANSWER = -1
"""Fills the rows of answers that are fewer than others."""


@dataclass(frozen=True)
class Accuracy:
    """A share of right answers, with Wilson's interval at 95 %, over images drawn independently.

    Attributes:
        value, low, high: in [0, 1].
        n: images.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class AccuracyGap:
    """What accuracy is lost from clean images to others of the same classes.

    Attributes:
        clean, shifted: the two accuracies.
        value: clean minus shifted, in [-1, 1].
        low, high: its 95 % interval, Newcombe's (1998, doi 10.1002/(SICI)1097-0258(19980430)17:8,
            method 10), for two independent samples.
    """

    clean: Accuracy
    shifted: Accuracy
    value: float
    low: float
    high: float


def hits(
    logits: Tensor | NDArray[Any],
    answers: Tensor | NDArray[Any],
    *,
    mask: Tensor | NDArray[np.bool_] | None = None,
    k: int = 1,
) -> NDArray[np.bool_]:
    """Which images have a right answer among the k of the highest logits.

    Args:
        logits: (n, C).
        answers: (n,) indices in 0 .. C - 1; or (n, a), several that are right, -1 for no more.
        mask: (C,) bool, classes that compete; None: all.
        k: answers that are looked at, at most as many as compete.

    Returns:
        (n,), by chance k / competing classes are right where one answer is.

    Raises:
        InputError: shapes that do not fit; NaN among competing logits; answers outside of the
            classes that compete; an image without an answer.

    Examples:
        >>> logits = torch.tensor([[0.1, 0.9, 0.5], [0.1, 0.9, 0.5]])
        >>> hits(logits, torch.tensor([2, 0])).tolist()
        [False, False]
        >>> hits(logits, torch.tensor([2, 0]), mask=torch.tensor([True, False, True])).tolist()
        [True, False]
        >>> hits(logits, torch.tensor([[1, 2], [2, -1]])).tolist()
        [True, False]
    """
    logits, answers = torch.as_tensor(logits), torch.as_tensor(answers)
    if logits.ndim != 2 or answers.ndim not in (1, 2) or len(answers) != len(logits):
        raise InputError(
            f"logits {tuple(logits.shape)} and answers {tuple(answers.shape)}: expected (n, C) and "
            "(n,) or (n, a)"
        )
    n_classes = logits.shape[1]
    competing = torch.ones(n_classes, dtype=torch.bool) if mask is None else torch.as_tensor(mask)
    if competing.shape != (n_classes,) or competing.dtype != torch.bool:
        raise InputError(
            f"mask {tuple(competing.shape)} of {competing.dtype}: expected a truth value for each "
            f"of {n_classes} classes"
        )
    competing, answers = (
        competing.to(logits.device),
        answers.to(logits.device).reshape(len(logits), -1),
    )
    in_range("k", k, at_least=1, at_most=int(competing.sum()))
    _check_answers(answers, competing)
    classes = competing.nonzero()[:, 0]
    left = logits[:, classes]
    if bool((wrong := left.isnan().any(dim=1)).any()):
        raise InputError(f"logits have NaN in row {int(wrong.nonzero()[0])}: find where from")
    told = classes[left.topk(k, dim=1).indices]
    return (told[:, :, None] == answers[:, None, :]).any(dim=2).any(dim=1).cpu().numpy()


def accuracy(right: NDArray[np.bool_]) -> Accuracy:
    """The share that is right, with its interval.

    Args:
        right: (n,), as from `hits`.

    Raises:
        InputError: no images.

    Examples:
        >>> accuracy(np.array([True] * 8 + [False] * 2))
        Accuracy(value=0.8, low=0.490..., high=0.943..., n=10)
    """
    n = int(in_range("images", len(right), at_least=1))
    found = int(np.count_nonzero(right))
    interval = binomtest(found, n).proportion_ci(confidence_level=LEVEL, method="wilson")
    return Accuracy(found / n, float(interval.low), float(interval.high), n)


def accuracy_gap(clean: NDArray[np.bool_], shifted: NDArray[np.bool_]) -> AccuracyGap:
    """The accuracy on clean images minus that on others.

    Args:
        clean: (n,), as from `hits`: clean images of the classes that the others have, with the
            same classes competing.
        shifted: (m,), likewise.

    Raises:
        InputError: no images.

    Examples:
        >>> clean, shifted = (np.arange(n) < right for n, right in ((70, 56), (80, 48)))
        >>> gap = accuracy_gap(clean, shifted)
        >>> f"{gap.value:.4f} {gap.low:.4f} {gap.high:.4f}"
        '0.2000 0.0524 0.3339'
    """
    above, below = accuracy(clean), accuracy(shifted)
    value = above.value - below.value
    low = value - hypot(above.value - above.low, below.high - below.value)
    high = value + hypot(above.high - above.value, below.value - below.low)
    return AccuracyGap(above, below, value, low, high)


def _check_answers(answers: Tensor, competing: Tensor) -> None:
    """Every image has an answer, and all of them compete."""
    if answers.is_floating_point() or answers.dtype == torch.bool:
        raise InputError(f"answers are of {answers.dtype}: expected indices of classes")
    given = answers != NO_ANSWER
    if bool((without := ~given.any(dim=1)).any()):
        raise InputError(f"image {int(without.nonzero()[0])} has no answer: leave it out")
    outside = given & ((answers < 0) | (answers >= len(competing)))
    inside = competing[answers.clamp(0, len(competing) - 1)]
    if bool((wrong := outside | (given & ~inside)).any()):
        row, column = wrong.nonzero()[0].tolist()
        raise InputError(
            f"image {row} has the answer {int(answers[row, column])}, which is not among the "
            f"{int(competing.sum())} classes that compete: give the mask of this test set"
        )
