"""The samples of an invariance measure: checked, numbered, and dealt into folds."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from causal_ssl.analysis._splits import matrix_of
from causal_ssl.analysis.probes import Floats, Ints
from causal_ssl.errors import InputError, in_range
from causal_ssl.partitions import Partition
from causal_ssl.randomness import derived_seed

MOST_CLASSES = 64
MOST_CLASSES_REASON = (
    "the finest task on samples has at most 64 classes, since every environment must show each of "
    "them often enough to fit; pass a coarser task, and read the instance level off the proxy's "
    "softmax (proxy_gap_matrix)"
)


@dataclass(frozen=True, eq=False)
class Samples:
    """A representation with the task label, environment and unit of each sample.

    Attributes:
        representation: (n, d_f).
        labels: (n,), the finest task's, 0..C-1 in the order of `classes`.
        classes: the names of the classes, sorted.
        environment: (n,), 0..E-1 in the order of `environments`.
        environments: the names of the environments, sorted.
        unit: (n,), 0..U-1: samples of one unit are dependent.
        fold: (n,), 0..folds-1: samples of one unit share a fold, and every environment has samples
            in and outside each fold.
    """

    representation: Floats
    labels: Ints
    classes: tuple[Any, ...]
    environment: Ints
    environments: tuple[Any, ...]
    unit: Ints
    fold: Ints

    @property
    def folds(self) -> int:
        return int(self.fold.max()) + 1


def samples_of(
    representation: Any, y: Any, environment: Any, *, unit: Any, folds: int, seed: int
) -> Samples:
    """Check what a measure was given and deal the folds.

    Raises:
        InputError: NaN, lengths that differ, more than 64 classes, fewer than two folds, fewer
            samples (or units) than folds in an environment.
    """
    x = matrix_of("representation", representation)
    labels, classes = sorted_names(_partition("y", y, len(x)))
    if len(classes) > MOST_CLASSES:
        raise InputError(f"y has {len(classes)} classes: {MOST_CLASSES_REASON}")
    index, environments = sorted_names(_partition("environment", environment, len(x)))
    units = Partition.finest(len(x)) if unit is None else _partition("unit", unit, len(x))
    what = "samples" if unit is None else "units"
    _refuse_few(index, environments, units.labels, in_range("folds", folds, at_least=2), what)
    fold = deal(units.labels, index, labels, folds, seed)
    _refuse_lacking(index, environments, fold, folds)
    return Samples(x, labels, classes, index, environments, units.labels, fold)


def sorted_names(partition: Partition) -> tuple[Ints, tuple[Any, ...]]:
    """The classes of a partition numbered in the order of their names, and these names."""
    names = partition.names
    order = np.argsort(names if names.dtype.kind in "biuf" else names.astype(str), kind="stable")
    return np.argsort(order)[partition.labels], tuple(names[order].tolist())


def deal(unit: Ints, environment: Ints, labels: Ints, folds: int, seed: int) -> Ints:
    """A fold for each sample: units dealt in turn, so that folds are alike.

    Units are sorted by the rarest environment that they occur in, then by label, at random within,
    and dealt like cards: among units of one sample every (environment, label) is spread evenly.

    Args:
        unit, environment, labels: (n,), numbers from 0.
        folds: how many.
        seed: of the order within equals.

    Returns:
        (n,), 0..folds-1.

    Examples:
        >>> fold = deal(np.arange(6), np.array([0, 0, 0, 1, 1, 1]), np.zeros(6, int), 3, seed=0)
        >>> sorted(fold[:3].tolist()), sorted(fold[3:].tolist())
        ([0, 1, 2], [0, 1, 2])
    """
    n_units = int(unit.max()) + 1
    rank = np.argsort(np.argsort(np.bincount(environment), kind="stable"), kind="stable")
    rarity, first_label = np.full(n_units, len(rank)), np.full(n_units, labels.max() + 1)
    np.minimum.at(rarity, unit, rank[environment])
    np.minimum.at(first_label, unit, labels)
    chance = np.random.default_rng(derived_seed(seed, "folds")).permutation(n_units)
    order = np.lexsort((chance, first_label, rarity))
    of_unit = np.empty(n_units, dtype=np.int64)
    of_unit[order] = np.arange(n_units) % folds
    return of_unit[unit]


def _partition(name: str, labels: Any, n: int) -> Partition:
    try:
        partition = Partition(labels)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    if partition.n != n:
        raise InputError(
            f"{name} has {partition.n} labels and the representation {n} rows: pass one a sample"
        )
    return partition


def _refuse_few(
    environment: Ints, names: tuple[Any, ...], unit: Ints, folds: int, what: str
) -> None:
    for e, name in enumerate(names):
        n_units = len(np.unique(unit[environment == e]))
        if n_units < folds:
            raise InputError(
                f"environment {name!r} has {n_units} {what} and {folds} folds need as many: "
                "pass more of them, fewer folds, or leave that environment out"
            )


def _refuse_lacking(environment: Ints, names: tuple[Any, ...], fold: Ints, folds: int) -> None:
    for e, name in enumerate(names):
        lacking = np.setdiff1d(np.arange(folds), fold[environment == e])
        if len(lacking):
            raise InputError(
                f"environment {name!r} has no sample in fold {lacking[0]} of {folds}, because its "
                "units are those of other environments: pass fewer folds or another seed"
            )
