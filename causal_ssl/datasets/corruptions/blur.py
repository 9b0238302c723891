"""Blur: lengths in pixels are those published for 224 x 224, times shorter side / 224.

Arguments and results as in `noise`.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Generator, Tensor

from causal_ssl.datasets.corruptions._filters import (
    clipped_zoom,
    convolved,
    gaussian_taps,
    motion_blurred,
    scale_of,
    smoothed,
)
from causal_ssl.datasets.corruptions.noise import uniform


def gaussian_blur(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Gaussian filter, sigma 1 to 6 pixels, cut at 4 sigma; beyond the border, its pixels again."""
    sigma = (1, 2, 3, 4, 6)[severity - 1]
    return smoothed(images.float(), sigma * scale_of(images))


def defocus_blur(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Mean over a disk of radius 3 to 10 pixels with a softened rim; borders mirrored."""
    return convolved(images.float(), disk(severity, scale_of(images)))


@lru_cache(maxsize=64)
def disk(severity: int, scale: float) -> Tensor:
    """The kernel of `defocus_blur`, (k, k) float32, k odd.

    Its sum is 1, but 1.013 for a radius of 8: there the published disk touches its frame, where the
    softening mirrors it.

    Below 224 pixels, the published kernel drawn smaller: each of its weights is shared between the
    four pixels around its place. Above, the disk is drawn again with the larger radius.
    """
    radius, rim = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))[severity - 1]
    finer = max(scale, 1.0)
    half = max(8, round(radius)) if finer == 1 else int(np.ceil(radius * finer)) + 2
    offsets = torch.arange(-half, half + 1, dtype=torch.float64)
    inside = offsets[:, None] ** 2 + offsets**2 <= (radius * finer) ** 2
    # The rim is a Gaussian cut to 3 x 3, or 5 x 5 for large disks; mirrored at the kernel's border.
    reach = 1 if radius <= 8 else 2
    rim_taps = gaussian_taps(rim, truncate=reach / rim)
    kernel = _softened(inside.double() / inside.sum(), rim_taps)
    return (_drawn_smaller(kernel, scale) if scale < 1 else kernel).float()


def _softened(kernel: Tensor, taps: Tensor) -> Tensor:
    reach = len(taps) // 2
    padded = torch.nn.functional.pad(kernel[None, None], [reach] * 4, mode="reflect")[0, 0]
    rows = padded.unfold(0, len(taps), 1) @ taps
    return rows.unfold(1, len(taps), 1) @ taps


def _drawn_smaller(kernel: Tensor, scale: float) -> Tensor:
    half = len(kernel) // 2
    places = torch.arange(-half, half + 1) * scale
    reach = int(np.ceil(half * scale))
    pixels = torch.arange(-reach, reach + 1)
    shares = (1 - (pixels[:, None] - places).abs()).clamp(min=0).double()
    return shares @ kernel @ shares.T


def motion_blur(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """A smear of sigma 3 to 15 pixels in a direction within 45 degrees of the x axis."""
    radius, sigma = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))[severity - 1]
    angles = uniform(generators, 1).mul_(90).sub_(45)[:, 0].tolist()
    scale, levels = scale_of(images), images.float()
    rows = zip(levels, angles, strict=True)
    return torch.stack([motion_blurred(x, radius, sigma, angle, scale) for x, angle in rows])


def zoom_blur(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Mean of the image and of it enlarged in steps, up to 1.1 to 1.3 times."""
    last, step = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))[
        severity - 1
    ]
    factors = np.arange(1, last, step).tolist()
    levels = images.float()
    total = levels.clone()
    for factor in factors:
        total += clipped_zoom(levels, factor)
    return total.div_(len(factors) + 1)


def glass_blur(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Pixels replaced by near ones, up to 1 to 4 pixels away, one to three times, in a light blur.

    The published program means to swap pixels but copies them (its two sides are views of one
    array); the published images have copies, and so has this.
    """
    sigma, reach, times = ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2))[
        severity - 1
    ]
    scale = scale_of(images)
    sigma, reach = sigma * scale, max(1, round(reach * scale))
    levels = truncated(smoothed(images.float(), sigma))
    n, _, height, width = levels.shape
    for _ in range(times):
        u = uniform(generators, 2, height, width)
        moves = u.mul_(2 * reach).floor_().clamp_(max=2 * reach - 1).long().sub_(reach)
        source = copied_from(moves, reach).view(n, 1, -1).expand(-1, 3, -1)
        levels = levels.view(n, 3, -1).gather(2, source).view(n, 3, height, width)
    return smoothed(levels, sigma)


def copied_from(moves: Tensor, reach: int) -> Tensor:
    """Which old pixel ends at each place when pixels are overwritten one after the other.

    From the last pixel at (h - reach, w - reach) to (reach + 1, reach + 1), row by row backwards,
    each becomes what the pixel at its move (dx, dy) is by then: one that was overwritten before is
    followed to where its own value came from. Doubling the followed steps finds the end of all
    chains at once: a handful of gathers instead of h w steps.

    Args:
        moves: (n, 2, h, w) int64, dx and dy, from -reach to reach - 1.
        reach: at least 1.

    Returns:
        (n, h, w) int64, places y w + x.
    """
    n, _, height, width = moves.shape
    place = torch.arange(height * width).view(height, width)
    moved = torch.zeros(height, width, dtype=torch.bool)
    moved[reach + 1 : height - reach + 1, reach + 1 : width - reach + 1] = True
    target = torch.where(moved, place + moves[:, 1] * width + moves[:, 0], place)
    earlier = moved.flatten()[target] & (target > place)
    # An end has no next: it points to itself in `following`, and `target` is its answer.
    following = torch.where(earlier, target, place).view(n, -1)
    while True:
        further = following.gather(1, following)
        if torch.equal(further, following):
            return target.view(n, -1).gather(1, following).view(n, height, width)
        following = further


def truncated(levels: Tensor) -> Tensor:
    """Whole levels in [0, 255] as float32, rounded down; see `corrupt` for the 1/1000."""
    return levels.add(1e-3).clamp_(0, 255).floor_()
