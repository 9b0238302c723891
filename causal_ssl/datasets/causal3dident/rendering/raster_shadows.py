"""How the lamps see the object: points on each lamp, and the window that its shadow tiles show.

From every point of a lamp the object's depth is drawn into a tile. The tiles of one lamp lie in one
plane, through the object's centre and square to the lamp's axis; `shaders/soft_shadow.glsl` says
what that buys.
"""

from dataclasses import dataclass
from math import pi, sqrt, tan

import numpy as np
from numpy.typing import NDArray

from causal_ssl.datasets.causal3dident.rendering.raster_camera import axes
from causal_ssl.datasets.causal3dident.scene import Scene

Floats = NDArray[np.float64]

SPOT, AREA, SUN = range(3)
"""The lamps by index."""
POINTS = (32, 24, 24)
"""Points, and so tiles, of each lamp."""
TILE = 64
"""Pixels a side of a tile."""

NEAREST = 0.02
"""Nearest that a lamp's tiles see, as a share of the distance to their plane."""
AREA_REACH = 5.0
"""The area lamp casts shadows up to this slope from its axis: 57 lengths wide on the ground, where
its light has faded to 1/670."""


@dataclass(frozen=True, eq=False)
class Lamp:
    """One lamp as it stands to the object of one image.

    Attributes:
        frame: (3, 3), rows: two axes across and one along its direction.
        plane: (3,), where the tiles' plane meets its axis.
        curvature: 1 / distance from the lamp to that plane; 0 for the sun.
        spread: how far its points move what is 1 behind the plane, along either axis.
        reach: half the side of what it lights in the plane.
    """

    frame: Floats
    plane: Floats
    curvature: float
    spread: float
    reach: float = np.inf


@dataclass(frozen=True, eq=False)
class View:
    """What the shaders know of a lamp.

    Attributes:
        projection: (4, 4), world to a tile's clip space, from the middle of the lamp.
        beyond: (4,), world to the distance behind the tiles' plane.
        spread: (2,), of the lamp's points, in tiles.
    """

    projection: Floats
    beyond: Floats
    spread: Floats


def points() -> Floats:
    """Points on the lamps: (sum of `POINTS`, 2), in units of radius or half side.

    On disks a sunflower's spiral, on the square a lattice by the golden ratio: evenly spread, for
    any count.

    Examples:
        >>> points().shape, bool((abs(points()) <= 1).all())
        ((80, 2), True)
    """
    spot, area, sun = POINTS
    return np.concatenate([_disk(spot), _square(area), _disk(sun)])


GOLDEN = (sqrt(5) - 1) / 2


def _disk(count: int) -> Floats:
    i = np.arange(count) + 0.5
    angle, radius = 2 * pi * GOLDEN * i, np.sqrt(i / count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _square(count: int) -> Floats:
    i = np.arange(count) + 0.5
    return 2 * np.stack([i / count, i * GOLDEN % 1], axis=1) - 1


def lamps(scene: Scene, spotlight: Floats, target: Floats) -> tuple[Lamp, Lamp, Lamp]:
    """Spotlight, area lamp and sun for one image.

    Args:
        scene: its numbers.
        spotlight: (3,), its position.
        target: (3,), the object's centre.
    """
    lights = scene.lamps
    down = axes([0, 0, -1], up=[1, 0, 0])
    distance = float(np.linalg.norm(target - spotlight))
    below = max(lights.area_height - target[2], 1.0)
    return (
        Lamp(
            axes(target - spotlight, up=[1, 0, 0]),
            target,
            1 / distance,
            lights.spot_radius / distance,
            distance * tan(lights.spot_cone / 2) + lights.spot_radius,
        ),
        Lamp(
            down,
            np.array([0, 0, lights.area_height - below]),
            1 / below,
            lights.area_size / 2 / below,
            AREA_REACH * below,
        ),
        Lamp(down, target, 0.0, tan(lights.sun_angle / 2)),
    )


def view(lamp: Lamp, vertices: Floats) -> View:
    """The smallest window that holds the object from all points of a lamp, within its reach.

    Args:
        lamp: see `Lamp`.
        vertices: (v, 3), of the object, in the world.
    """
    across, beyond = np.split((vertices - lamp.plane) @ lamp.frame.T, [2], axis=1)
    scale = 1 + lamp.curvature * beyond  # distance from the lamp, in distances to the plane
    if scale.min() < NEAREST:  # what surrounds the lamp is taken as being as near as can be seen
        scale = np.full_like(scale, NEAREST)
    shift = lamp.spread * abs(beyond) / scale
    low = np.clip((across / scale - shift).min(axis=0), -lamp.reach, lamp.reach)
    high = np.clip((across / scale + shift).max(axis=0), -lamp.reach, lamp.reach)
    middle, half = (low + high) / 2, (high - low) / 2 / (1 - 4 / TILE) + 1e-3
    first = beyond.min() - 0.1
    if lamp.curvature:
        first = max(first, (NEAREST - 1) / lamp.curvature)
    return _view(lamp, middle, half, first, max(float(beyond.max()), first) + 0.1)


def _view(lamp: Lamp, middle: Floats, half: Floats, first: float, last: float) -> View:
    """The window's matrices: depths `first` to `last` behind the plane fill clip space."""
    rows = np.concatenate([lamp.frame, -lamp.frame @ lamp.plane[:, None]], axis=1)
    beyond = rows[2]
    w = lamp.curvature * beyond + [0, 0, 0, 1]
    at_first, at_last = 1 + lamp.curvature * first, 1 + lamp.curvature * last
    steep = (at_first + at_last) / (last - first)
    depth = steep * beyond + [0, 0, 0, at_last - steep * last]
    x, y = ((rows[axis] - middle[axis] * w) / half[axis] for axis in range(2))
    return View(np.stack([x, y, depth, w]), beyond, lamp.spread / half)
