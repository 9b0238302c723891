"""Blurs against scipy's filters and against loops that follow the published definitions."""

from math import ceil, cos, radians, sin

import numpy as np
import pytest
import torch
from scipy import ndimage

from causal_ssl.datasets.corruptions import corrupt
from causal_ssl.datasets.corruptions._filters import motion_blurred
from causal_ssl.datasets.corruptions.blur import copied_from, disk
from causal_ssl.randomness import generator_for

ONE = torch.zeros(1, dtype=torch.int64)


def scene(size: int) -> torch.Tensor:
    return torch.randint(
        256, (1, 3, size, size), dtype=torch.uint8, generator=generator_for(1, "scene")
    )


def assert_truncated(levels: torch.Tensor, exact: np.ndarray) -> None:
    """Levels are the exact values rounded down, up to float32's rounding."""
    apart = exact - levels.numpy()
    assert apart.min() > -2e-3
    assert apart.max() < 1 + 1e-3


@pytest.mark.parametrize(("severity", "sigma"), list(enumerate((1, 2, 3, 4, 6), start=1)))
def test_gaussian_blur(severity: int, sigma: int) -> None:
    images = scene(224)
    exact = ndimage.gaussian_filter(images[0].double(), (0, sigma, sigma), mode="nearest")
    assert_truncated(corrupt(images, "gaussian_blur", severity, seeds=ONE)[0], exact)


@pytest.mark.parametrize(("severity", "radius", "rim"), [(1, 3, 0.1), (4, 8, 0.5), (5, 10, 0.5)])
def test_defocus_blur(severity: int, radius: int, rim: float) -> None:
    """A disk softened by a Gaussian cut to 3 x 3 (5 x 5 above a radius of 8), then correlated."""
    half, reach = max(8, radius), 1 if radius <= 8 else 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    kernel = ((x**2 + y**2) <= radius**2).astype(float)
    kernel /= kernel.sum()
    taps = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * rim**2))
    for axis in (0, 1):
        kernel = ndimage.correlate1d(kernel, taps / taps.sum(), axis, mode="mirror")
    images = scene(224)
    exact = np.stack([ndimage.correlate(c, kernel, mode="mirror") for c in images[0].double()])
    assert_truncated(corrupt(images, "defocus_blur", severity, seeds=ONE)[0], exact)


@pytest.mark.parametrize("scale", [0.125, 0.3, 1.0, 1.5])
def test_disks_keep_their_part_of_the_image(scale: float) -> None:
    """Second moment r^2 / 4 of a disk; its rim adds at most 0.25, sharing pixels at most 0.25."""
    kernel = disk(3, scale).double()
    offsets = torch.arange(-(len(kernel) // 2), len(kernel) // 2 + 1).double()
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-5)
    spread = float((kernel.sum(0) * offsets**2).sum())
    disk_alone = (6 * scale) ** 2 / 4
    assert 0.95 * disk_alone < spread < 1.02 * disk_alone + 0.5


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_zoom_blur(severity: int) -> None:
    last, step = {1: (1.11, 0.01), 3: (1.21, 0.02), 5: (1.31, 0.03)}[severity]
    images = scene(96)
    image = images[0].double().numpy()
    total, factors = image.copy(), np.arange(1, last, step)
    for factor in factors:
        inner = ceil(96 / factor)
        top = (96 - inner) // 2
        window = image[:, top : top + inner, top : top + inner]
        zoomed = ndimage.zoom(window, (1, factor, factor), order=1)
        cut = (zoomed.shape[1] - 96) // 2
        total += zoomed[:, cut : cut + 96, cut : cut + 96]
    exact = total / (len(factors) + 1)
    assert_truncated(corrupt(images, "zoom_blur", severity, seeds=ONE)[0], exact)


@pytest.mark.parametrize("angle", [-45.0, -10.0, 33.0, -100.0])
def test_motion_blur_is_a_sum_along_a_ray(angle: float) -> None:
    image = torch.rand(1, 40, 40, generator=generator_for(2))
    weights = np.exp(-(np.arange(21) ** 2) / (2 * 3.0**2))
    expected = np.zeros((40, 40))
    for i, weight in enumerate(weights / weights.sum()):
        down = ceil(i * sin(radians(angle)) - 0.5)
        right = ceil(i * cos(radians(angle)) - 0.5)
        rows = np.clip(np.arange(40) + down, 0, 39)
        columns = np.clip(np.arange(40) + right, 0, 39)
        expected += weight * image[0].numpy()[rows][:, columns]
    blurred = motion_blurred(image, 10, 3, angle, 1.0)[0]
    np.testing.assert_allclose(blurred, expected, atol=1e-5)


@pytest.mark.parametrize("reach", [1, 2, 4])
def test_pixels_overwritten_one_after_the_other(reach: int) -> None:
    generator = generator_for(3, reach)
    moves = torch.randint(-reach, reach, (2, 2, 24, 30), generator=generator)
    source = copied_from(moves, reach)
    for i in range(2):
        pixels = np.arange(24 * 30).reshape(24, 30)
        for y in range(24 - reach, reach, -1):
            for x in range(30 - reach, reach, -1):
                right, down = moves[i, :, y, x].tolist()
                pixels[y, x] = pixels[y + down, x + right]
        np.testing.assert_array_equal(source[i], pixels)


def test_glass_moves_pixels_only_as_far_as_it_may() -> None:
    """One pass of up to 2 pixels at severity 2: far from an edge nothing is."""
    images = torch.zeros(1, 3, 224, 224, dtype=torch.uint8)
    images[..., 112:] = 200
    glass = corrupt(images, "glass_blur", 2, seeds=ONE)
    # Chains of copies go a few moves far, the Gaussian twice 4 sigma.
    assert bool((glass[..., :80] == 0).all())
    assert bool((glass[..., 144:] == 200).all())
    column = glass[0, 0, 8:-8, 112].float()
    assert float(column.std()) > 20
