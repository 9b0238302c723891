"""Functions of a representation: what p(E | f) is learnt on, and where dependence is looked for."""

from typing import Any

import numpy as np
from sklearn.kernel_approximation import Nystroem
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from causal_ssl.analysis._splits import Floats
from causal_ssl.randomness import derived_seed

LANDMARKS = 30
"""Of each kernel: the points at which its features look, at the least."""

POINTS_A_LANDMARK = 100
MOST_LANDMARKS = 100
"""More points tell finer shapes of p(E | f) apart, and a test of more samples sees what is missed:
with 30 landmarks 1,000 samples of the hardest fixed law were rejected in 8.3 % of the data sets."""

WIDE, MIDDLE, NARROW = 1.0, 0.7, 0.4
"""Widths of Gaussian kernels; the typical distance of two standardised points is sqrt(2 d)."""

MOST_QUADRATIC = 12
"""Up to so many coordinates products of two are among the features: 90 of them at most."""


def basis(f: Floats, seed: int) -> tuple[Any, Floats]:
    """About 70 to 290 standardised features: quadratic ones, and kernel features of two widths.

    Its span is where log p(E | f) is looked for. Gaussian kernels of two widths at random landmarks
    (Nystroem features) reach shapes that quadratics do not: held-out log loss of p(E | f) on
    nonlinear mixtures of two coordinates falls from .38 to .36, on five from .756 to .753. There is
    a landmark for every 100 points, 30 to 100 of them.

    Args:
        f: (n, d), the points to standardise by and to take landmarks from.
        seed: of the landmarks.

    Returns:
        A fitted transformer from (m, d) to (m, k), and the features (n, k) of f itself.
    """
    degree = 2 if f.shape[1] <= MOST_QUADRATIC else 1
    landmarks = min(max(LANDMARKS, len(f) // POINTS_A_LANDMARK), MOST_LANDMARKS)
    features = make_pipeline(
        StandardScaler(),
        make_union(
            PolynomialFeatures(degree, include_bias=False),
            _kernel(f, WIDE, derived_seed(seed, "wide landmarks"), landmarks),
            _kernel(f, NARROW, derived_seed(seed, "narrow landmarks"), landmarks),
        ),
        StandardScaler(),
    )
    return features, features.fit_transform(f)


def directions(f: Floats, seed: int) -> Floats:
    """Functions of f by which a test weights its samples: constant, linear and local ones.

    The constant sees environments that shift Y everywhere alike; the others see dependence that
    changes sign over f, as for f = c xor s, where the constant sees nothing. The three groups have
    the same sum of squares, so that many local functions do not drown the few others.

    Args:
        f: (n, d).
        seed: of the local functions' landmarks.

    Returns:
        (n, 1 + d + landmarks).
    """
    n, d = f.shape
    z = StandardScaler().fit_transform(f)
    local = _kernel(f, MIDDLE, derived_seed(seed, "landmarks")).fit_transform(z)
    local = StandardScaler(with_std=False).fit_transform(local)
    size = np.sqrt(np.square(local).sum() / n)
    return np.hstack([np.ones((n, 1)), z / np.sqrt(d), local / size if size > 0 else local])


def _kernel(f: Floats, width: float, seed: int, landmarks: int = LANDMARKS) -> Nystroem:
    n, d = f.shape
    return Nystroem(
        gamma=1 / (2 * d * width**2), n_components=min(landmarks, n), random_state=seed % 2**32
    )
