"""Overlap of f(X) between environments, without which no gap says anything.

    overlap(cross_fit(f(x), y, environment)).table()

A conditional given f(X) = v compares environments only at values v that both produce. The overlap
of two of them is the mass that their laws share, sum min(p_i, p_j) = 1 - total variation: 1 where
f(X) has one law under both, 0 where every value of f(X) tells which one it came from.

Both estimates come from one cross-fitted classifier of the environment, made blind to how frequent
the environments are: r(v) = p_i(v) / (p_i(v) + p_j(v)).

- `overlap`: the mean of 2 min(r, 1 - r) over held-out samples, both environments weighing the
  same. Noise of the fit biases it down (a minimum is concave): one law four times, 1024 samples
  each, reads .97 with logistic probes and .85 with nearest neighbours;
- `overlap_held_out`: twice the balanced error of the rule r > 1/2 on held-out samples. No rule errs
  less than half the overlap, so this one is biased up, whatever the probe.

A probe class too poor to tell two environments apart lifts both. The interval reaches from the
smaller to the larger of the two and a normal quantile of standard errors beyond each.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from causal_ssl.analysis._invariance_errors import clustered_error, mean_and_error, normal_quantile
from causal_ssl.analysis._invariance_fit import CrossFit
from causal_ssl.analysis.probes import Floats


@dataclass(frozen=True, eq=False)
class Overlap:
    """How much of f(X) environments share, and how much f(X) tells of the environment.

    Attributes:
        environments: the E names.
        pairwise: (E, E), overlap of each pair in [0, 1], symmetric, 1 on the diagonal.
        standard_errors: (E, E), of `pairwise`, clustered by unit; 0 on the diagonal.
        held_out: (E, E), overlap by the error of the classifier, biased up, by chance above 1.
        held_out_errors: (E, E), standard errors of `held_out`.
        information: I(f(X); E) in nats, from below: the mean of log q(e | f) - log p(e) over
            held-out samples; at most H(E), by chance slightly below 0 where there is none.
        information_error: its standard error, clustered by unit.
        level: of the intervals in `table`.
    """

    environments: tuple[Any, ...]
    pairwise: Floats
    standard_errors: Floats
    held_out: Floats
    held_out_errors: Floats
    information: float
    information_error: float
    level: float

    @property
    def smallest(self) -> float:
        """Overlap of the two environments that share least; 1 for a single environment."""
        return float(self.pairwise.min())

    @property
    def mean(self) -> float:
        """Mean overlap of two different environments; 1 for a single environment."""
        pairs = self.pairwise[np.triu_indices(len(self.environments), 1)]
        return float(pairs.mean()) if len(pairs) else 1.0

    def table(self) -> pd.DataFrame:
        """Columns metric, environment, against, value, low, high.

        Metrics `overlap` (of each pair, and their mean under environment "all"),
        `overlap_held_out` (of each pair), `overlap_min` and `information_environment` (nats). Ends
        are NaN where there is no interval.
        """
        z = normal_quantile(self.level)
        rows: list[tuple[Any, ...]] = []
        for i, j in combinations(range(len(self.environments)), 2):
            pair = self.environments[i], self.environments[j]
            both = np.array([self.pairwise[i, j], self.held_out[i, j]])
            reach = z * np.array([self.standard_errors[i, j], self.held_out_errors[i, j]])
            ends = np.clip([(both - reach).min(), (both + reach).max()], 0.0, 1.0)
            rows.append(("overlap", *pair, both[0], *ends))
            rows.append(("overlap_held_out", *pair, both[1], np.nan, np.nan))
        information, error = self.information, z * self.information_error
        rows += [
            ("overlap", "all", "all", self.mean, np.nan, np.nan),
            ("overlap_min", "all", "all", self.smallest, np.nan, np.nan),
            (
                "information_environment",
                "all",
                "all",
                information,
                information - error,
                information + error,
            ),
        ]
        return pd.DataFrame(
            rows, columns=["metric", "environment", "against", "value", "low", "high"]
        )


def overlap(fitted: CrossFit, *, level: float = 0.95) -> Overlap:
    """Overlap of every pair of environments, from held-out predictions.

    Args:
        fitted: from `cross_fit`; its predictions of the task play no part.
        level: of the intervals, in (0, 1).

    Examples:
        >>> from causal_ssl.analysis.invariance import cross_fit
        >>> random = np.random.default_rng(0)
        >>> e = np.repeat([0, 1], 500)
        >>> f = random.normal(size=(1000, 1)) + 2 * e[:, None]
        >>> round(float(overlap(cross_fit(f, e, e)).pairwise[0, 1]), 1)  # exactly 2 Phi(-1) = 0.317
        0.3
    """
    normal_quantile(level)
    n_environments = len(fitted.environments)
    shape = (n_environments, n_environments)
    pairwise, held_out, errors, held_out_errors = (
        np.eye(*shape),
        np.eye(*shape),
        *np.zeros((2, *shape)),
    )
    for i, j in combinations(range(n_environments), 2):
        found = _pair(fitted, i, j)
        pairwise[i, j], errors[i, j], held_out[i, j], held_out_errors[i, j] = found
    information, information_error = _information(fitted)
    upper = np.triu_indices(n_environments, 1)
    for matrix in (pairwise, held_out, errors, held_out_errors):
        matrix.T[upper] = matrix[upper]
    return Overlap(
        fitted.environments,
        pairwise=pairwise,
        standard_errors=errors,
        held_out=held_out,
        held_out_errors=held_out_errors,
        information=information,
        information_error=information_error,
        level=level,
    )


def _pair(fitted: CrossFit, i: int, j: int) -> tuple[float, float, float, float]:
    """Overlap and twice the classifier's balanced error, each with its standard error."""
    frequency = np.bincount(fitted.environment, minlength=len(fitted.environments))
    rows = np.isin(fitted.environment, (i, j))
    density = fitted.posterior[rows][:, [i, j]] / frequency[[i, j]]
    r = density / density.sum(axis=1, keepdims=True)
    side = (fitted.environment[rows] == j).astype(int)
    weight = 0.5 / frequency[[i, j]][side]
    shared = 2 * r.min(axis=1)
    means = np.array([shared[side == k].mean() for k in (0, 1)])
    # A tie is half an error: a classifier that knows nothing finds overlap 1.
    wrong = 2 * np.where(r[:, 0] == r[:, 1], 0.5, r.argmax(axis=1) != side)
    mistaken = np.array([wrong[side == k].mean() for k in (0, 1)])
    errors = [
        clustered_error(weight * (values - mean[side]), fitted.unit[rows])
        for values, mean in ((shared, means), (wrong, mistaken))
    ]
    return float(means.mean()), errors[0], float(mistaken.mean()), errors[1]


def _information(fitted: CrossFit) -> tuple[float, float]:
    rows = np.arange(len(fitted.environment))
    prior = np.bincount(fitted.environment) / len(rows)
    gain = np.log(fitted.posterior[rows, fitted.environment] / prior[fitted.environment])
    return mean_and_error(gain, fitted.unit)
