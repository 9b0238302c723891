"""Labels as users give them, numbered 0..k-1 by first appearance, and functions of labels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causal_ssl.errors import InputError

Integers = NDArray[np.int64]


def label_array(labels: Any) -> NDArray[Any]:
    """Labels as an array (a pandas array for categoricals and the like), in whatever type they are.

    Raises:
        InputError: nested lists of unequal lengths.

    Examples:
        >>> label_array(["a", None]).tolist()  # and not the string 'None'
        ['a', None]
    """
    if hasattr(labels, "detach"):  # a tensor; this module does without torch's 0.5 GB
        return labels.detach().cpu().numpy()
    if isinstance(labels, pd.Series | pd.Index):
        return labels.to_numpy() if isinstance(labels.dtype, np.dtype) else labels.array
    if hasattr(labels, "dtype"):
        return labels
    try:
        values = np.asarray(labels)
    except ValueError as error:
        raise InputError(f"labels are not an array: {error}; pass one label a sample") from error
    # Next to strings, numpy makes a string of everything, None and NaN too.
    return np.asarray(labels, dtype=object) if values.dtype.kind in "SU" else values


def numbered(
    values: NDArray[Any], owner: str, owners: NDArray[Any] | None = None
) -> tuple[Integers, NDArray[Any]]:
    """Number labels 0..k-1 by first appearance.

    Args:
        values: (n,), n at least 1, as from `label_array`.
        owner: what a label belongs to, for the message: "sample" or "class".
        owners: (n,), what the owners are called, if not by their positions.

    Returns:
        The numbers (n,) and the label of each number (k,).

    Raises:
        InputError: a missing label (None, NaN, NA), or labels that cannot be hashed.

    Examples:
        >>> numbers, names = numbered(np.array([7, 5, 7]), "sample")
        >>> numbers.tolist(), names.tolist()
        ([0, 1, 0], [7, 5])
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "biu":
        span = int(values.max()) - int(values.min())
        if span <= 2 * len(values):
            return _by_table(values, span + 1)
    try:
        numbers, names = pd.factorize(values)
    except TypeError as error:
        raise InputError(
            f"labels cannot be told apart: {error}; pass numbers or strings"
        ) from error
    missing = numbers < 0
    if missing.any():
        at = int(missing.argmax())
        called = at if owners is None else owners[[at]].tolist()[0]
        label = values[[at]].tolist()[0]
        raise InputError(
            f"{owner} {called!r} has the label {label!r}, {missing.sum()} of {len(values)} labels "
            "are missing: give them one or leave them out"
        )
    return numbers, np.asarray(names)


def _by_table(values: NDArray[Any], n_places: int) -> tuple[Integers, NDArray[Any]]:
    """`numbered` for integers in a narrow range, without the memory and time of a hash table."""
    wide = values if values.dtype.kind == "u" else values.astype(np.int64, copy=False)
    places = (wide - wide.min()).astype(np.int64, copy=False)
    n = len(values)
    table = np.full(n_places, n)
    # Of several assignments to one place the last one stays: the first sample with that label.
    table[places[::-1]] = np.arange(n - 1, -1, -1)
    first = np.sort(table[table < n])
    table[places[first]] = np.arange(len(first))
    return table[places], values[first]


def images(names: NDArray[Any], mapping: Any) -> NDArray[Any]:
    """What a function makes of each label.

    Args:
        names: (k,).
        mapping: a callable, a mapping or series keyed by labels, or, for integer labels, an array
            whose entry i belongs to label i.

    Returns:
        (k,), as from `label_array`.

    Raises:
        InputError: a label without an entry, or an array for labels that are not integers.

    Examples:
        >>> images(np.array([2, 0]), ["even", "odd", "even"]).tolist()
        ['even', 'even']
    """
    if callable(mapping):
        return _one_each([mapping(name) for name in names.tolist()])
    if isinstance(mapping, pd.Series):
        mapping = mapping.to_dict()
    if isinstance(mapping, Mapping):
        for name in names.tolist():
            if name not in mapping:
                raise InputError(f"the mapping has no entry for class {name!r}: add one")
        return _one_each([mapping[name] for name in names.tolist()])
    table = label_array(mapping)
    if names.dtype.kind not in "biu" or table.ndim != 1:
        raise InputError(
            f"an array of shape {table.shape} cannot map the class {names[0]!r}: pass an array "
            "(k,) for integer labels 0..k-1, a mapping keyed by labels, or a callable"
        )
    outside = (names < 0) | (names >= len(table))
    if outside.any():
        raise InputError(
            f"the mapping has {len(table)} entries, none for class {names[outside.argmax()]}: "
            "add one, or pass a mapping keyed by labels"
        )
    return table[names.astype(np.int64)]


def _one_each(values: list[Any]) -> NDArray[Any]:
    """`label_array` of a list, one label an entry also where the labels are tuples."""
    array = label_array(values)
    return array if array.ndim == 1 else label_array(pd.Series(values))
