"""Whose classes are told from features, by neighbours or by a given classifier."""

from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console

from causal_ssl.analysis.knn import knn_accuracy
from causal_ssl.datasets.images.listing import some
from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation import runs
from causal_ssl.experiments.evaluation.classifier import (
    FILE,
    Classifier,
    classifier_of,
    require_seen,
)
from causal_ssl.experiments.evaluation.encoders import Subject
from causal_ssl.experiments.evaluation.features import Floats
from causal_ssl.experiments.evaluation.images import Split
from causal_ssl.experiments.evaluation.invariance.config import Invariance
from causal_ssl.experiments.evaluation.invariance.images import Sample, open_validation

Told = Callable[[Floats], float]
"""Features (m, width) of the sample -> the share of it whose class is told."""


def teller_of(
    asked: Invariance, subject: Subject, console: Console
) -> tuple[Classifier | Split, Split]:
    """What tells classes, and the validation images, whose classes are to be told.

    Returns:
        The classifier that was asked for, which needs no training images; or else these.

    Raises:
        InputError: the classifier is missing, damaged, of another encoder, or lacks classes of the
            images; fewer training images than are to vote; see `open_splits`.
    """
    if not asked.probe:
        train, val = runs.open_splits(asked, console)
        runs.require_neighbours(asked.k, train)
        return train, val
    found = classifier_of(subject, asked.probe)
    val = open_validation(asked, found.classes, console)
    require_seen(found, asked.probe, size=val.side, interpolation=val.interpolation)
    if unknown := sorted(set(val.classes) - set(found.classes)):
        raise InputError(
            f"{asked.probe}/{FILE} does not tell {some(unknown)}: give the --out of an "
            "`evaluate linear` on these images"
        )
    return found, val


def by_probe(probe: Classifier, sample: Sample) -> Told:
    """A classifier that was trained on images as they are."""
    number = {name: index for index, name in enumerate(probe.classes)}
    truth = np.array([number[name] for name in sample.split.classes])[sample.labels]

    def told(features: Floats) -> float:
        logits = probe.logits(torch.from_numpy(np.array(features)))
        return float((logits.argmax(dim=1).numpy() == truth).mean())

    return told


def by_neighbours(
    asked: Invariance, train: Split, bank: Floats, sample: Sample, subject: Subject
) -> Told:
    """The votes of the nearest training images as they are.

    Args:
        asked: the options.
        train: the training images.
        bank: their features (n_train, width).
        sample: the images to tell.
        subject: the encoder.
    """

    def told(features: Floats) -> float:
        found = knn_accuracy(
            bank,
            train.labels,
            features,
            sample.labels,
            k=asked.k,
            temperature=asked.temperature,
            device=subject.encoder.mean.device,
        )
        return found.top1

    return told
