"""Clouds, frost, snow and spatter: their rules on plain images, their parts against scipy."""

import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from causal_ssl.datasets.corruptions import corrupt, spatter
from causal_ssl.datasets.corruptions._filters import gaussian_taps
from causal_ssl.datasets.corruptions._frost import frost_textures
from causal_ssl.datasets.corruptions._plasma import plasma
from causal_ssl.randomness import generator_for


def grey(level: int, size: int, n: int = 2) -> torch.Tensor:
    return torch.full((n, 3, size, size), level, dtype=torch.uint8)


def test_clouds_without_roughness_are_means_of_corners() -> None:
    clouds = plasma([generator_for(1), generator_for(2)], 8, decay=1e9)
    corners = clouds[:, ::4, ::4]
    right, below = corners.roll(-1, 2), corners.roll(-1, 1)
    middles = (corners + right + below + right.roll(-1, 1)) / 4
    torch.testing.assert_close(clouds[:, 2::4, 2::4], middles, atol=1e-5, rtol=0)
    edges = (corners + right + middles + middles.roll(1, 1)) / 4
    torch.testing.assert_close(clouds[:, ::4, 2::4], edges, atol=1e-5, rtol=0)
    sides = (corners + below + middles + middles.roll(1, 2)) / 4
    torch.testing.assert_close(clouds[:, 2::4, ::4], sides, atol=1e-5, rtol=0)


def test_clouds_cover_the_range_and_roughen_with_less_decay() -> None:
    roughness = []
    for decay in (2.0, 1.4):
        clouds = plasma([generator_for(k) for k in range(20)], 64, decay)
        assert bool((clouds.amin((1, 2)) == 0).all())
        assert bool((clouds.amax((1, 2)) == 1).all())
        roughness.append(float(clouds.diff(dim=2).std()))
    assert roughness[0] < 0.7 * roughness[1]


@pytest.mark.parametrize("size", [32, 64])
def test_fog_reaches_from_the_dimmed_image_to_its_maximum(size: int) -> None:
    """Sizes that are powers of two show the whole map, which covers [0, 1]."""
    fog = corrupt(grey(100, size), "fog", 1, seeds=torch.arange(2))
    full, thickness = 100 / 255, 1.5
    darkest = 255 * full * full / (full + thickness)
    brightest = 255 * (full + thickness) * full / (full + thickness)
    assert fog.amin((1, 2, 3)).tolist() == [int(darkest)] * 2
    assert fog.amax((1, 2, 3)).tolist() == [round(brightest)] * 2


@pytest.mark.parametrize("shape", [(28, 28), (64, 64), (224, 224), (40, 100)])
def test_frost_textures_are_wintry(shape: tuple[int, int]) -> None:
    textures = frost_textures(*shape)
    assert textures.shape[:2] == (5, 3)
    assert all(side > wanted for side, wanted in zip(textures.shape[2:], shape, strict=True))
    assert 0 <= float(textures.min()) < float(textures.max()) <= 255
    red, green, blue = textures.mean((0, 2, 3)).tolist()
    assert red < green < blue
    assert 110 < green < 190


def test_frost_is_a_window_of_a_texture_over_the_image() -> None:
    textures = frost_textures(32, 32).flatten(0, 1)
    frost = corrupt(grey(40, 32), "frost", 2, seeds=torch.tensor([3, 4]))
    windows = textures.view(5, 3, *textures.shape[1:]).unfold(2, 32, 1).unfold(3, 32, 1)
    expected = (0.8 * 40 + 0.6 * windows + 1e-3).clamp(0, 255).floor()
    for image in frost:
        apart = (expected - image[:, None, None]).abs().amax((1, 4, 5))
        assert float(apart.min()) == 0


def test_snow_falls_twice() -> None:
    """On one level the picture is the same upside down, and nowhere below the whitened level."""
    snow = corrupt(grey(60, 64, 4), "snow", 2, seeds=torch.arange(4))
    assert torch.equal(snow, snow.flip(2, 3))
    whitened = 0.7 * 60 + 0.3 * (1.5 * 60 + 127.5)
    assert int(snow.min()) == int(whitened)
    assert int(snow.max()) > 200


def test_snow_falls_down() -> None:
    """Flakes are smeared along the fall: neighbours above differ less than those beside."""
    snow = corrupt(grey(60, 224, 4), "snow", 3, seeds=torch.arange(4)).float()
    assert float(snow.diff(dim=2).abs().mean()) < 0.8 * float(snow.diff(dim=3).abs().mean())


@pytest.mark.parametrize("size", [112, 224])
def test_as_much_mud_at_every_size(size: int) -> None:
    """Before its rim is cut: the tail of a normal law beyond the threshold."""
    images = grey(255, size, 6)
    mud = (corrupt(images, "spatter", 5, seeds=torch.arange(6))[:, 2] < 250).double().mean()
    noise = 0.4 * float(gaussian_taps(1).square().sum())
    above = stats.norm.sf(0.65, loc=0.67, scale=noise)
    assert 0.1 < float(mud) < above


def test_drops_brighten_towards_turquoise() -> None:
    wet = corrupt(grey(10, 224), "spatter", 2, seeds=torch.arange(2)).float() - 10
    assert float(wet.min()) == 0
    red, green, blue = wet.mean((0, 2, 3)).tolist()
    assert green == blue
    assert red / green == pytest.approx(175 / 238, abs=0.03)


def test_distances_are_those_of_scipy() -> None:
    edges = torch.rand(3, 50, 70, generator=generator_for(7)) < 0.002
    edges[0, 10, 20] = True
    for plane, seen in zip(edges, spatter._capped_distance(edges), strict=True):
        expected = np.full(plane.shape, 20.0)
        if plane.any():
            expected = np.minimum(ndimage.distance_transform_edt(~plane.numpy()), 20)
        np.testing.assert_allclose(seen, expected, atol=1e-5)


def test_edges_follow_the_outline_of_a_step() -> None:
    """A block 173 levels high has one closed line, a pixel wide; one of 10 levels has none."""
    levels = torch.zeros(2, 40, 40)
    levels[0, 10:30, 12:32], levels[1, 10:30, 12:32] = 173.0, 10.0
    edges = spatter._edges(levels)
    assert not bool(edges[1].any())
    _, pieces = ndimage.label(~edges[0].numpy())
    assert pieces == 2
    assert 60 <= int(edges[0].sum()) <= 84


def test_equalising_by_hand() -> None:
    """Counts 2, 1, 1: levels become 0, 255 (1 / 2), 255 (2 / 2)."""
    levels = torch.tensor([[[3.0, 3.0], [9.0, 200.0]]])
    assert spatter._equalised(levels).tolist() == [[[0.0, 0.0], [128.0, 255.0]]]
