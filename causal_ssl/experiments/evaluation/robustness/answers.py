"""Which of ImageNet's 1000 classes a frozen encoder answers with: its linear classifier."""

from dataclasses import replace

import torch

from causal_ssl.datasets.images.listing import some
from causal_ssl.datasets.suites.classes import N_CLASSES, wnids
from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.classifier import (
    FILE,
    Classifier,
    classifier_of,
    require_seen,
)
from causal_ssl.experiments.evaluation.encoders import Subject
from causal_ssl.experiments.evaluation.images import SIZE
from causal_ssl.experiments.evaluation.robustness.config import Robustness


def imagenet_classifier(asked: Robustness, subject: Subject) -> Classifier:
    """The classifier that was asked for, its classes by their index among the 1000.

    Of a class that it was not trained on the logit is -inf: it is never the answer.

    Raises:
        InputError: neither the encoder's file nor `probe` has one; it is of another encoder; of
            classes that are none of ImageNet's; it lacks some and `partial` was not asked for.
    """
    if not asked.probe:
        return _of_weights(subject)
    found = classifier_of(subject, asked.probe)
    require_seen(found, asked.probe, size=asked.size or SIZE, interpolation=asked.interpolation)
    return _by_index(found, asked)


def lacking(classifier: Classifier) -> int:
    """How many of the 1000 classes it was not trained on."""
    return int(classifier.biases.isneginf().sum())


def _of_weights(subject: Subject) -> Classifier:
    head = subject.classifier
    if head is None:
        raise InputError(
            f"{subject.source}: it has no classifier; train one by `causal-ssl evaluate linear` "
            "and give its --out as --probe"
        )
    if head.out_features != N_CLASSES:
        raise InputError(
            f"{subject.source}: its classifier is not of ImageNet's {N_CLASSES} classes; train one "
            "by `causal-ssl evaluate linear` and give its --out as --probe"
        )
    weights, biases = (it.detach().float().cpu() for it in (head.weight, head.bias))
    return Classifier(weights, biases, wnids(), subject.digest, "the weights file's own")


def _by_index(found: Classifier, asked: Robustness) -> Classifier:
    index = {wnid: number for number, wnid in enumerate(wnids())}
    path = f"{asked.probe}/{FILE}"
    if unknown := [name for name in found.classes if name not in index]:
        raise InputError(
            f"{path} tells classes that are none of ImageNet's ({some(unknown)}): these test sets "
            "need a classifier trained on folders named by WordNet ids (n01440764, ...)"
        )
    if (gone := N_CLASSES - len(found.classes)) and not asked.partial:
        missing = [name for name in index if name not in set(found.classes)]
        raise InputError(
            f"{path} lacks {gone:,} of {N_CLASSES:,} classes ({some(missing)}): train it on all, "
            "or give --partial true, and their images count as wrong"
        )
    places = torch.tensor([index[name] for name in found.classes])
    weights = torch.zeros(N_CLASSES, found.weights.shape[1])
    biases = torch.full((N_CLASSES,), -torch.inf)
    weights[places], biases[places] = found.weights, found.biases
    return replace(found, weights=weights, biases=biases, classes=wnids())
