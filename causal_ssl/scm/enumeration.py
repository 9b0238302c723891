"""The law of some variables of a finite model: the product of the tables, the others summed out.

Several models with the same variables are enumerated together, with their index as one more axis.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal_ssl.errors import InputError, one_of
from causal_ssl.scm.tables import Table, in_one_arithmetic

# numpy.einsum names axes by the letters of the alphabet, small and capital.
MOST_AXES = 52


def joint_law(tables: Mapping[str, Table], variables: Sequence[str]) -> NDArray[Any]:
    """The law of these variables together, in floats or fractions as the tables are.

    Args:
        tables: variable -> table; only the variables' ancestors are looked at.
        variables: one axis of the result each; one named twice has all mass on the diagonal.

    Raises:
        InputError: no variable, an unknown one, or more than 52 of them with their ancestors.

    Examples:
        >>> tables = {"C": Table((), [0.5, 0.5]), "Y": Table(("C",), [[0.9, 0.1], [0.5, 0.5]])}
        >>> joint_law(tables, ["Y"]).round(3).tolist()
        [0.7, 0.3]
    """
    for name in variables:
        one_of("variable", name, tables)
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


def joint_laws(models: Sequence[Mapping[str, Table]], variables: Sequence[str]) -> NDArray[Any]:
    """(len(models), k_1, ..., k_m): the law of the variables in each of several models.

    Args:
        models: variable -> table, the same variables and domains in each.
        variables: as in `joint_law`.

    Raises:
        InputError: as `joint_law`.

    Examples:
        >>> models = [{"S": Table((), law)} for law in ([0.5, 0.5], [0.0, 1.0])]
        >>> joint_laws(models, ["S"]).tolist()
        [[0.5, 0.5], [0.0, 1.0]]
    """
    tables = {name: _stacked([model[name] for model in models]) for name in models[0]}
    tables[_MODEL] = Table((), np.ones(len(models)))
    return joint_law(in_one_arithmetic(tables), [_MODEL, *variables])


# The axis of the models, over which no law sums; a name that no variable has.
_MODEL = "\0model"


def _stacked(tables: Sequence[Table]) -> Table:
    """One table with the model as its first parent, unless all models have the same one."""
    if all(table is tables[0] for table in tables):
        return tables[0]
    parents = tuple(dict.fromkeys(parent for table in tables for parent in table.parents))
    aligned = np.broadcast_arrays(*(_aligned(table, parents) for table in tables))
    return Table((_MODEL, *parents), np.stack(aligned))


def _aligned(table: Table, parents: Sequence[str]) -> NDArray[Any]:
    """The table's array with an axis for each of the parents, of length 1 where it has none."""
    own = [parent for parent in parents if parent in table.parents]
    ordered = table.probabilities.transpose(*map(table.parents.index, own), -1)
    missing = [axis for axis, parent in enumerate(parents) if parent not in own]
    return np.expand_dims(ordered, tuple(missing))


def _with_ancestors(tables: Mapping[str, Table], variables: Sequence[str]) -> list[str]:
    found = dict.fromkeys(variables)
    left = list(found)
    while left:
        new = [parent for parent in tables[left.pop()].parents if parent not in found]
        found |= dict.fromkeys(new)
        left += new
    return list(found)
