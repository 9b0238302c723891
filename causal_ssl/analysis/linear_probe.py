"""Linear evaluation: a softmax classifier of frozen features, many learning rates in one pass.

    found = linear_probe(train_features, train_labels, test_features, test_labels)
    found.top1, found.top5, found.chosen, found.edge
    found.members                       # what each training of the grid was chosen by

Trainings of a batch size read each minibatch once and are one tensor (`_linear_heads`), and all of
the grid go through an epoch together: its features are made once. Which of them is reported is
chosen on a slice held out of the training samples, of each after its last epoch; the test samples
are looked at once, when that is settled. Features may be memory maps.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from math import fsum, isnan, nan
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from causal_ssl._labels import numbered
from causal_ssl.analysis._feature_rows import (
    Features,
    check_pair,
    device_of,
    labels_of,
    precision,
)
from causal_ssl.analysis._linear_heads import Heads, Member
from causal_ssl.analysis._linear_run import Run, Samples, check_all_finite
from causal_ssl.analysis._linear_settings import LINEAR_SETTINGS, LinearSettings
from causal_ssl.analysis.masked_accuracy import Accuracy, accuracy
from causal_ssl.errors import InputError, in_range
from causal_ssl.randomness import generator_for

__all__ = [
    "LINEAR_SETTINGS",
    "Choice",
    "LinearProbe",
    "LinearSettings",
    "Member",
    "held_out_split",
    "linear_probe",
]


@dataclass(frozen=True)
class Choice:
    """Samples of their own to choose a training on, which see what it is to be robust against.

    Attributes:
        features: (m, d).
        labels: (m,) of classes among the training labels.
        weight: of their accuracy in the mean over all `Choice`s that are given; above 0.
    """

    features: Features
    labels: Any
    weight: float = 1.0


@dataclass(frozen=True)
class LinearProbe:
    """A linear classifier, what it was chosen from, and its accuracy on test samples.

    Attributes:
        top1, top5: on the test samples, in [0, 1] with Wilson's 95 % interval, which takes the
            classifier as given; of C classes of one size, by chance 1/C and 5/C.
        chosen: what it was trained with.
        edge: whether that learning rate is the lowest or the highest of several, so that the best
            may lie outside; None where it is not.
        members: a row a training: learning_rate, weight_decay, epochs, batch_size, choice_top1
            (on what it was chosen by; NaN where it diverged, or where there was nothing to choose),
            diverged, chosen.
        weights: (C, d) on the CPU.
        biases: (C,) on the CPU.
        classes: (C,) the label of each row of weights, sorted.
    """

    top1: Accuracy
    top5: Accuracy
    chosen: Member
    edge: Literal["lowest", "highest"] | None
    members: pd.DataFrame
    weights: Tensor
    biases: Tensor
    classes: NDArray[Any]


def linear_probe(
    train_features: Features,
    train_labels: Any,
    test_features: Features,
    test_labels: Any,
    settings: LinearSettings = LINEAR_SETTINGS["relic"],
    *,
    views: Callable[[int], Features] | None = None,
    choose_on: Sequence[Choice] = (),
    held_out: float = 0.1,
    refit: bool = True,
    seed: int = 0,
    device: torch.device | str | None = None,
    keep: Path | None = None,
    on_epoch: Callable[[str, int, int], None] | None = None,
) -> LinearProbe:
    """Train a grid of linear classifiers, choose one without the test samples, and test it.

    A grid of one is trained on all training samples at once. Each epoch has an order of its own;
    samples that fill no minibatch at its end are left out, and a minibatch larger than all samples
    is all of them.

    Args:
        train_features: (n, d), a tensor, an array or a memory map.
        train_labels: (n,) numbers or strings.
        test_features: (n_test, d), likewise.
        test_labels: (n_test,), of classes among the training labels.
        settings: the grid; `LINEAR_SETTINGS` has published ones.
        views: the features (n, d) to train on in an epoch 0, 1, ..., of the same samples in the
            same order, as of images augmented anew; None: `train_features` in all epochs. Asked
            once an epoch, and again for the refit. Held-out accuracy is always of
            `train_features`.
        choose_on: samples to choose on in place of a held-out slice: the greatest weighted mean of
            their accuracies. The grid is trained on all training samples then, and none again.
        held_out: the share of the training samples to choose on, of each class alike.
        refit: whether the chosen one is trained again, on all training samples, as published
            protocols report; else the one reported has not seen the held-out slice.
        seed: of the slice and of the order of samples.
        device: where to compute; None: where the training features are. In float64 if they are
            float64, else in float32.
        keep: a folder that keeps the trainings as they are after each epoch: the same call, of the
            same features, continues there. Yours to remove; None: nothing is kept.
        on_epoch: called with "grid" or "refit", the epochs done, and those there are: before the
            first one and after each.

    Raises:
        InputError: features that are no matrices of one width, or NaN or infinity in them, before
            training (in views: when they are given); labels that do not fit them, are missing, are
            of one class; a class to tell that is not trained; no sample held out; no training that
            stays finite; `keep` is of another call.

    References:
        Mitrovic et al. (2020), arXiv 2010.07922, linear evaluation.

    Examples:
        >>> x = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
        >>> settings = LinearSettings((0.1, 1.0), epochs=(5,), batch_sizes=(20,))
        >>> found = linear_probe(x[:100], x[:100, 0] > 0, x[100:], x[100:, 0] > 0, settings)
        >>> found.top1.value > 0.9, found.top1.n, found.classes.tolist()
        (True, 100, [False, True])
        >>> found.members.columns.tolist()
        ['learning_rate', 'weight_decay', 'epochs', 'batch_size', 'choice_top1', 'diverged',
         'chosen']
    """
    device, dtype = device_of(train_features, device), precision(train_features)
    check_pair(train_features, test_features)
    labels, classes = _classes(train_labels, len(train_features))
    test = _samples("test", test_features, test_labels, classes)
    train = Samples("train_features", train_features, labels, torch.arange(len(labels)))
    members, fit, choice = settings.members(), train.rows, _choice(choose_on, train, classes)
    for samples in (train, test, *(samples for samples, _ in choice)):
        check_all_finite(samples.name, samples.features)
    if len(members) > 1 and not choice:
        fit, rows = held_out_split(labels, held_out, seed)
        choice = [(replace(train, rows=rows), 1.0)]
    run = Run(train, views, settings, len(classes), seed, device, dtype, keep, on_epoch)
    head, scores = _choose(run, members, fit, choice)
    chosen = head.members[0]
    if refit and len(fit) < len(train.rows):
        head = run.fit([chosen], train.rows, "refit")[0]
    if not bool(head.weights.isfinite().all() and head.biases.isfinite().all()):
        raise InputError(f"{chosen} diverged on all training samples: lower the learning rates")
    top1, top5 = (accuracy(run.hits(head, test, min(k, len(classes)))) for k in (1, 5))
    table = pd.DataFrame([asdict(member) for member in members]).assign(
        choice_top1=scores,
        diverged=[bool(choice) and isnan(score) for score in scores],
        chosen=[member == chosen for member in members],
    )
    weights, biases = head.weights[0].cpu(), head.biases[0].cpu()
    edge = _edge(chosen, settings)
    return LinearProbe(top1, top5, chosen, edge, table, weights, biases, classes)


def held_out_split(labels: Tensor, held_out: float, seed: int) -> tuple[Tensor, Tensor]:
    """Rows to train on and rows held out: the same share of each class, up to one sample.

    Samples stand in a row, class after class, shuffled within; every 1 / held_out-th is taken.

    Args:
        labels: (n,) class numbers.
        held_out: above 0, below 1.
        seed: of the shuffling.

    Raises:
        InputError: a share out of range, or one that leaves nothing on either side.

    Examples:
        >>> fit, rest = held_out_split(torch.tensor([0, 1] * 10), 0.2, seed=0)
        >>> len(fit), (rest % 2).sort().values.tolist()
        (16, [0, 0, 1, 1])
    """
    in_range("held_out", held_out, above=0)
    generator = generator_for(seed, "linear probe", "held out")
    shuffled = torch.randperm(len(labels), generator=generator)
    in_classes = shuffled[labels[shuffled].argsort(stable=True)]
    start = torch.rand((), generator=generator, dtype=torch.float64)
    reached = (torch.arange(len(labels) + 1) * held_out + start).floor()
    taken = reached.diff() > 0
    if bool(taken.all()) or not bool(taken.any()):
        raise InputError(
            f"held_out = {held_out} of {len(labels)} training samples leaves none to "
            f"{'choose' if not bool(taken.any()) else 'train'} on: give a share between 0 and 1 "
            "that does"
        )
    return in_classes[~taken].sort().values, in_classes[taken].sort().values


def _choose(
    run: Run, members: list[Member], fit: Tensor, choice: list[tuple[Samples, float]]
) -> tuple[Heads, list[float]]:
    """The best trained member, of equals the first, and what all of them are chosen by."""
    blocks = run.fit(members, fit)
    if not choice:
        return blocks[0], [nan]
    told = np.array([run.accuracies(blocks, samples) for samples, _ in choice])
    weights = [weight for _, weight in choice]
    # Exactly rounded sums: equals stay equal.
    scores = [fsum(column * weights) / fsum(weights) for column in told.T]
    if np.isnan(scores).all():
        raise InputError(
            f"all of {len(members)} trainings diverged: lower the learning rates, of which the "
            f"lowest is {min(member.learning_rate for member in members):g}"
        )
    best = int(np.nanargmax(scores))
    heads, index = [(heads, i) for heads in blocks for i in range(len(heads.members))][best]
    return heads.member(index), scores


def _edge(chosen: Member, settings: LinearSettings) -> Literal["lowest", "highest"] | None:
    rates = set(settings.learning_rates)
    if len(rates) == 1 or min(rates) < chosen.learning_rate < max(rates):
        return None
    return "lowest" if chosen.learning_rate == min(rates) else "highest"


def _choice(
    asked: Sequence[Choice], train: Samples, classes: NDArray[Any]
) -> list[tuple[Samples, float]]:
    """Samples to choose on, with their weights."""
    for each in asked:
        check_pair(train.features, each.features)
        in_range("the weight of a choice", each.weight, above=0)
    return [(_samples("choose_on", it.features, it.labels, classes), it.weight) for it in asked]


def _classes(labels: Any, n: int) -> tuple[Tensor, NDArray[Any]]:
    """Class numbers of the training labels (n,), and the classes, sorted."""
    numbers, names = numbered(labels_of("train_labels", labels, n), "training sample")
    if len(names) == 1:
        raise InputError(
            f"all {n} training labels are {names.tolist()[0]!r}: a probe tells at least two "
            "classes apart"
        )
    try:
        order = np.argsort(names, kind="stable")
    except TypeError as error:
        raise InputError(f"labels cannot be sorted: {error}; pass one kind") from error
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return torch.from_numpy(place[numbers]), names[order]


def _samples(name: str, features: Features, labels: Any, classes: NDArray[Any]) -> Samples:
    """Samples to tell, all of trained classes."""
    values = labels_of(f"{name}_labels", labels, len(features))
    numbers, names = numbered(values, f"{name} sample")
    places = pd.Index(classes).get_indexer(names)
    if (places < 0).any():
        raise InputError(
            f"{name}_labels have the class {names[places < 0].tolist()[0]!r}, which is not among "
            f"the {len(classes)} of the training labels: leave it out, or train on it"
        )
    truth = torch.from_numpy(places[numbers])
    return Samples(f"{name}_features", features, truth, torch.arange(len(truth)))
