"""Conditional probability tables: the mechanisms of a finite structural causal model."""

import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from causal_ssl.errors import InputError, unknown_name
from causal_ssl.scm.equations import argument_names
from causal_ssl.scm.graph import causal_graph, topological_order

# Rounding of a sum of a million float64 probabilities stays below it; a law typed with nine digits
# or computed in float32 does not.
SUM_TOLERANCE = 1e-12


Probabilities = ArrayLike | Sequence[Any]
"""An array, or nested sequences of floats or of `fractions.Fraction`s."""


class Table:
    """p(variable | parents) of a variable with values 0..k-1.

    Args:
        parents: names, one for each leading axis; a single one may be given as it is.
        probabilities: (k_parent_1, ..., k_parent_m, k), each row along the last axis a law. Copied
            to float64 or, where it holds `fractions.Fraction`s (and integers), kept exact.

    Raises:
        InputError: a number of axes that does not fit the parents, a parent named twice, entries
            that are not numbers, no values at all. What else can be wrong with a table is refused
            by `FiniteSCM`, which knows the variable's name.

    Examples:
        >>> noisy_copy = Table("content", [[0.9, 0.1], [0.2, 0.8]])
        >>> noisy_copy.size, noisy_copy.exact
        (2, False)
        >>> Table((), [Fraction(1, 3), Fraction(2, 3)]).exact
        True
    """

    parents: tuple[str, ...]
    probabilities: NDArray[Any]
    """Read-only; float64, or objects of `fractions.Fraction`."""

    def __init__(self, parents: str | Sequence[str], probabilities: Probabilities) -> None:
        self.parents = names_of(parents)
        self.probabilities = _numbers(probabilities)
        self.probabilities.flags.writeable = False
        shape = self.probabilities.shape
        if len(shape) != len(self.parents) + 1 or 0 in shape:
            raise InputError(
                f"a table with parents {self.parents} has shape {shape}: expected one axis a "
                "parent and a last one for the variable's own values, none of them empty"
            )
        if len(set(self.parents)) < len(self.parents):
            raise InputError(f"a table names a parent twice: {self.parents}; name each once")

    @property
    def size(self) -> int:
        """How many values the variable has."""
        return self.probabilities.shape[-1]

    @property
    def exact(self) -> bool:
        """Whether the probabilities are fractions."""
        return self.probabilities.dtype == object

    @property
    def deterministic(self) -> bool:
        """Whether the variable is a function of its parents: every probability 0 or 1."""
        return bool(np.isin(self.probabilities, (0, 1)).all())

    def as_fractions(self) -> "Table":
        """The same table for exact arithmetic; each float64 is taken at its binary value."""
        return self if self.exact else Table(self.parents, _fractions(self.probabilities))

    def as_floats(self) -> NDArray[np.float64]:
        """The probabilities in float64."""
        return self.probabilities.astype(np.float64)

    def __repr__(self) -> str:
        return f"Table(parents={self.parents}, probabilities={self.probabilities.tolist()})"


FiniteMechanism = Table | Probabilities | Callable[..., int]


def function_table(
    function: Callable[..., int], domains: Mapping[str, int], *, size: int | None = None
) -> Table:
    """The table of a variable that is a function of its parents: all probabilities 0 or 1.

    Args:
        function: of plain integers, to an integer of at least 0. It is called with the parents'
            values in the order of `domains`, once for each combination.
        domains: parent -> number of its values.
        size: number of values of the variable; None: the largest that occurs, plus one.

    Raises:
        InputError: a value that is no integer, negative, or not below `size`.

    Examples:
        >>> function_table(lambda c, s: c ^ s, {"content": 2, "style": 2}).probabilities.tolist()
        [[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]]
    """
    shape = tuple(domains.values())
    values = np.empty(shape, dtype=np.int64)
    for cell in np.ndindex(shape):
        values[cell] = _checked_value(function(*cell), dict(zip(domains, cell, strict=True)), size)
    return Table(tuple(domains), np.eye(size or int(values.max()) + 1)[values])


def parents_of(variable: str, mechanism: Any) -> tuple[str, ...]:
    """The parents of a mechanism: a table's, none of a plain law, a function's argument names."""
    if isinstance(mechanism, Table):
        return mechanism.parents
    if callable(mechanism):
        return argument_names(mechanism, f"mechanism of {variable!r}")
    return ()


def as_table(
    variable: str, mechanism: Any, domains: Mapping[str, int], *, size: int | None = None
) -> Table:
    """A mechanism as a table: it may be one, the law of a root, or a function of named parents.

    Args:
        variable: its name, for messages.
        mechanism: a `Table`; a law (k,); or a function whose argument names are its parents.
        domains: at least the function's parents -> number of values.
        size: number of values of the variable, where it is known.

    Raises:
        InputError: none of these; see also `Table` and `function_table`.
    """
    if isinstance(mechanism, Table):
        return mechanism
    parents = parents_of(variable, mechanism)
    for parent in parents:
        if parent not in domains:
            raise unknown_name(f"parent of {variable!r}", parent, domains)
    try:
        if not callable(mechanism):
            return Table((), mechanism)
        return function_table(
            lambda *values: mechanism(**dict(zip(parents, values, strict=True))),
            {parent: domains[parent] for parent in parents},
            size=size,
        )
    except InputError as error:
        raise InputError(f"mechanism of {variable!r}: {error}") from error


def as_tables(
    mechanisms: Mapping[str, FiniteMechanism], known: Mapping[str, Table]
) -> dict[str, Table]:
    """Every mechanism as a table, checked; a function after the parents whose domains it needs.

    Args:
        mechanisms: variable -> mechanism.
        known: variable -> table of other variables, checked already.

    Raises:
        InputError: as `FiniteSCM`.
    """
    parents = {name: parents_of(name, mechanism) for name, mechanism in mechanisms.items()}
    for name, of_name in parents.items():
        for parent in of_name:
            if parent not in mechanisms and parent not in known:
                raise unknown_name(f"parent of {name!r}", parent, [*mechanisms, *known])
    domains = {name: table.size for name, table in known.items()}
    new = {name: [p for p in of_name if p in mechanisms] for name, of_name in parents.items()}
    tables: dict[str, Table] = {}
    for name in topological_order(causal_graph(new)):
        tables[name] = as_table(name, mechanisms[name], domains)
        check_table(name, tables[name], domains)
        domains[name] = tables[name].size
    return {name: tables[name] for name in mechanisms}


def in_one_arithmetic(tables: Mapping[str, Table]) -> dict[str, Table]:
    """All in float64, or all in fractions as soon as one is."""
    exact = [name for name, table in tables.items() if table.exact]
    if not exact:
        return dict(tables)
    for name, table in tables.items():
        if not table.exact and not table.deterministic:
            raise InputError(
                f"the table of {exact[0]!r} is in fractions and that of {name!r} in floats: "
                "give both in fractions.Fraction, or both in floats"
            )
    return {name: table.as_fractions() for name, table in tables.items()}


def check_table(variable: str, table: Table, domains: Mapping[str, int]) -> None:
    """Axes as long as the parents' domains, and a law in every row.

    Raises:
        InputError: names the variable, the parents' values and what is wrong with that row.
    """
    for parent, length in zip(table.parents, table.probabilities.shape, strict=False):
        if parent not in domains:
            raise unknown_name(f"parent of {variable!r}", parent, domains)
        if length != domains[parent]:
            raise InputError(
                f"the table of {variable!r} has {length} rows for its parent {parent!r}, which "
                f"has {domains[parent]} values: give one row for each"
            )
    rows = table.probabilities
    sums = rows.sum(-1)
    off = np.abs(sums - 1) > (0 if table.exact else SUM_TOLERANCE)
    # NaN fails the first comparison.
    if np.all(rows >= 0) and not np.any(off):
        return
    if not table.exact and np.isnan(rows).any():
        raise _bad_row(variable, table, np.isnan(rows).any(-1), "has NaN: give a number for each")
    if (rows < 0).any():
        raise _bad_row(
            variable, table, (rows < 0).any(-1), "is negative somewhere: give probabilities"
        )
    first = np.asarray(sums)[np.asarray(off)].flat[0]
    raise _bad_row(variable, table, off, f"sums to {first}, not 1: divide it by its sum")


def _bad_row(variable: str, table: Table, bad: Any, what: str) -> InputError:
    cell = np.argwhere(bad)[0].tolist()
    given = ", ".join(f"{p} = {v}" for p, v in zip(table.parents, cell, strict=True))
    row = ", ".join(str(number) for number in table.probabilities[tuple(cell)])
    at = f" at {given}" if given else ""
    return InputError(f"the law ({row}) of {variable!r}{at} {what}")


def names_of(variables: str | Sequence[str]) -> tuple[str, ...]:
    """One or several names as a tuple."""
    return (variables,) if isinstance(variables, str) else tuple(variables)


def _numbers(probabilities: Probabilities) -> NDArray[Any]:
    """A copy in float64, or in fractions where it holds objects."""
    try:
        array = np.asarray(probabilities)
        return _fractions(array) if array.dtype == object else np.array(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            "expected numbers in rows of equal length, all of them floats or all "
            f"fractions.Fraction: {error}"
        ) from error


def _fractions(array: NDArray[Any]) -> NDArray[Any]:
    exact = np.empty(array.shape, dtype=object)
    for cell, value in np.ndenumerate(array):
        if array.dtype == object and not isinstance(value, Fraction | int):
            raise TypeError(f"{value!r} stands among fractions")
        exact[cell] = Fraction(value)
    return exact


def _checked_value(value: Any, given: Mapping[str, int], size: int | None) -> int:
    at = ", ".join(f"{parent} = {v}" for parent, v in given.items())
    try:
        index = operator.index(value)
    except TypeError:
        raise InputError(f"a function gave {value!r} at {at}: expected an integer") from None
    if index < 0 or (size is not None and index >= size):
        below = "" if size is None else f" and below size = {size}"
        raise InputError(f"a function gave {index} at {at}: expected at least 0{below}")
    return index
