"""The four validation corruptions of ImageNet-C, on which ReLIC's classifiers were chosen."""

from collections.abc import Sequence

import numpy as np

from causal_ssl.analysis.linear_probe import Choice
from causal_ssl.analysis.robustness import alexnet
from causal_ssl.datasets.images.listing import some
from causal_ssl.datasets.suites import Suite
from causal_ssl.datasets.suites.classes import wnids
from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.linear.config import CORRUPTED, HELD_OUT, Linear
from causal_ssl.experiments.evaluation.runs import Run
from causal_ssl.experiments.evaluation.suites import opened, shown, suite_folder

PARTITIONS = tuple(
    f"{corruption}/{severity}"
    for corruption, kind in alexnet().kinds.items()
    if kind == "validation"
    for severity in alexnet().severities
)


def open_validation(asked: Linear, classes: Sequence[str]) -> Suite | None:
    """ImageNet-C, where that is what chooses.

    Args:
        asked: the options.
        classes: of the training images.

    Raises:
        InputError: no such folder; it lacks one of `PARTITIONS`; its classes are not those of the
            training images.
    """
    if asked.choose_on != CORRUPTED:
        return None
    if not asked.suite_root:
        raise InputError(
            f"choose_on = {CORRUPTED}, but there is no folder with it: give --suite-root, or "
            f"--choose-on {HELD_OUT}"
        )
    folder = suite_folder(asked.suite_root, CORRUPTED)
    suite = opened(asked, CORRUPTED, folder, partial=True)
    if gone := [name for name in PARTITIONS if name not in suite.folders]:
        raise InputError(
            f"{folder} lacks {some(gone)}: to choose on ImageNet-C's validation corruptions takes "
            f"all severities of the four: unpack its extra.tar, or give --choose-on {HELD_OUT}"
        )
    there = set(suite.answers) - set(suite.missing_classes)
    if there != set(classes):
        differing = sorted(there ^ set(classes))
        raise InputError(
            f"{folder} has {len(there):,} classes, and not the training images' {len(classes):,}: "
            f"{some(differing)} are in one of them alone; give folders of the same classes"
        )
    return suite


def choices(run: Run[Linear], suite: Suite | None, classes: Sequence[str]) -> list[Choice]:
    """What to choose on, so that the greatest mean is the least mCE of the validation corruptions.

    That is the mean over corruptions of the errors' sum over AlexNet's: an accuracy weighs one
    over AlexNet's error.
    """
    if suite is None:
        return []
    number = {wnid: number for number, wnid in enumerate(classes)}
    numbers = np.array([number.get(wnid, -1) for wnid in wnids()])
    found = []
    for partition in PARTITIONS:
        images, seen = shown(suite, partition)
        weight = 1 / alexnet().errors[partition.split("/")[0]]
        found.append(Choice(run.features(seen), numbers[images.answers[:, 0]], weight))
    return found


def validation_mce(accuracy: float) -> float:
    """The mCE over the validation corruptions, 1 as AlexNet, of an accuracy weighted by `choices`.

    Examples:
        >>> round(validation_mce(1.0), 3), validation_mce(0.0) > 1
        (0.0, True)
    """
    weights = [1 / alexnet().errors[partition.split("/")[0]] for partition in PARTITIONS]
    return (1 - accuracy) * sum(weights) / len(weights)
