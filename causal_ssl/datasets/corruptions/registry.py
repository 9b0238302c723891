"""The 19 corruptions by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Generator, Tensor

from causal_ssl.datasets.corruptions import blur, digital, noise, weather
from causal_ssl.datasets.corruptions.spatter import spatter
from causal_ssl.errors import InputError, in_range, one_of
from causal_ssl.randomness import generator_for

Function: TypeAlias = Callable[[Tensor, int, Sequence[Generator]], Tensor]

SMALLEST = 8
"""Pixels a side that an image must have."""
PIXELS_AT_ONCE = 8 * 224 * 224
"""Of the images that are worked on together: their float32 levels stay in the cache."""


@dataclass(frozen=True)
class Corruption:
    """One corruption.

    Attributes:
        name: as the folders of ImageNet-C and the command line spell it.
        title: as tables and figures show it.
        family: as the paper groups them.
        kind: "test" are the 15 that results are reported on, "validation" the four that the authors
            set aside for choosing hyperparameters.
        random: the result depends on the seed.
        function: images (n, 3, h, w) uint8, severity, generators -> levels.
        planes: `function` wants contiguous images; without, channels may be last in memory.
    """

    name: str
    title: str
    family: Literal["noise", "blur", "weather", "digital"]
    kind: Literal["test", "validation"]
    random: bool
    function: Function
    planes: bool = True


_ALL = (
    Corruption("gaussian_noise", "Gaussian noise", "noise", "test", True, noise.gaussian_noise),
    Corruption("shot_noise", "shot noise", "noise", "test", True, noise.shot_noise),
    Corruption("impulse_noise", "impulse noise", "noise", "test", True, noise.impulse_noise),
    Corruption("defocus_blur", "defocus blur", "blur", "test", False, blur.defocus_blur),
    Corruption("glass_blur", "frosted glass blur", "blur", "test", True, blur.glass_blur),
    Corruption("motion_blur", "motion blur", "blur", "test", True, blur.motion_blur),
    Corruption("zoom_blur", "zoom blur", "blur", "test", False, blur.zoom_blur),
    Corruption("snow", "snow", "weather", "test", True, weather.snow),
    Corruption("frost", "frost", "weather", "test", True, weather.frost),
    Corruption("fog", "fog", "weather", "test", True, weather.fog),
    Corruption("brightness", "brightness", "weather", "test", False, weather.brightness),
    Corruption("contrast", "contrast", "digital", "test", False, digital.contrast),
    Corruption("elastic_transform", "elastic", "digital", "test", True, digital.elastic_transform),
    Corruption("pixelate", "pixelate", "digital", "test", False, digital.pixelate, planes=False),
    Corruption(
        *("jpeg_compression", "JPEG", "digital", "test", False, digital.jpeg_compression),
        planes=False,
    ),
    Corruption("speckle_noise", "speckle noise", "noise", "validation", True, noise.speckle_noise),
    Corruption("gaussian_blur", "Gaussian blur", "blur", "validation", False, blur.gaussian_blur),
    Corruption("spatter", "spatter", "weather", "validation", True, spatter),
    Corruption("saturate", "saturate", "digital", "validation", False, digital.saturate),
)
CORRUPTIONS = {corruption.name: corruption for corruption in _ALL}
"""Name -> corruption, the 15 of the test in the paper's order, then the four for validation."""


def corrupt(images: Tensor, name: str, severity: int, *, seeds: Tensor) -> Tensor:
    """Images under one corruption.

    Image i of the result depends on image i, its seed, the name and the severity alone, not on the
    batch that it came in. As in the published program, levels are cut to [0, 255] and truncated to
    whole ones, not rounded; 1/1000 is added before, for what is whole but for float32's rounding.

    Args:
        images: (n, 3, h, w) uint8 on the CPU, of 8 x 8 pixels or more; left as they are.
        name: of `CORRUPTIONS`.
        severity: 1 to 5.
        seeds: (n,) int64, one an image. Ignored where the corruption is not random.

    Returns:
        (n, 3, h, w) uint8, new memory; channels last where a codec wrote it (`pixelate`, JPEG).

    Raises:
        InputError: an unknown name (with the nearest known one), a severity out of range, images or
            seeds of another shape, type or device.

    Examples:
        >>> grey = torch.full((2, 3, 32, 32), 128, dtype=torch.uint8)
        >>> corrupt(grey, "brightness", 2, seeds=torch.arange(2))[0, :, 0, 0].tolist()
        [179, 179, 179]
        >>> noisy = corrupt(grey, "gaussian_noise", 1, seeds=torch.tensor([7, 7])).float()
        >>> bool((noisy[0] == noisy[1]).all()), round(float(noisy.std() / 255), 2)
        (True, 0.08)
    """
    corruption = CORRUPTIONS[one_of("corruption", name, CORRUPTIONS)]
    in_range("severity", severity, at_least=1, at_most=5)
    _check(images, seeds)
    parts = [] if len(images) else [images.clone()]
    step = max(1, PIXELS_AT_ONCE // (images.shape[2] * images.shape[3]))
    for start in range(0, len(images), step):
        rows = slice(start, start + step)
        keys = seeds[rows].tolist() if corruption.random else []
        generators = [generator_for(seed, "corruption", name, severity) for seed in keys]
        part = images[rows].contiguous() if corruption.planes else images[rows]
        levels = corruption.function(part, severity, generators)
        if levels.is_floating_point():
            levels = levels.add_(1e-3).clamp_(0, 255).to(torch.uint8)
        parts.append(levels)
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _check(images: Tensor, seeds: Tensor) -> None:
    shape = tuple(images.shape)
    if images.dtype != torch.uint8 or len(shape) != 4 or shape[1] != 3:
        raise InputError(
            f"images of shape {shape} and type {images.dtype}: expected (n, 3, h, w) uint8"
        )
    if images.device.type != "cpu":
        raise InputError(f"images on {images.device}: corrupt them on the CPU, images.cpu()")
    in_range("the shorter side of images", min(shape[2:]), at_least=SMALLEST)
    if seeds.dtype != torch.int64 or tuple(seeds.shape) != shape[:1]:
        raise InputError(
            f"seeds of shape {tuple(seeds.shape)} and type {seeds.dtype}: "
            f"expected ({shape[0]},) int64, one an image"
        )
