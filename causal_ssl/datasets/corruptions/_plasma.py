"""Clouds by diamond and square: random heights that roughen at every halving of the grid."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from causal_ssl.datasets.corruptions.noise import uniform


def plasma(generators: Sequence[Generator], size: int, decay: float) -> Tensor:
    """Height maps (n, size, size) float32 that cover [0, 1] and continue across their borders.

    On a grid of one point, whose borders are joined, squares get their middles and then diamonds
    theirs: the mean of the four corners plus uniform noise, whose amplitude falls by `decay` with
    each halving.

    Args:
        generators: one a map.
        size: a power of two, at least 2.
        decay: above 1 is rougher the nearer to 1.

    References:
        Fournier, Fussell and Carpenter (1982), Communications of the ACM 25.
    """
    noise = uniform(generators, size * size).mul_(2).sub_(1)
    used = 0

    def drawn(cells: int) -> Tensor:
        nonlocal used
        used += cells * cells
        return noise[:, used - cells * cells : used].view(-1, cells, cells)

    # Squared in the published program: 100 times numbers on (-100, 100).
    heights, amplitude = torch.zeros(len(generators), 1, 1), 100.0
    while heights.shape[1] < size:
        cells = heights.shape[1]
        finer = heights.new_empty(len(generators), 2 * cells, 2 * cells)
        finer[:, ::2, ::2] = heights
        right = heights + heights.roll(-1, 2)
        below = heights + heights.roll(-1, 1)
        middle = (right + right.roll(-1, 1)).mul_(0.25).add_(drawn(cells), alpha=100 * amplitude)
        finer[:, 1::2, 1::2] = middle
        across = right.add_(middle).add_(middle.roll(1, 1))
        finer[:, ::2, 1::2] = across.mul_(0.25).add_(drawn(cells), alpha=100 * amplitude)
        down = below.add_(middle).add_(middle.roll(1, 2))
        finer[:, 1::2, ::2] = down.mul_(0.25).add_(drawn(cells), alpha=100 * amplitude)
        heights, amplitude = finer, amplitude / decay
    heights -= heights.amin(dim=(1, 2), keepdim=True)
    return heights.div_(heights.amax(dim=(1, 2), keepdim=True))
