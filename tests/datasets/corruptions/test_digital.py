"""Tone against colorsys, means by hand, the other codec; elastic against scipy."""

import colorsys

import numpy as np
import pytest
import torch
from scipy import ndimage

from causal_ssl.datasets.corruptions import corrupt, digital
from causal_ssl.datasets.corruptions._filters import smoothed
from causal_ssl.randomness import generator_for

ONE = torch.zeros(1, dtype=torch.int64)


def colours() -> torch.Tensor:
    """(1, 3, 32, 32) uint8: random colours, some of them grey, black or white."""
    pixels = torch.randint(256, (3, 1024), generator=generator_for(4, "colours"))
    pixels[:, :20] = pixels[:1, :20]
    pixels[:, 20], pixels[:, 21] = 0, 255
    return pixels.view(1, 3, 32, 32).to(torch.uint8)


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("name", ["brightness", "saturate"])
def test_tone_in_hsv(name: str, severity: int) -> None:
    factor, shift = ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2))[severity - 1]
    images = colours()
    seen = corrupt(images, name, severity, seeds=ONE).view(3, -1).T.tolist()
    for rgb, levels in zip(images.view(3, -1).T.tolist(), seen, strict=True):
        h, s, v = colorsys.rgb_to_hsv(*(level / 255 for level in rgb))
        if name == "brightness":
            v = min(v + severity / 10, 1)
        elif v > 0:
            s = min(s * factor + shift, 1)
        exact = [255 * level for level in colorsys.hsv_to_rgb(h, s, v)]
        assert all(-2e-3 < e - x < 1 for e, x in zip(exact, levels, strict=True)), (rgb, levels)


@pytest.mark.parametrize(("severity", "left"), list(enumerate((0.4, 0.3, 0.2, 0.1, 0.05), start=1)))
def test_contrast(severity: int, left: float) -> None:
    images = colours()
    image = images[0].double()
    exact = image.mean((1, 2), keepdim=True) * (1 - left) + image * left
    apart = exact - corrupt(images, "contrast", severity, seeds=ONE)[0]
    assert float(apart.min()) > -2e-3
    assert float(apart.max()) < 1


def test_pixelate_takes_means_of_boxes() -> None:
    """At half the size, 2 x 2 pixels: rounded after columns and after rows, as Pillow does."""
    images = colours()
    rows = np.floor(images[0].double().reshape(3, 32, 16, 2).mean(3).numpy() + 0.5)
    means = np.floor(rows.reshape(3, 16, 2, 16).mean(2) + 0.5)
    expected = means.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_array_equal(corrupt(images, "pixelate", 2, seeds=ONE)[0], expected)


@pytest.mark.parametrize(("severity", "blocks"), [(1, 38), (3, 25), (5, 16)])
def test_pixelate_leaves_a_fraction_of_the_rows(severity: int, blocks: int) -> None:
    ramp = torch.arange(64, dtype=torch.uint8).mul(3).expand(1, 3, 64, 64)
    assert len(corrupt(ramp, "pixelate", severity, seeds=ONE)[0, 0, 0].unique()) == blocks


@pytest.mark.parametrize("severity", range(1, 6))
def test_jpeg_is_that_of_the_other_codec(severity: int) -> None:
    images = smoothed(colours().float(), 1.5).to(torch.uint8)
    quality = (25, 18, 15, 10, 7)[severity - 1]
    io = pytest.importorskip("torchvision.io")
    expected = io.decode_jpeg(io.encode_jpeg(images[0], quality))
    assert torch.equal(corrupt(images, "jpeg_compression", severity, seeds=ONE)[0], expected)


@pytest.mark.parametrize("name", ["pixelate", "jpeg_compression", "contrast"])
def test_the_layout_in_memory_does_not_matter(name: str) -> None:
    images = colours()
    last = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(*(corrupt(each, name, 3, seeds=ONE) for each in (images, last)))


@pytest.mark.parametrize(("about_pixel", "mode"), [(True, "mirror"), (False, "reflect")])
def test_sampling_and_its_borders(about_pixel: bool, mode: str) -> None:
    generator = generator_for(5)
    images = torch.rand(1, 2, 20, 30, generator=generator)
    y, x = np.mgrid[:20, :30]
    shifts = 12 * torch.rand(2, 20, 30, generator=generator).numpy() - 6
    places = np.stack([x + shifts[0], y + shifts[1]])
    sampled = digital._sampled(images, torch.from_numpy(places).float()[None], about_pixel)
    for channel, seen in zip(images[0].numpy(), sampled[0], strict=True):
        expected = ndimage.map_coordinates(channel, places[::-1], order=1, mode=mode)
        np.testing.assert_allclose(seen, expected, atol=1e-4)


@pytest.mark.parametrize("sigma", [2.44, 19.52, 170.8])
def test_smoothing_with_reflected_borders(sigma: float) -> None:
    plane = torch.rand(224, 224, generator=generator_for(6))
    expected = ndimage.gaussian_filter(plane.double(), sigma, mode="reflect", truncate=3)
    np.testing.assert_allclose(smoothed(plane, sigma, 3, "reflect"), expected, atol=1e-5)


def test_the_corners_of_the_square_move() -> None:
    moves = torch.tensor([[[3.0, -2], [1, 4], [-5, 0]]])
    corners = torch.tensor([[40.0 + 13, 20 + 13], [40 + 13, 20 - 13], [40 - 13, 20 - 13]])
    source = digital._affine_sources(moves, 40, 80)[0]
    back = torch.cat([corners + moves[0], torch.ones(3, 1)], dim=1) @ source.T
    torch.testing.assert_close(back, corners, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [64, 224])
def test_elastic_moves_by_the_same_part_of_the_image(size: int) -> None:
    """A ramp shows its displacement; as a part of the image its spread is one at all sizes.

    At severity 5 the smoothed noise moves pixels by 29.28 / sqrt(3) times its gain
    1 / (2 sqrt(pi) 2.44) = 1.96 pixels of 224; the affine map moves corners by 4.88 / sqrt(3).
    """
    ramp = torch.linspace(0, 255, size)[None, None, None].expand(6, 3, size, size)
    images = ramp.to(torch.uint8)
    moved = corrupt(images, "elastic_transform", 5, seeds=torch.arange(6)).float()
    inner = slice(size // 5, -(size // 5))
    shifts = (moved - images)[:, 0, inner, inner] / 255 * 224
    rough = shifts - smoothed(shifts, size / 20)
    assert 1.96 * 0.75 < float(rough.std()) < 1.96 * 1.15
