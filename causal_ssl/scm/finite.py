"""Structural causal models over finite domains, whose every probability is enumerated.

scm = FiniteSCM(
    {
        "C": [0.5, 0.5],  # content
        "S": Table("C", [[0.9, 0.1], [0.2, 0.8]]),  # style, which content causes
        "X": lambda C, S: 2 * C + S,  # observation; parents are read off the argument names
    }
)
scm.joint("C", "X")  # p(C, X), (2, 4)
scm.do(S=0).conditional("C", given="X")  # p^do(S=0)(C | X)
scm.do(S=[0.7, 0.3])  # a soft intervention: style drawn from that law, whatever content is
scm.extend(F=lambda X: X // 2)  # representations, proxies and tasks are further variables
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from causal_ssl.errors import InputError, one_of
from causal_ssl.randomness import derived_seed
from causal_ssl.scm.enumeration import joint_law
from causal_ssl.scm.graph import causal_graph, topological_order
from causal_ssl.scm.tables import (
    FiniteMechanism,
    Table,
    as_table,
    as_tables,
    check_table,
    function_table,
    in_one_arithmetic,
    names_of,
)

__all__ = ["FiniteIntervention", "FiniteSCM", "Table", "function_table"]

FiniteIntervention = int | FiniteMechanism


class FiniteSCM:
    """A structural causal model whose variables have values 0..k-1 and tables as mechanisms.

    Exogenous noise is left implicit: a table is what remains of a noisy mechanism once its own
    noise is summed out. Hidden common causes are variables like any other. Interventional laws are
    therefore exact; counterfactuals, which need the noise, are not asked of this model.

    Args:
        mechanisms: variable -> `Table`; or the law (k,) of a variable without parents; or a
            function whose argument names are its parents and whose values are integers.

    All tables in float64, or all in fractions (`fractions.Fraction`; tables of zeros and ones go
    with either): then every result is an array of exact fractions.

    Raises:
        InputError: an unknown parent, a cycle, a row that is no law (names variable and parents'
            values), a table with the wrong number of rows, fractions mixed with floats.

    Examples:
        >>> scm = FiniteSCM({"C": [0.5, 0.5], "S": [0.9, 0.1], "F": lambda C, S: C ^ S})
        >>> scm.joint("F")
        array([0.5, 0.5])
        >>> scm.conditional("F", given="S").tolist()
        [[0.5, 0.5], [0.5, 0.5]]
        >>> scm.do(S=1).conditional("C", given="F").tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """

    mechanisms: Mapping[str, Table]
    """Variable -> table, in the order given."""

    def __init__(self, mechanisms: Mapping[str, FiniteMechanism]) -> None:
        self._set(as_tables(mechanisms, {}))

    def _set(self, tables: Mapping[str, Table]) -> None:
        self.mechanisms = MappingProxyType(in_one_arithmetic(tables))

    @cached_property
    def domains(self) -> Mapping[str, int]:
        """Variable -> number of its values."""
        return MappingProxyType({name: table.size for name, table in self.mechanisms.items()})

    @cached_property
    def graph(self) -> nx.DiGraph:
        """Parents -> variables, as a `networkx.DiGraph`."""
        return causal_graph({name: table.parents for name, table in self.mechanisms.items()})

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """All variables, parents first."""
        return topological_order(self.graph)

    @property
    def exact(self) -> bool:
        """Whether probabilities are fractions."""
        return any(table.exact for table in self.mechanisms.values())

    # -- other models -------------------------------------------------------------------------

    def do(self, **interventions: FiniteIntervention) -> "FiniteSCM":
        """The model under an intervention: these mechanisms replaced, all others as they are.

        Args:
            **interventions: variable -> a value in 0..k-1 (hard), or a mechanism as in the
                constructor (soft): a law (k,) cuts the arrows into the variable as a value does,
                a `Table` or a function gives it new parents.

        Raises:
            InputError: an unknown variable, a value outside its domain, a law of another length,
                or what the constructor refuses.

        Examples:
            With content -> style, seeing style tells of content; setting it does not:

            >>> scm = FiniteSCM({"C": [0.5, 0.5], "S": Table("C", [[0.9, 0.1], [0.1, 0.9]])})
            >>> scm.conditional("C", given="S")[1].tolist()
            [0.1, 0.9]
            >>> scm.do(S=1).joint("C").tolist()
            [0.5, 0.5]
        """
        tables = {}
        for variable, value in interventions.items():
            one_of("variable", variable, self.mechanisms)
            tables[variable] = self._intervention(variable, value)
            check_table(variable, tables[variable], self.domains)
        done = self._with(tables)
        if any(table.parents for table in tables.values()):
            causal_graph({name: table.parents for name, table in done.mechanisms.items()})
        return done

    def extend(self, **mechanisms: FiniteMechanism) -> "FiniteSCM":
        """The model with further variables, e.g. a representation, a proxy and a task.

        Args:
            **mechanisms: as in the constructor; they may have each other as parents.

        Raises:
            InputError: a variable that is there already, or what the constructor refuses.

        Examples:
            >>> scm = FiniteSCM({"C": [0.2, 0.3, 0.5]})
            >>> scm.extend(Y=lambda C: C // 2, Z=lambda Y: 1 - Y).joint("Z").tolist()
            [0.5, 0.5]
        """
        for variable in mechanisms:
            if variable in self.mechanisms:
                raise InputError(
                    f"extend({variable}=...): the model has a variable {variable!r} already; "
                    "choose another name, or replace its mechanism with do"
                )
        return self._with(as_tables(mechanisms, self.mechanisms))

    def _with(self, tables: Mapping[str, Table]) -> "FiniteSCM":
        """The model with these tables, which have been checked, added or in place of its own."""
        model = object.__new__(FiniteSCM)
        model._set({**self.mechanisms, **tables})
        return model

    def _intervention(self, variable: str, value: FiniteIntervention) -> Table:
        size = self.domains[variable]
        if not isinstance(value, int | np.integer):
            table = as_table(f"do({variable}=...)", value, self.domains, size=size)
        elif 0 <= value < size:
            table = Table((), np.eye(size)[value])
        else:
            raise InputError(f"do({variable}={value}): {variable!r} has values 0 to {size - 1}")
        if table.size != size:
            raise InputError(
                f"do({variable}=...) gives a law of {table.size} values: "
                f"{variable!r} has {size}; give a probability for each"
            )
        return table

    # -- its laws -----------------------------------------------------------------------------

    def joint(self, *variables: str) -> NDArray[Any]:
        """The law of these variables together.

        Args:
            *variables: names; the axes of the result come in this order. A variable named twice is
                on both axes, all mass on the diagonal.

        Returns:
            (k_1, ..., k_m), summing to 1.

        Raises:
            InputError: no variable, an unknown one, or more than 52 of them with their ancestors.
        """
        return joint_law(self.mechanisms, variables)

    def conditional(self, of: str | Sequence[str], *, given: str | Sequence[str]) -> NDArray[Any]:
        """p(of | given).

        Args:
            of: one or several variables.
            given: one or several others.

        Returns:
            (*k_given, *k_of). NaN where the condition has probability 0, in exact arithmetic too:
            there the law is not defined, and NaN equals nothing.

        Raises:
            InputError: as `joint`.

        Examples:
            >>> scm = FiniteSCM({"C": [0.0, 1.0], "Y": lambda C: C})
            >>> scm.conditional("Y", given="C").tolist()
            [[nan, nan], [0.0, 1.0]]
        """
        of, given = names_of(of), names_of(given)
        joint = self.joint(*given, *of)
        mass = joint.sum(tuple(range(len(given), joint.ndim)), keepdims=True)
        law = np.full(joint.shape, np.nan, dtype=joint.dtype)
        np.divide(joint, mass, out=law, where=np.broadcast_to(mass != 0, joint.shape))
        return law

    def sample(self, n: int, *, seed: int) -> dict[str, NDArray[np.int64]]:
        """Samples of all variables.

        Args:
            n: how many.
            seed: each variable has a stream of its own derived from it, so that an intervention
                leaves the samples of all but its descendants as they were.

        Returns:
            Variable -> (n,) values.

        Raises:
            InputError: n below 1.

        Examples:
            >>> drawn = FiniteSCM({"C": [0.5, 0.5], "Y": lambda C: 1 - C}).sample(100, seed=0)
            >>> bool((drawn["Y"] == 1 - drawn["C"]).all())
            True
        """
        if n < 1:
            raise InputError(f"n must be at least 1, got {n}")
        drawn: dict[str, NDArray[np.int64]] = {}
        for name in self.variables:
            table = self.mechanisms[name]
            cdf = table.as_floats().cumsum(-1)
            # The last entry exactly 1, so that a uniform draw below 1 always finds its value.
            rows = (cdf / cdf[..., -1:])[tuple(drawn[parent] for parent in table.parents)]
            uniform = np.random.default_rng(derived_seed(seed, name)).random((n, 1))
            drawn[name] = (uniform >= rows).sum(-1)
        return drawn
