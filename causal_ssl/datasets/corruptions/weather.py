"""Weather: snow, frost, fog, sunlight. Spatter has a file of its own.

Arguments and results as in `noise`.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from causal_ssl.datasets.corruptions._filters import clipped_zoom, motion_blurred, scale_of
from causal_ssl.datasets.corruptions._frost import TEXTURES, frost_textures
from causal_ssl.datasets.corruptions._plasma import plasma
from causal_ssl.datasets.corruptions.blur import truncated
from causal_ssl.datasets.corruptions.noise import normal, uniform


def brightness(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Value of HSV raised by 0.1 to 0.5 and cut at 1, hue and saturation kept."""
    raised = 255 * (0.1, 0.2, 0.3, 0.4, 0.5)[severity - 1]
    levels = images.float()
    value = levels.amax(dim=1, keepdim=True)
    wanted = (value + raised).clamp_(max=255)
    # All channels are proportional to the value; black, which has no hue, becomes grey.
    return torch.where(value == 0, wanted, levels.mul_(wanted / value.clamp(min=1)))


def fog(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Fractal clouds added, 1.5 to 3 times the range, and the sum dimmed to the image's maximum.

    The clouds have structure from the whole image down to a pixel at any size.
    """
    thickness, decay = ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4))[severity - 1]
    height, width = images.shape[-2:]
    size = 1 << (max(height, width) - 1).bit_length()
    clouds = plasma(generators, size, decay)[:, None, :height, :width]
    levels = images.float()
    brightest = levels.amax(dim=(1, 2, 3), keepdim=True)
    dimmed = brightest / (brightest + 255 * thickness)
    return levels.add(clouds, alpha=255 * thickness).mul_(dimmed)


def frost(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """A frosted pane before the image: 1 to 0.6 of the image plus 0.4 to 0.75 of a texture.

    The published program cuts its windows from five photographs; here from five made textures
    (`frost_textures`), whose crystals are the same part of the image at any size.
    """
    kept, added = ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))[severity - 1]
    _, _, height, width = images.shape
    textures = frost_textures(height, width)
    room = torch.tensor([TEXTURES, textures.shape[2] - height, textures.shape[3] - width])
    windows = (uniform(generators, 3) * room).long().minimum(room - 1).tolist()
    frosts = [textures[k, :, y : y + height, x : x + width] for k, y, x in windows]
    return torch.stack(frosts).mul_(added).add_(images, alpha=kept)


def snow(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Falling flakes, twice (once upside down), on an image that is whitened.

    Flakes are the enlarged peaks of normal noise, smeared along the fall. Away from 224 x 224, the
    smear and the enlargement change with the image, the latter not below 1: a flake has a pixel.
    """
    mean, deviation, zoom, least, radius, sigma, kept = (
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    )[severity - 1]
    _, _, height, width = images.shape
    scale = scale_of(images)
    flakes = clipped_zoom(
        normal(generators, 1, height, width).mul_(deviation).add_(mean), max(1.0, zoom * scale)
    )
    flakes = truncated(torch.where(flakes < least, 0, flakes) * 255)
    angles = uniform(generators, 1).mul_(90).sub_(135)[:, 0].tolist()
    rows = zip(flakes, angles, strict=True)
    fallen = torch.stack([motion_blurred(x, radius, sigma, a, scale) for x, a in rows]).round_()
    levels = images.float()
    luma = levels[:, :1] * 0.299 + levels[:, 1:2] * 0.587 + levels[:, 2:] * 0.114
    whitened = levels.maximum(luma.mul_(1.5).add_(0.5 * 255)).mul_(1 - kept)
    return whitened.add_(levels, alpha=kept).add_(fallen + fallen.flip(2, 3))
