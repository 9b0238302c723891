"""Noise on grey images against moments derived by hand; margins are five standard errors."""

from math import sqrt

import pytest
import torch
from torch import Tensor

from causal_ssl.datasets.corruptions import corrupt


def grey(level: int, name: str, severity: int) -> Tensor:
    """Values of eight corrupted images of one level, float64."""
    images = torch.full((8, 3, 96, 96), level, dtype=torch.uint8)
    return corrupt(images, name, severity, seeds=torch.arange(8)).double().flatten()


def within(values: Tensor, mean: float) -> bool:
    return abs(float(values.mean()) - mean) < 5 * float(values.std()) / sqrt(len(values))


@pytest.mark.parametrize(("severity", "deviation"), [(1, 0.08), (2, 0.12)])
def test_gaussian_noise(severity: int, deviation: float) -> None:
    values = grey(128, "gaussian_noise", severity)
    # Truncation takes half a level; hardly anything is clipped (4 deviations).
    assert within(values, 127.5)
    expected = (255 * deviation) ** 2 + 1 / 12
    assert abs(float(values.var()) / expected - 1) < 5 * sqrt(2 / len(values))


@pytest.mark.parametrize("severity", [3, 4, 5])
def test_gaussian_noise_is_clipped(severity: int) -> None:
    deviation = (0.18, 0.26, 0.38)[severity - 3]
    black = (grey(128, "gaussian_noise", severity) == 0).double()
    expected = torch.special.ndtr(torch.tensor((1 - 128) / (255 * deviation))).item()
    assert within(black, expected)


@pytest.mark.parametrize(("severity", "photons"), list(enumerate((60, 25, 12, 5, 3), start=1)))
def test_shot_noise_counts_photons(severity: int, photons: int) -> None:
    """A fifth of the range: counts k of Poisson(photons / 5), seen as the level 255 k / photons."""
    values = grey(51, "shot_noise", severity)
    rate = torch.tensor(photons / 5, dtype=torch.float64)
    for k in range(0, photons, max(1, photons // 6)):
        share = (k * rate.log() - rate - torch.lgamma(torch.tensor(k + 1.0))).exp().item()
        seen = (values == int(255 * k / photons + 1e-6)).double()
        margin = 5 * sqrt(share * (1 - share) / len(values))
        assert abs(float(seen.mean()) - share) < margin


@pytest.mark.parametrize(("severity", "amount"), list(enumerate((0.03, 0.06, 0.09, 0.17, 0.27), 1)))
def test_impulse_noise(severity: int, amount: float) -> None:
    values = grey(77, "impulse_noise", severity)
    assert within((values == 0).double(), amount / 2)
    assert within((values == 255).double(), amount / 2)
    assert set(values.unique().tolist()) == {0.0, 77.0, 255.0}


@pytest.mark.parametrize("level", [0, 40, 80])
def test_speckle_noise_is_proportional(level: int) -> None:
    values = grey(level, "speckle_noise", 2)
    expected = (0.2 * level) ** 2 + (1 / 12 if level else 0)
    assert abs(float(values.var()) - expected) <= 5 * expected * sqrt(2 / len(values))
    assert within(values, level - 0.5) if level else bool((values == 0).all())


def test_values_are_independent() -> None:
    images = torch.full((8, 3, 96, 96), 128, dtype=torch.uint8)
    noise = corrupt(images, "gaussian_noise", 1, seeds=torch.arange(8)).double() - 127.5
    pairs = {
        "right": noise[..., 1:] * noise[..., :-1],
        "channel": noise[:, 1:] * noise[:, :-1],
        "image": noise[1:] * noise[:-1],
    }
    for products in pairs.values():
        assert within(products.flatten(), 0)
