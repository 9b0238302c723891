"""Frost on a window pane, made: fern-like crystals that branch at fixed angles, over a rime.

A crystal is a spine that leaves its root in a random direction and bends, with branches on both
sides at nearly 60 degrees that shorten towards the tip, and barbs on the branches parallel to the
spine: what ice does when it grows from vapour on glass. Crystals overlap; light from a corner gives
them relief. Nothing here is random to a caller: five textures, always the same.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from causal_ssl.datasets.corruptions._filters import PUBLISHED_SIZE, smoothed
from causal_ssl.datasets.corruptions._plasma import plasma
from causal_ssl.randomness import generator_for

DRAWN = 512
"""Pixels a side of a texture as it is drawn, beside images of 224."""


@dataclass(frozen=True)
class _Pane:
    """Tones (mean and deviation, about those of the five published photographs) and growth."""

    mean: tuple[float, float, float]
    deviation: float
    crystals: int
    length: float  # of the longest spine, in pixels
    rime: float  # weight of the fine grain between crystals


_PANES = (
    _Pane((90, 150, 165), 24, 220, 60, 0.9),
    _Pane((201, 206, 214), 22, 420, 70, 0.3),
    _Pane((196, 204, 214), 24, 260, 110, 0.4),
    _Pane((138, 153, 165), 30, 300, 45, 0.7),
    _Pane((112, 123, 135), 43, 180, 80, 0.35),
)
TEXTURES = len(_PANES)


@lru_cache(maxsize=4)
def frost_textures(height: int, width: int) -> Tensor:
    """Textures (5, 3, H, W) float32 in levels from which windows of an image are cut.

    H and W are larger than height and width; crystals are as long beside the shorter side as they
    are beside 224 pixels.
    """
    scale = min(height, width) / PUBLISHED_SIZE
    drawn = torch.stack([_texture(k) for k in range(TEXTURES)])
    # A long image sees the pane repeated, mirrored.
    need = [int(1.5 * side / scale) for side in (height, width)]
    for axis, side in zip((2, 3), need, strict=True):
        while drawn.shape[axis] < side:
            drawn = torch.cat([drawn, drawn.flip(axis)], dim=axis)
    sides = zip(drawn.shape[2:], (height, width), strict=True)
    size = [max(int(length * scale), side + 1) for length, side in sides]
    resized = interpolate(drawn, size, mode="bilinear", antialias=True)
    return resized.clamp_(0, 255)


@lru_cache(maxsize=TEXTURES)
def _texture(k: int) -> Tensor:
    """(3, DRAWN, DRAWN) float32."""
    pane, generator = _PANES[k], generator_for(k, "frost")
    ice = smoothed(_crystals(pane, generator), 0.6)
    relief = smoothed(ice - ice.roll((2, 1), (0, 1)), 0.5)
    grain = smoothed(torch.randn(DRAWN, DRAWN, generator=generator), 1.0)
    clouds = smoothed(plasma([generator], DRAWN, 1.9)[0], 4.0)
    pattern = _standard(ice) + 0.8 * _standard(relief) + pane.rime * _standard(grain)
    pattern = _standard(_standard(pattern) + 0.8 * _standard(clouds)).clamp_(-3, 3)
    # Thick ice is white, thin ice takes the tint of what is behind.
    whiter = torch.tensor([1.15, 1.0, 0.9]).view(3, 1, 1)
    return torch.tensor(pane.mean).view(3, 1, 1) + pane.deviation * whiter * pattern


def _standard(plane: Tensor) -> Tensor:
    return (plane - plane.mean()) / plane.std()


def _crystals(pane: _Pane, generator: torch.Generator) -> Tensor:
    """Thickness of the ice (DRAWN, DRAWN), in [0, 1), borders joined."""
    canvas = torch.zeros(DRAWN * DRAWN)
    for _ in range(pane.crystals):
        u = torch.rand(5, generator=generator).tolist()
        points, weights = _fern(pane.length * (0.3 + 0.7 * u[0] ** 2), 6.2832 * u[1], u[2] - 0.5)
        places = (points + DRAWN * torch.tensor(u[3:])).long().remainder(DRAWN)
        canvas.index_add_(0, places[:, 0] * DRAWN + places[:, 1], weights * (0.5 + u[2]))
    return 1 - torch.exp(-0.6 * canvas.view(DRAWN, DRAWN))


def _fern(length: float, direction: float, bend: float) -> tuple[Tensor, Tensor]:
    """Points (p, 2) of one crystal from its root, pixels, and how thick each is (p,)."""
    along = torch.arange(0, length, 0.7)
    angles = direction + bend * along / length
    steps = 0.7 * torch.stack([angles.sin(), angles.cos()], dim=1)
    spine = steps.cumsum(dim=0)
    left = 1 - along / length
    points, weights = [spine], [2 * left + 0.3]
    for side in (-1.0, 1.0):
        roots, reach = spine[3::5], 0.38 * length * left[3::5] ** 0.8
        branches = _rays(roots, angles[3::5] + side * 1.0, reach)
        points.append(branches[0])
        weights.append(branches[1])
        barbs = slice(2, None, 4)
        ends, heading = branches[0][barbs], branches[2][barbs] - side * 1.0
        fine = _rays(ends, heading, 4.0 * branches[1][barbs])
        points.append(fine[0])
        weights.append(0.6 * fine[1])
    return torch.cat(points), torch.cat(weights)


def _rays(roots: Tensor, angles: Tensor, reach: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Points at every 0.7 pixels of rays, how thick (falling to 0 at the tip), and their angles."""
    steps = torch.arange(0.7, max(float(reach.max()), 1.0), 0.7)
    directions = torch.stack([angles.sin(), angles.cos()], dim=1)
    points = roots[:, None] + steps[:, None] * directions[:, None]
    inside = steps < reach[:, None]
    thick = 1 - steps / reach[:, None].clamp(min=0.1)
    return points[inside], thick[inside], angles[:, None].expand(-1, len(steps))[inside]
