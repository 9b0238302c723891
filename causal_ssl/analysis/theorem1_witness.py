"""A model that shows how Theorem 1 fails where its premise does, in a few readable lines.

results = check_models("not_a_refinement", range(1000))
print(find_witness(results, "not_a_refinement"))
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from causal_ssl.analysis.theorem1 import TOLERANCE, compare
from causal_ssl.analysis.theorem1_settings import PROXY, REPRESENTATION, TASK, Case, draw
from causal_ssl.divergences import F_DIVERGENCES
from causal_ssl.errors import one_of
from causal_ssl.scm.finite import Table
from causal_ssl.scm.finite_invariance import Environment, Floats


@dataclass(frozen=True, eq=False)
class Witness:
    """A value of f at which two environments move the task more than the proxy.

    Attributes:
        case: the model.
        measure: name of the divergence D.
        environments: names of i and j.
        value: v of f = v, which both environments produce.
        proxy_laws, task_laws: (2, k), p_i and p_j of Y_R and of Y_t given f = v.
        proxy_gap, task_gap: D(p_i || p_j) of each; the theorem would have task_gap <= proxy_gap.
    """

    case: Case
    measure: str
    environments: tuple[str, str]
    value: int
    proxy_laws: Floats
    task_laws: Floats
    proxy_gap: float
    task_gap: float

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        setting, seed = self.case.setting, self.case.seed
        yield f"{setting}, model {seed}" if seed >= 0 else setting
        yield f"  {self.measure} gap: task {self.task_gap:.6g}, proxy {self.proxy_gap:.6g}"
        yield f"  at {REPRESENTATION} = {self.value}, between"
        for name in self.environments:
            yield f"    {name}{_law_text(self.case.environments[name])}"
        for name, laws in [(PROXY, self.proxy_laws), (TASK, self.task_laws)]:
            both = "  and  ".join(_numbers(law) for law in laws)
            yield f"  p({name} | {REPRESENTATION} = {self.value}): {both}"
        for variable in self.case.scm.variables:
            yield f"  {_table_text(variable, self.case.scm.mechanisms[variable])}"


def witness(case: Case, measure: str = "tv") -> Witness | None:
    """The value of f and the two environments at which the bound is exceeded most, if it is.

    Args:
        case: the model.
        measure: kl, js, tv, hellinger2 or chi2.

    Raises:
        InputError: an unknown measure.

    Examples:
        >>> from causal_ssl.analysis.theorem1_settings import hidden_channel_bits
        >>> print(witness(hidden_channel_bits()))
        hidden_channel
          tv gap: task 1, proxy 0
          at F = 0, between
            do(S=0)
            do(S=1)
          p(Y_R | F = 0): 1 0  and  1 0
          p(Y_t | F = 0): 1 0  and  0 1
          p(C1) = 0.5 0.5
          p(C2) = 0.5 0.5
          p(S) = 0.5 0.5
          X(C1, C2, S) = [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]
          F(X) = [0, 1, 1, 0, 2, 3, 3, 2]
          Y_R(C1) = [0, 1]
          Y_t(C2) = [0, 1]
    """
    index = list(F_DIVERGENCES).index(one_of("divergence", measure, F_DIVERGENCES))
    found = compare(case)
    excess = np.nan_to_num(found.excess[index], nan=-np.inf, posinf=np.inf)
    i, j, v = (int(n) for n in np.unravel_index(excess.argmax(), excess.shape))
    if excess[i, j, v] <= TOLERANCE:
        return None
    names = tuple(case.environments)
    laws = [found.law[[i, j], v].sum(axis) for axis in (2, 1)]
    proxy_laws, task_laws = (law / law.sum(-1, keepdims=True) for law in laws)
    proxy_gap, task_gap = found.gaps[index, :, i, j, v].tolist()
    return Witness(
        case, measure, (names[i], names[j]), v, proxy_laws, task_laws, proxy_gap, task_gap
    )


def find_witness(results: pd.DataFrame, setting: str, measure: str = "tv") -> Witness | None:
    """The strongest violation among the models of a setting; None if there is none.

    Args:
        results: rows of `check_models`.
        setting: whose models to look at.
        measure: kl, js, tv, hellinger2 or chi2; among equals the model with the smallest seed.

    Raises:
        InputError: an unknown setting or measure.
    """
    one_of("setting", setting, set(results["setting"]))
    one_of("divergence", measure, F_DIVERGENCES)
    rows = results[(results["setting"] == setting) & (results["measure"] == measure)]
    rows = rows[rows["excess"] > TOLERANCE].sort_values(["excess", "seed"], ascending=[False, True])
    return None if rows.empty else witness(draw(setting, int(rows["seed"].iloc[0])), measure)


def _law_text(environment: Environment) -> str:
    """Soft interventions in full; hard ones are named by their value."""
    soft = {name: law for name, law in environment.items() if isinstance(law, Table)}
    return "".join(f": {_table_text(name, law)}" for name, law in soft.items())


def _table_text(variable: str, table: Table) -> str:
    given, p = ", ".join(table.parents), table.as_floats()
    if table.deterministic and table.parents:
        return f"{variable}({given}) = {p.argmax(-1).tolist()}"
    condition = f" | {given}" if given else ""
    return f"p({variable}{condition}) = {_numbers(p)}"


def _numbers(p: Floats) -> str:
    """Rows of probabilities, which the random models draw on a grid of 1e-6."""
    if p.ndim == 1:
        return " ".join(f"{number:.6g}" for number in p)
    return "[" + ", ".join(_numbers(row) for row in p) + "]"
