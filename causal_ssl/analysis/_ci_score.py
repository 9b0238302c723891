"""A cheap statistic for Y independent of E given f: cross products of residuals, weighted by f.

S[k, j, m] = sum_i (1[y_i = k] phi_j(f_i) - its projection) (1[e_i = m] - p(m | f_i)), and the
statistic is the sum of the squares of S, Y and E whitened. An error of p(E | f) moves S only
through the part of 1[y = k] phi_j that is a function of f; the projection takes that part out, so
that errors in the span of the features count to second order only.
"""

from dataclasses import dataclass

import numpy as np

from causal_ssl.analysis._ci_inputs import Ints
from causal_ssl.analysis._splits import Floats

RIDGE = 10.0
"""Of the projection, against n: without one, 100 features explain half of 200 samples' labels."""

CHUNK = 2**22
"""Numbers held at once while the statistic is computed for many draws: 32 MB."""


@dataclass(frozen=True)
class ScoreStatistic:
    """The statistic as a function of the environments alone.

    `weights` (n, k): what the residuals of E are multiplied by; `expected` (n, r): whitened p(E |
    f); `whitened` (n_environments, r): each environment in the same coordinates.
    """

    weights: Floats
    expected: Floats
    whitened: Floats

    def __call__(self, environments: Ints) -> Floats:
        """(B,), the statistic of each column of environments (n, B)."""
        n, n_draws = environments.shape
        size = max(n, self.weights.shape[1]) * max(1, self.whitened.shape[1])
        chunks = np.array_split(environments, -(-n_draws * size // CHUNK), axis=1)
        return np.concatenate([self._of(chunk) for chunk in chunks])

    def _of(self, environments: Ints) -> Floats:
        residual = self.whitened[environments] - self.expected[:, None, :]
        n, n_draws, rank = residual.shape
        sums = self.weights.T @ residual.reshape(n, n_draws * rank)
        return np.square(sums.reshape(-1, n_draws, rank)).sum(axis=(0, 2))


def score_statistic(
    y: Ints, probability: Floats, directions: Floats, features: Floats
) -> ScoreStatistic:
    """The statistic for given labels and p(E | f).

    Args:
        y: (n,), numbers from 0, each of which occurs.
        probability: (n, n_environments), p(E | f_i).
        directions: (n, j), the functions phi of f.
        features: (n, k), whose span with the constant is projected out.
    """
    n = len(y)
    share = np.bincount(y) / n
    # Sums of squares of these are Pearson's: a class counts the less, the more frequent it is.
    label = (np.eye(len(share))[y] - share) / np.sqrt(share)
    weights = (label[:, :, None] * directions[:, None, :]).reshape(n, -1)
    variance = (probability * (1 - probability)).sum(axis=1)
    weights = _without(np.hstack([np.ones((n, 1)), features]), weights, variance)
    whitening = _inverse_root((np.diag(probability.sum(axis=0)) - probability.T @ probability) / n)
    return ScoreStatistic(weights, probability @ whitening, whitening)


def _without(features: Floats, weights: Floats, variance: Floats) -> Floats:
    """Weights minus their ridge regression on features, samples counting by the variance of E.

    The logistic model's error is variance * features @ coefficients to first order: weights that
    are orthogonal to that do not see it.
    """
    weighted = features * variance[:, None]
    gram = features.T @ weighted
    gram[np.diag_indices_from(gram)] += RIDGE * variance.mean() + np.finfo(np.float64).tiny
    return weights - features @ np.linalg.solve(gram, weighted.T @ weights)


def _inverse_root(covariance: Floats) -> Floats:
    """(m, r), a root of the pseudo-inverse of (m, m) of rank r."""
    values, vectors = np.linalg.eigh(covariance)
    # A direction in which f determines E up to 1e-9 has nothing to say.
    kept = values > 1e-9
    return vectors[:, kept] / np.sqrt(values[kept])


def informative(probability: Floats) -> float:
    """The share of the variance of E that f leaves, in [0, 1]."""
    mean = probability.mean(axis=0)
    total = float((mean * (1 - mean)).sum())
    return float((probability * (1 - probability)).sum(axis=1).mean()) / total if total > 0 else 0.0
