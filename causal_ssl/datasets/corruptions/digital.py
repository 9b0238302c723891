"""Digital: tone, lens and storage.

Arguments and results as in `noise`; `pixelate` and `jpeg_compression` return whole levels, uint8,
channels last in memory.
"""

from collections.abc import Callable, Sequence
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor
from torch.nn.functional import grid_sample

from causal_ssl.datasets.corruptions._filters import noise_gain, scale_of, smoothed
from causal_ssl.datasets.corruptions.noise import uniform


def contrast(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Each channel drawn towards its mean over the image: 0.4 to 0.05 of the distance is left."""
    left = (0.4, 0.3, 0.2, 0.1, 0.05)[severity - 1]
    levels = images.float()
    means = levels.mean(dim=(2, 3), keepdim=True)
    return levels.mul_(left).add_(means * (1 - left))


def saturate(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Saturation of HSV times a plus b, hue and value kept.

    (a, b) from (0.3, 0) and (0.1, 0), paler, to (2, 0), (5, 0.1) and (20, 0.2). Greys have no hue;
    as published they count as red, so that they turn reddish at the two highest severities.
    """
    factor, shift = ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2))[severity - 1]
    levels = images.float()
    value = levels.amax(dim=1, keepdim=True)
    spread = value - levels.amin(dim=1, keepdim=True)
    wanted = (spread * factor).add_(value, alpha=shift).minimum(value)
    # With hue and value kept, every channel's distance from the value scales with the spread.
    ratio = wanted / spread.clamp(min=1)
    result = value - (value - levels).mul_(ratio)
    if shift:
        result[:, 1:].sub_(torch.where(spread == 0, wanted, 0))
    return result


def elastic_transform(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """A random affine map of a square, then displacements of smoothed noise; both bilinear.

    Three corners of the square move by up to `corner` pixels along each axis; displacements are
    `amplitude` times noise on (-1, 1) smoothed by `sigma` pixels, cut at 3 sigma. Away from
    224 x 224 all displacements are the same part of the image.
    """
    amplitude, sigma, corner = (
        (488.0, 170.8, 24.4),
        (488.0, 19.52, 48.8),
        (12.2, 2.44, 4.88),
        (17.08, 2.44, 4.88),
        (29.28, 2.44, 4.88),
    )[severity - 1]
    _, _, height, width = images.shape
    scale = scale_of(images)
    u = uniform(generators, 6 + 2 * height * width).mul_(2).sub_(1)
    amplitude *= scale * noise_gain(sigma, 3) / noise_gain(sigma * scale, 3)
    noise = u[:, 6:].view(-1, 2, height, width)
    shifts = smoothed(noise, sigma * scale, 3, "reflect").mul_(amplitude)
    places = _places(height, width)
    affine = _affine_sources(u[:, :6].view(-1, 3, 2) * (corner * scale), height, width)
    # Mirrored about the outermost pixel by the map, about the border by the displacements.
    moved = _sampled(images.float(), (affine @ places).view(-1, 2, height, width), True)
    return _sampled(moved, shifts.add_(places[:2].view(2, height, width)), False)


def _places(height: int, width: int) -> Tensor:
    """(3, h w): x, y and 1 of every pixel."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)]).view(3, -1).float()


def _affine_sources(moves: Tensor, height: int, width: int) -> Tensor:
    """Maps from result to source, (n, 2, 3) float32, where corners of a square move by (n, 3, 2).

    The square has its centre at half the image and reaches a third of the shorter side from it.
    """
    # The published program gives (y, x) of the centre to a function of (x, y); as here for squares.
    centre = torch.tensor([width // 2, height // 2], dtype=torch.float64)
    reach = min(height, width) // 3
    corners = centre + reach * torch.tensor([[1, 1], [1, -1], [-1, -1]], dtype=torch.float64)
    ones = torch.ones(len(moves), 3, 1, dtype=torch.float64)
    before = torch.cat([corners.expand(len(moves), -1, -1), ones], dim=2)
    after = torch.cat([corners + moves, ones], dim=2)
    return torch.linalg.solve(after, before)[:, :, :2].mT.float()


def _sampled(images: Tensor, places: Tensor, about_pixel: bool) -> Tensor:
    """Images (n, c, h, w) at places (n, 2, h, w), x and y in pixels; mirrored beyond the border."""
    height, width = images.shape[-2:]
    size = torch.tensor([width, height], dtype=torch.float32)
    moved = places.permute(0, 2, 3, 1)
    grid = 2 * moved / (size - 1) - 1 if about_pixel else (2 * moved + 1) / size - 1
    return grid_sample(images, grid, padding_mode="reflection", align_corners=about_pixel)


def pixelate(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Box means at 0.6 to 0.25 of the size, rounded down, enlarged without interpolation."""
    fraction = (0.6, 0.5, 0.4, 0.3, 0.25)[severity - 1]
    height, width = images.shape[-2:]
    small = (int(width * fraction), int(height * fraction))

    def pixelated(image: Image.Image) -> Image.Image:
        means = image.resize(small, Image.Resampling.BOX)
        return means.resize((width, height), Image.Resampling.NEAREST)

    return _by_pillow(pixelated, images)


def jpeg_compression(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Through JPEG of quality 25 to 7, colours at half the resolution."""
    quality = (25, 18, 15, 10, 7)[severity - 1]

    def stored(image: Image.Image) -> Image.Image:
        file = BytesIO()
        image.save(file, "JPEG", quality=quality)
        return Image.open(file)

    return _by_pillow(stored, images)


def _by_pillow(change: Callable[[Image.Image], Image.Image], images: Tensor) -> Tensor:
    """Images (n, 3, h, w) uint8, each changed; channels last, as Pillow has them."""
    result = torch.empty_like(images, memory_format=torch.channels_last)
    for image, pixels in zip(images, result.permute(0, 2, 3, 1).numpy(), strict=True):
        pixels[:] = np.asarray(change(_merged(image)))
    return result


def _merged(image: Tensor) -> Image.Image:
    """Of (3, h, w) uint8. Pillow merges planes in a quarter of the time of transposing them."""
    interleaved = image.permute(1, 2, 0)
    if interleaved.is_contiguous():
        return Image.fromarray(interleaved.numpy())
    return Image.merge("RGB", [Image.fromarray(plane) for plane in image.numpy()])
