"""Test sets as they were asked for, and which of their images a classifier tells rightly."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from causal_ssl.analysis.masked_accuracy import AccuracyGap, accuracy_gap, hits
from causal_ssl.datasets.suites import Suite, SuiteImages
from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.classifier import Classifier
from causal_ssl.experiments.evaluation.features import Floats
from causal_ssl.experiments.evaluation.robustness.answers import lacking
from causal_ssl.experiments.evaluation.robustness.config import Robustness
from causal_ssl.experiments.evaluation.runs import Run
from causal_ssl.experiments.evaluation.suites import CLEAN, opened, shown, suite_folder

AT_ONCE = 4096
"""Images whose logits are in memory."""


@dataclass(frozen=True, eq=False)
class Scored:
    """A partition of a test set, and what was told rightly of it.

    Attributes:
        suite: the test set.
        partition: of it.
        right: (n,) bool, in the order of its images.
        denominator: what accuracy is a share of, in words.
        unknown: how many classes the classifier lacks.
    """

    suite: Suite
    partition: str
    right: NDArray[np.bool_]
    denominator: str
    unknown: int = 0

    @property
    def whole(self) -> bool:
        """Are these as many images and classes as are published?"""
        return len(self.right) == self.suite.protocol.images and not self.suite.missing_classes


def open_suites(asked: Robustness) -> tuple[Suite | None, list[Suite]]:
    """Clean images, where `data_root` names some, and the test sets.

    Raises:
        InputError: no folder; see `open_suite`.
    """
    folders = {name: suite_folder(asked.suite_root, name) for name in asked.suites}
    clean = None
    if asked.data_root:
        clean = opened(asked, CLEAN, Path(asked.data_root), partial=asked.partial)
    suites = []
    for name, folder in folders.items():
        try:
            suites.append(opened(asked, name, folder, partial=asked.partial))
        except InputError as error:
            raise InputError(f"{error}; or name in --suites those that are there") from error
    return clean, suites


def require_competitors(classifier: Classifier, suites: Iterable[Suite]) -> None:
    """Of every test set the classifier knows a class that competes.

    Raises:
        InputError: it does not.
    """
    known = ~classifier.biases.isneginf().numpy()
    for suite in suites:
        if suite.mask is not None and not (known & suite.mask).any():
            raise InputError(
                f"the classifier knows none of the {int(suite.mask.sum())} classes of "
                f"{suite.protocol.title}: train one on them, or leave {suite.name} out of --suites"
            )


def unknown(classes: int) -> str:
    """That the classifier lacks so many classes, in words."""
    if classes == 1:
        return "the classifier lacks 1 class, whose images count as wrong"
    return f"the classifier lacks {classes:,} classes, whose images count as wrong"


@dataclass(frozen=True, eq=False)
class Scorer:
    """Scores test sets with one encoder and classifier; features are kept, partition by partition.

    Attributes:
        run: the evaluation.
        classifier: of the 1000 classes, by index.
    """

    run: Run[Robustness]
    classifier: Classifier

    def partitions(self, suite: Suite) -> list[Scored]:
        """All that are there.

        Raises:
            InputError: see `SuiteImages`; NaN.
        """
        return [self._partition(suite, name) for name in suite.partitions]

    def gap(self, clean: Suite, scored: Scored) -> AccuracyGap | None:
        """What is lost from clean images of the same classes, with the same ones competing.

        None: there are no such images.
        """
        images, features = self._images(clean, clean.partitions[0])
        classes = scored.suite.classes
        rows = np.flatnonzero(classes[images.answers[:, 0]])
        if not len(rows):
            return None
        above = self._right(features, images.answers, scored.suite.mask, rows)
        return accuracy_gap(above, scored.right)

    def _partition(self, suite: Suite, name: str) -> Scored:
        images, features = self._images(suite, name)
        right = self._right(features, images.answers, suite.mask, np.arange(len(images)))
        words, gone = suite.denominator(images), lacking(self.classifier)
        if gone:
            words += f"; {unknown(gone)}"
        return Scored(suite, name, right, words, gone)

    def _images(self, suite: Suite, partition: str) -> tuple[SuiteImages, Floats]:
        images, seen = shown(suite, partition)
        return images, self.run.features(seen)

    def _right(
        self,
        features: Floats,
        answers: NDArray[np.int64],
        mask: NDArray[np.bool_] | None,
        rows: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        device = self.run.subject.encoder.mean.device
        weights, biases = self.classifier.weights.to(device), self.classifier.biases.to(device)
        classifier = replace(self.classifier, weights=weights, biases=biases)
        right = []
        for chunk in np.split(rows, range(AT_ONCE, len(rows), AT_ONCE)):
            logits = classifier.logits(torch.from_numpy(features[chunk]).to(device))
            right.append(hits(logits, answers[chunk], mask=mask))
        return np.concatenate(right)
