"""The law of some variables of a finite model: the product of the tables, the others summed out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal_ssl.errors import InputError
from causal_ssl.scm.tables import Table

# numpy.einsum names axes by the letters of the alphabet, small and capital.
MOST_AXES = 52


def joint_law(tables: Mapping[str, Table], variables: Sequence[str]) -> NDArray[Any]:
    """The law of these variables together, in floats or fractions as the tables are.

    Args:
        tables: variable -> table; only the variables' ancestors are looked at.
        variables: one axis of the result each; one named twice has all mass on the diagonal.

    Raises:
        InputError: no variable, or more than 52 of them with their ancestors.

    Examples:
        >>> tables = {"C": Table((), [0.5, 0.5]), "Y": Table(("C",), [[0.9, 0.1], [0.5, 0.5]])}
        >>> joint_law(tables, ["Y"]).round(3).tolist()
        [0.7, 0.3]
    """
    axes = {name: axis for axis, name in enumerate(_with_ancestors(tables, variables))}
    operands: list[Any] = []
    for name in axes:
        operands += [tables[name].probabilities, [axes[v] for v in (*tables[name].parents, name)]]
    kept: list[int] = []
    for name in variables:
        axis = axes[name]
        if axis in kept:
            axis = len(axes) + len(kept)
            operands += [np.eye(tables[name].size, dtype=np.int64), [axes[name], axis]]
        kept.append(axis)
    if not kept or max(*kept, len(axes) - 1) >= MOST_AXES:
        raise InputError(
            f"the law of {tuple(variables)} involves {len(axes)} variables: name at least one, "
            f"with at most {MOST_AXES} among them and their ancestors"
        )
    return np.einsum(*operands, kept, optimize="greedy")


def _with_ancestors(tables: Mapping[str, Table], variables: Sequence[str]) -> list[str]:
    found = dict.fromkeys(variables)
    left = list(found)
    while left:
        new = [parent for parent in tables[left.pop()].parents if parent not in found]
        found |= dict.fromkeys(new)
        left += new
    return list(found)
