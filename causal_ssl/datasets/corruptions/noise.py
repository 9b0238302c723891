"""Noise: every value of a pixel by itself, so that nothing depends on an image's size.

Functions take images (n, 3, h, w) uint8, a severity in 1..5 and one generator an image; they return
levels (n, 3, h, w) float32 of any range, which `corrupt` clips and truncates.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor


def gaussian_noise(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Normal noise with a standard deviation of 0.08 to 0.38 of the range."""
    deviation = (0.08, 0.12, 0.18, 0.26, 0.38)[severity - 1]
    return normal(generators, *images.shape[1:]).mul_(255 * deviation).add_(images)


def shot_noise(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Poisson noise where full brightness is 60 down to 3 photons."""
    photons = (60, 25, 12, 5, 3)[severity - 1]
    rates = images * (photons / 255)
    counts = [torch.poisson(rate, g) for rate, g in zip(rates, generators, strict=True)]
    return torch.stack(counts).mul_(255 / photons)


def impulse_noise(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Salt and pepper: 3 to 27 % of the values, half of them 255 and half 0."""
    amount = (0.03, 0.06, 0.09, 0.17, 0.27)[severity - 1]
    u = uniform(generators, *images.shape[1:])
    return images.masked_fill(u < amount, 0).masked_fill_(u < amount / 2, 255)


def speckle_noise(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Normal noise with a standard deviation of 0.15 to 0.6 of the value."""
    deviation = (0.15, 0.2, 0.35, 0.45, 0.6)[severity - 1]
    return normal(generators, *images.shape[1:]).mul_(deviation).add_(1).mul_(images)


def normal(generators: Sequence[Generator], *shape: int) -> Tensor:
    """Standard normal numbers, (n, *shape) float32, row i from generator i alone."""
    result = torch.empty(len(generators), *shape)
    for row, generator in zip(result, generators, strict=True):
        row.normal_(generator=generator)
    return result


def uniform(generators: Sequence[Generator], *shape: int) -> Tensor:
    """Numbers uniform on [0, 1), (n, *shape) float32, row i from generator i alone."""
    result = torch.empty(len(generators), *shape)
    for row, generator in zip(result, generators, strict=True):
        row.uniform_(generator=generator)
    return result
