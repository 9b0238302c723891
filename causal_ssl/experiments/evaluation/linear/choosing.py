"""The four validation corruptions of ImageNet-C, on which ReLIC's classifiers were chosen."""

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from causal_ssl.analysis.linear_probe import Choice
from causal_ssl.analysis.robustness import alexnet
from causal_ssl.datasets.images.listing import some
from causal_ssl.datasets.suites.classes import wnids
from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.images import Shown, Split
from causal_ssl.experiments.evaluation.linear.config import CORRUPTED, HELD_OUT, Linear
from causal_ssl.experiments.evaluation.runs import Run
from causal_ssl.experiments.evaluation.suites import opened, shown, suite_folder

PARTITIONS = tuple(
    f"{corruption}/{severity}"
    for corruption, kind in alexnet().kinds.items()
    if kind == "validation"
    for severity in alexnet().severities
)
WEIGHTS = tuple(1 / alexnet().errors[partition.split("/")[0]] for partition in PARTITIONS)
"""Of their accuracies."""


@dataclass(frozen=True, eq=False)
class Validation:
    """Images under the validation corruptions.

    Attributes:
        partitions: of `PARTITIONS`, what is shown and the labels (n,), numbers of the training
            images' classes.
    """

    partitions: tuple[tuple[Shown, NDArray[np.int64]], ...]

    def digest(self) -> str:
        """Of the images: that of others differs."""
        digests = [seen.digest() for seen, _ in self.partitions]
        return sha256("\n".join(digests).encode()).hexdigest()

    def choices(self, run: Run[Linear]) -> list[Choice]:
        """What to choose on, so that the greatest mean is the least mCE.

        That is the mean over corruptions of the errors' sum over AlexNet's: an accuracy weighs one
        over AlexNet's error.
        """
        return [
            Choice(run.features(seen), labels, weight)
            for (seen, labels), weight in zip(self.partitions, WEIGHTS, strict=True)
        ]


def open_validation(asked: Linear, train: Split) -> Validation:
    """The validation corruptions of ImageNet-C, seen at the size that training images are.

    Raises:
        InputError: no such folder; it lacks one of `PARTITIONS`; its classes are not those of the
            training images.
    """
    folder = validation_folder(asked)
    suite = opened(replace(asked, size=train.side), CORRUPTED, folder, partial=True)
    if gone := [name for name in PARTITIONS if name not in suite.folders]:
        raise InputError(
            f"{folder} lacks {some(gone)}: to choose on ImageNet-C's validation corruptions takes "
            f"all severities of the four: unpack its extra.tar, or give --choose-on {HELD_OUT}"
        )
    number = {train.classes[number]: number for number in np.unique(train.labels).tolist()}
    there = set(suite.answers) - set(suite.missing_classes)
    if differing := sorted(there ^ set(number)):
        raise InputError(
            f"{folder} has {len(there):,} classes, and not the training images' {len(number):,}: "
            f"{some(differing)} are in one of them alone; give folders of the same classes"
        )
    numbers = np.array([number.get(wnid, -1) for wnid in wnids()])
    found = [shown(suite, partition) for partition in PARTITIONS]
    return Validation(tuple((seen, numbers[images.answers[:, 0]]) for images, seen in found))


def validation_folder(asked: Linear) -> Path:
    """Where ImageNet-C is, which is to choose.

    Raises:
        InputError: no folder was named, or there is none.
    """
    if not asked.suite_root:
        raise InputError(
            f"--choose-on {CORRUPTED}, but there is no folder with it: give --suite-root, or "
            f"--choose-on {HELD_OUT}"
        )
    return suite_folder(asked.suite_root, CORRUPTED)


def validation_mce(accuracy: float) -> float:
    """The mCE over the validation corruptions, 1 as AlexNet, of an accuracy weighted by `WEIGHTS`.

    Examples:
        >>> round(validation_mce(1.0), 3), validation_mce(0.0) > 1
        (0.0, True)
    """
    return (1 - accuracy) * sum(WEIGHTS) / len(WEIGHTS)
