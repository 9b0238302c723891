"""ImageNet's 1000 classes: which index a WordNet id has, and which classes -R and -A hold.

The index of a class is the rank of its id among the 1000, as in every published classifier.
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from causal_ssl.errors import InputError

N_CLASSES = 1000
Answers = Mapping[str, tuple[int, ...]]
"""The name of a class's folder -> indices that are right for its images."""


@cache
def wnids() -> tuple[str, ...]:
    """The WordNet ids of the 1000 classes, by index; timm's list.

    Raises:
        InputError: timm is not installed.

    Examples:
        >>> wnids()[0], len(wnids()), list(wnids()) == sorted(wnids())
        ('n01440764', 1000, True)
    """
    try:
        from timm.data.imagenet_info import ImageNetInfo
    except ImportError as error:
        raise InputError(
            "ImageNet's list of classes needs timm: pip install 'causal-ssl[images]'"
        ) from error
    return tuple(ImageNetInfo().label_names())


@cache
def subset(suite: str) -> dict[str, int]:
    """WordNet id -> index of the 200 classes of a suite, "imagenet-r" or "imagenet-a".

    References:
        Hendrycks et al. (2021), arXiv 2006.16241 (-R) and arXiv 1907.07174 (-A).

    Examples:
        >>> len(subset("imagenet-r")), subset("imagenet-a")["n01498041"]
        (200, 6)
    """
    file = resources.files("causal_ssl.datasets.suites") / "published" / "imagenet_r_a.csv"
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return {row["wnid"]: int(row["index"]) for row in rows if row["suite"] == suite}


def by_wnid(suite: str) -> Answers:
    """The answers of a suite whose folders are WordNet ids: 200 of -R and -A, else all 1000."""
    known = subset(suite) or {wnid: index for index, wnid in enumerate(wnids())}
    return {wnid: (index,) for wnid, index in known.items()}


def by_number() -> Answers:
    """The answers of folders "0" to "999": the index itself, not the rank of the name."""
    return {str(index): (index,) for index in range(N_CLASSES)}


def mask_of(answers: Answers) -> NDArray[np.bool_]:
    """(1000,), which classes are an answer.

    Examples:
        >>> mask_of({"a": (3,), "b": (3, 5)}).nonzero()[0].tolist()
        [3, 5]
    """
    mask = np.zeros(N_CLASSES, bool)
    mask[[index for indices in answers.values() for index in indices]] = True
    return mask
