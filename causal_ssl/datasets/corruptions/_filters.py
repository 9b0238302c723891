"""Linear filters that the families share. All are exact in float32 and treat each image alone."""

from functools import lru_cache
from math import ceil, cos, radians, sin
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

Border = Literal["nearest", "reflect"]

PUBLISHED_SIZE = 224
"""Pixels a side for which the parameters were published."""


def scale_of(images: Tensor) -> float:
    """How long a published pixel is here: shorter side / 224. See the package's docstring."""
    return min(images.shape[-2:]) / PUBLISHED_SIZE


def gaussian_taps(sigma: float, truncate: float = 4.0) -> Tensor:
    """Weights at -r..r, r = truncate * sigma rounded; float64, they sum to 1.

    Examples:
        >>> gaussian_taps(0.5).round(decimals=3).tolist()
        [0.0, 0.106, 0.787, 0.106, 0.0]
    """
    radius = int(truncate * sigma + 0.5)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    return torch.softmax(-0.5 * (offsets / max(sigma, 1e-6)) ** 2, dim=0)


def noise_gain(sigma: float, truncate: float = 4.0) -> float:
    """Standard deviation of white noise (h, w) of unit variance after smoothing.

    Near 1 / (2 sqrt(pi) sigma): textures made of noise pale as sigma grows, so their amplitude must
    follow where sigma changes with the image's size.

    Examples:
        >>> round(noise_gain(2.0) * 2 * 3.14159**0.5 * 2.0, 3)
        1.0
    """
    return float(gaussian_taps(sigma, truncate).square().sum())


def smoothed(
    planes: Tensor, sigma: float, truncate: float = 4.0, border: Border = "nearest"
) -> Tensor:
    """Gaussian filter over the last two axes of (..., h, w) float32; see `_smoothing_matrix`.

    A filter with its border is a matrix: two products of 224 x 224 cost less than running along
    every line, whatever sigma.
    """
    height, width = planes.shape[-2:]
    flat = planes.reshape(-1, height, width)
    down = _smoothing_matrix(height, sigma, truncate, border)
    across = _smoothing_matrix(width, sigma, truncate, border).T
    rows = torch.bmm(flat, across.expand(len(flat), -1, -1))
    return torch.bmm(down.expand(len(flat), -1, -1), rows).view_as(planes)


@lru_cache(maxsize=64)
def _smoothing_matrix(length: int, sigma: float, truncate: float, border: Border) -> Tensor:
    """(length, length) float32: row i has the weights of all pixels of a line for pixel i.

    Beyond the border are the outermost pixel again (nearest) or the line mirrored (reflect:
    d c b a | a b c d), as in scipy.ndimage.
    """
    taps = gaussian_taps(sigma, truncate)
    radius = len(taps) // 2
    source = torch.arange(length)[:, None] + torch.arange(-radius, radius + 1)
    if border == "nearest":
        source = source.clamp(0, length - 1)
    else:
        source = source.remainder(2 * length)
        source = torch.minimum(source, 2 * length - 1 - source)
    matrix = torch.zeros(length, length, dtype=torch.float64)
    return matrix.scatter_add_(1, source, taps.expand(length, -1)).float()


def convolved(planes: Tensor, kernel: Tensor) -> Tensor:
    """Planes (..., h, w) float32 with a symmetric kernel (k, k), k odd; borders mirrored.

    Mirrored about the outermost pixel (d c b | a b c d). By FFT: kernels here reach 21 x 21.
    """
    height, width = planes.shape[-2:]
    radius = len(kernel) // 2
    flat = pad(planes.reshape(1, -1, height, width), [radius] * 4, mode="reflect")[0]
    size = (_fast_length(height + 2 * radius), _fast_length(width + 2 * radius))
    spectrum = torch.fft.rfft2(flat, s=size).mul_(torch.fft.rfft2(kernel, s=size))
    result = torch.fft.irfft2(spectrum, s=size)
    # Circular: what wraps around falls on the first 2 * radius rows and columns, which are cut.
    start = 2 * radius
    return result[:, start : start + height, start : start + width].reshape(planes.shape)


@lru_cache
def _fast_length(length: int) -> int:
    """The least number from `length` on without prime factors above 5."""
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 1


def motion_blurred(
    image: Tensor, radius: float, sigma: float, angle: float, scale: float
) -> Tensor:
    """One image (c, h, w) float32 smeared along a direction, as ImageMagick's motion blur does.

    A half Gaussian exp(-i^2 / 2 sigma^2) at the 2 radius + 1 points i of a ray, each rounded to a
    pixel; beyond the border is the outermost pixel.

    Args:
        image: left as it is.
        radius: points of the ray are 0..2 radius.
        sigma: of the Gaussian, in points.
        angle: of the ray, in degrees from the x axis.
        scale: pixels between points; above 1 the ray gets more points instead of gaps.
    """
    finer = max(scale, 1.0)
    points, step = 2 * round(radius * finer) + 1, min(scale, 1.0)
    weights = torch.softmax(-0.5 * (torch.arange(points) / (sigma * finer)) ** 2, dim=0)
    taps: dict[tuple[int, int], float] = {}
    for i, weight in enumerate(weights.tolist()):
        down = ceil(i * step * sin(radians(angle)) - 0.5)
        right = ceil(i * step * cos(radians(angle)) - 0.5)
        taps[down, right] = taps.get((down, right), 0.0) + weight
    reach = max(max(abs(dy), abs(dx)) for dy, dx in taps)
    height, width = image.shape[-2:]
    padded = pad(image[None], [reach] * 4, mode="replicate")[0]
    result = torch.zeros_like(image)
    for (dy, dx), weight in taps.items():
        top, left = reach + dy, reach + dx
        result.add_(padded[:, top : top + height, left : left + width], alpha=weight)
    return result


def clipped_zoom(planes: Tensor, factor: float) -> Tensor:
    """The middle of planes (n, c, h, w) enlarged to (n, c, h, w) by bilinear interpolation.

    The middle ceil(h / factor) x ceil(w / factor) pixels, corners on corners.
    """
    height, width = planes.shape[-2:]
    inner = ceil(height / factor), ceil(width / factor)
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    window = planes[..., top : top + inner[0], left : left + inner[1]]
    size = [round(inner[0] * factor), round(inner[1] * factor)]
    zoomed = interpolate(window, size, mode="bilinear", align_corners=True)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return zoomed[..., top : top + height, left : left + width]
