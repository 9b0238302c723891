"""Contingency tables of labels and environments, one for each value of a discrete f."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from scipy.stats import random_table

from causal_ssl._labels import label_array
from causal_ssl.analysis._ci_inputs import Ints, Triples, labels_of, triples
from causal_ssl.analysis._splits import Floats, matrix_of
from causal_ssl.errors import InputError


def by_value(f: Any, y: Any, environment: Any) -> Triples:
    """The samples with f (n, 1) numbering its values.

    Args:
        f: (n,) labels of any kind, or (n, d) numbers, each distinct row a value.
        y, environment: as `triples`.

    Raises:
        InputError: as `triples`, and if each sample has its own value of f.
    """
    values = label_array(f)
    if values.ndim == 1 and len(values):
        number = labels_of("f", values, len(values)).labels
    else:
        number = np.unique(matrix_of("f", f), axis=0, return_inverse=True)[1].reshape(-1)
    if len(number) == number.max() + 1:
        raise InputError(
            f"f has {len(number)} distinct values in {len(number)} samples: it is not discrete, "
            "use conditional_randomisation_test"
        )
    return triples(number, y, environment)


def tables_of(sample: Triples) -> list[NDArray[np.int64]]:
    """Counts (classes, environments) of each value of f that has two of either at least."""
    value = sample.f[:, 0].astype(np.int64)
    order = np.argsort(value, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(value))[:-1])
    tables = [_counts(sample.y[part], sample.environment[part]) for part in parts]
    return [table for table in tables if min(table.shape) > 1]


def _counts(y: Ints, environment: Ints) -> NDArray[np.int64]:
    (classes, row), (environments, column) = (
        np.unique(labels, return_inverse=True) for labels in (y, environment)
    )
    cells = np.bincount(
        row * len(environments) + column, minlength=len(classes) * len(environments)
    )
    return cells.reshape(len(classes), len(environments))


def permuted_tables(
    table: NDArray[np.int64], n_permutations: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """(n_permutations, classes, environments), the tables of permuted environments."""
    draws: NDArray[np.int64] = random_table.rvs(
        table.sum(axis=1), table.sum(axis=0), size=n_permutations, random_state=generator
    )
    return draws.reshape(n_permutations, *table.shape)


def information(tables: NDArray[np.int64]) -> Floats:
    """(...), n times the mutual information in nats of tables of counts (..., k, m).

    Examples:
        >>> round(float(information(np.array([[5, 0], [0, 5]]))) / 10, 4)
        0.6931
    """
    rows, columns = tables.sum(axis=-1), tables.sum(axis=-2)
    total = rows.sum(axis=-1)
    return (
        xlogy(tables, tables).sum(axis=(-2, -1))
        - xlogy(rows, rows).sum(axis=-1)
        - xlogy(columns, columns).sum(axis=-1)
        + xlogy(total, total)
    )
