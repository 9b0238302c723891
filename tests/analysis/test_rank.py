"""RankMe where it is known in closed form, and as the alarm that it is for."""

import math

import numpy as np
import pytest
import torch

from causal_ssl.analysis.rank import rank_me
from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for


def rotated(singular: list[float], n: int = 40) -> torch.Tensor:
    """An (n, d) matrix with these singular values, in directions of no axis."""
    d = len(singular)
    left = torch.linalg.qr(torch.randn(n, d, generator=generator_for("left")).double()).Q
    right = torch.linalg.qr(torch.randn(d, d, generator=generator_for("right")).double()).Q
    return left @ torch.diag(torch.tensor(singular, dtype=torch.float64)) @ right


@pytest.mark.parametrize(
    ("singular", "rank"),
    [
        ([3.0] * 8, 8),
        ([2.0, 0.0, 0.0], 1),
        ([5.0, 5.0, 0.0, 0.0], 2),
        ([3.0, 1.0], math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))),
    ],
)
def test_known_spectra(singular: list[float], rank: float) -> None:
    features = rotated(singular)
    assert rank_me(features) == pytest.approx(rank, abs=1e-6)
    assert rank_me(-7 * features.T) == pytest.approx(rank, abs=1e-6)
    assert rank_me(features.numpy()) == rank_me(features)


def test_isotropic_features_use_all_directions_but_for_the_sample() -> None:
    # With gamma = d / n singular values over sqrt(n) have mean 1 - gamma / 8 and variance
    # gamma / 4 (Marchenko-Pastur), so the entropy is gamma / 8 short of log d.
    n, d = 4000, 40
    features = torch.randn(n, d, generator=generator_for("isotropic"))
    expected = d * math.exp(-d / n / 8)
    assert d - 2 * (d - expected) < rank_me(features) < d


def test_it_falls_as_features_collapse() -> None:
    spread = torch.randn(500, 16, generator=generator_for("spread"))
    point = torch.randn(16, generator=generator_for("point"))
    ranks = [rank_me(point + width * spread) for width in (1, 0.3, 0.1, 0.01, 0)]
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[0] > 12
    assert ranks[-1] == pytest.approx(1)
    assert rank_me(torch.zeros(5, 3)) == 1


@pytest.mark.parametrize("shape", [(1, 6), (6, 1), (3, 6), (50, 6)])
def test_it_lies_between_one_and_the_smaller_side(shape: tuple[int, int]) -> None:
    features = torch.randn(*shape, generator=generator_for("shape"))
    assert 1 <= rank_me(features) <= min(shape)


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="NaN or infinity in 1 of 4 rows, first in row 2"):
        rank_me(torch.eye(4).index_fill(0, torch.tensor(2), math.nan))
    with pytest.raises(InputError, match="shape"):
        rank_me(torch.ones(3))
    with pytest.raises(InputError):
        rank_me(np.empty((0, 4)))
