"""Modelling in clay: bodies as smooth unions of a few simple solids, meshed by marching cubes.

A body is a list of layers, each some solids that are blended into what is there already, or carved
out of it. Bodies are symmetric about the plane y = 0: only the half with y >= 0 is modelled. x is
forward, z up, and the unit is whatever the body is described in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from causal_ssl.datasets.causal3dident.shapes.packages import package
from causal_ssl.errors import InputError

Points = NDArray[np.float32]
"""(..., 3)."""
Distances = NDArray[np.float32]
"""(...), negative inside; exact near the surface, elsewhere of the right sign and size."""
Vector = tuple[float, float, float]
Ball = tuple[float, float, float, float]
"""Centre and radius."""


class Solid(Protocol):
    """Anything with an inside."""

    def distance(self, points: Points) -> Distances:
        """From its surface."""

    def box(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """The lowest and the highest corner of a box about it."""


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid.

    Attributes:
        centre: its middle.
        radii: along its own axes.
        turn: degrees about x, then y, then z. A positive one about y lowers its front.
    """

    centre: Vector
    radii: Vector
    turn: Vector = (0.0, 0.0, 0.0)

    def distance(self, points: Points) -> Distances:
        """To first order: the implicit function divided by the length of its gradient."""
        turn = Rotation.from_euler("xyz", self.turn, degrees=True).as_matrix().astype(np.float32)
        own = (points - _vector(self.centre)) @ turn / _vector(self.radii)
        level = np.linalg.norm(own, axis=-1)
        slope = np.linalg.norm(own / _vector(self.radii), axis=-1)
        in_middle = slope < 1e-6  # where the quotient is 0 / 0
        outwards = level * (level - 1) / np.where(in_middle, np.float32(1), slope)
        return np.where(in_middle, -np.float32(min(self.radii)), outwards)

    def box(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Loose: of the sphere about it."""
        return np.subtract(self.centre, max(self.radii)), np.add(self.centre, max(self.radii))


@dataclass(frozen=True)
class Bone:
    """What a ball sweeps that moves along a segment while its radius changes."""

    start: Ball
    end: Ball

    def distance(self, points: Points) -> Distances:
        """From the ball at the nearest point of the segment."""
        nearest, along = _on_segment(points, _vector(self.start[:3]), _vector(self.end[:3]))
        radius = self.start[3] + np.float32(self.end[3] - self.start[3]) * along
        return np.linalg.norm(points - nearest, axis=-1) - radius

    def box(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Of the two balls."""
        balls = np.array([self.start, self.end])
        return (
            (balls[:, :3] - balls[:, 3:]).min(axis=0),
            (balls[:, :3] + balls[:, 3:]).max(axis=0),
        )


@dataclass(frozen=True)
class Sheet:
    """A triangle of some thickness, with round edges."""

    corners: tuple[Vector, Vector, Vector]
    thickness: float

    def distance(self, points: Points) -> Distances:
        """From the plane above the triangle, from the nearest edge beside it."""
        a, b, c = (_vector(corner) for corner in self.corners)
        normal = np.cross(b - a, c - a)
        normal /= np.linalg.norm(normal)
        height = (points - a) @ normal
        above = np.ones(points.shape[:-1], dtype=bool)
        beside = np.full(points.shape[:-1], np.inf, dtype=np.float32)
        for start, end in ((a, b), (b, c), (c, a)):
            above &= (points - start) @ np.cross(normal, end - start) >= 0
            nearest, _ = _on_segment(points, start, end)
            beside = np.minimum(beside, np.linalg.norm(points - nearest, axis=-1))
        return np.where(above, np.abs(height), beside) - np.float32(self.thickness / 2)

    def box(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Of the three corners."""
        corners = np.array(self.corners)
        return corners.min(axis=0) - self.thickness / 2, corners.max(axis=0) + self.thickness / 2


@dataclass(frozen=True)
class Layer:
    """Solids that are worked into a body one after another.

    Attributes:
        blend: width of the seam that is smoothed over, 0 for a sharp one.
        solids: in this order.
        carved: taken away instead of added.
    """

    blend: float
    solids: tuple[Solid, ...]
    carved: bool = False


Body = Sequence[Layer]


def ellipsoid(centre: Vector, radii: Vector, *, turn: Vector = (0.0, 0.0, 0.0)) -> list[Solid]:
    """One ellipsoid; see `Ellipsoid`."""
    return [Ellipsoid(centre, radii, turn)]


def limb(*balls: Ball) -> list[Solid]:
    """A chain of bones through balls (x, y, z, radius): a leg, a neck, a tail."""
    return [Bone(start, end) for start, end in pairwise(balls)]


def add(blend: float, *parts: Sequence[Solid]) -> Layer:
    """A layer of solids to add."""
    return Layer(blend, tuple(solid for part in parts for solid in part))


def carve(blend: float, *parts: Sequence[Solid]) -> Layer:
    """A layer of solids to take away."""
    return Layer(blend, tuple(solid for part in parts for solid in part), carved=True)


def polygonised(body: Body, cells: int = 100) -> tuple[NDArray[Any], NDArray[Any]]:
    """The body's surface.

    Args:
        body: its layers.
        cells: of the grid, along the body's longest extent.

    Returns:
        Vertices (v, 3) and triangles (f, 3), closed and counter-clockwise seen from outside.

    Raises:
        InputError: fewer than 8 cells, or nothing was added.

    Examples:
        >>> vertices, faces = polygonised([add(0, ellipsoid((0, 0, 5), (1, 1, 2)))], cells=16)
        >>> (vertices.max(axis=0) - vertices.min(axis=0)).round(1).tolist()
        [2.0, 2.0, 4.0]
    """
    grid = _Grid.about(body, cells)
    depth = grid.distances(body)
    whole = np.concatenate([depth[:, :0:-1], depth], axis=1)
    vertices, faces, _, _ = package("skimage.measure").marching_cubes(
        whole, 0.0, spacing=(grid.step,) * 3, allow_degenerate=False
    )
    corner = grid.origin - [0, (depth.shape[1] - 1) * grid.step, 0]
    return vertices + corner, faces[:, ::-1]


@dataclass(frozen=True)
class _Grid:
    """Points of a cubic lattice; y counts from 0."""

    origin: NDArray[Any]
    shape: tuple[int, int, int]
    step: float

    @classmethod
    def about(cls, body: Body, cells: int) -> "_Grid":
        if cells < 8:
            raise InputError(f"a grid of {cells} cells: expected at least 8")
        boxes = [solid.box() for layer in body if not layer.carved for solid in layer.solids]
        if not boxes:
            raise InputError("a body without solids: add one")
        low = np.min([low for low, _ in boxes], axis=0)
        high = np.max([high for _, high in boxes], axis=0)
        low[1] = 0.0
        step = float((high - low).max()) / cells
        margin = step * np.array([3, 0, 3])  # blends bulge a little; the surface must close
        origin = low - margin
        nx, ny, nz = np.ceil((high - origin) / step).astype(int) + 4
        return cls(origin, (int(nx), int(ny), int(nz)), step)

    def distances(self, body: Body) -> Distances:
        """Of the body; a solid changes them only near itself."""
        axes = [o + self.step * np.arange(n) for o, n in zip(self.origin, self.shape, strict=True)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).astype(np.float32)
        far = np.float32(10 * self.step + max(layer.blend for layer in body))
        depth = np.full(self.shape, far)
        for layer in body:
            for solid in layer.solids:
                near = self._near(solid, float(far))
                apart = solid.distance(points[near])
                depth[near] = (
                    -_smooth_minimum(-depth[near], apart, layer.blend)
                    if layer.carved
                    else _smooth_minimum(depth[near], apart, layer.blend)
                )
        return depth

    def _near(self, solid: Solid, reach: float) -> tuple[slice, ...]:
        low, high = solid.box()
        first = np.floor((low - reach - self.origin) / self.step).astype(int)
        last = np.ceil((high + reach - self.origin) / self.step).astype(int) + 1
        return tuple(slice(i, j) for i, j in zip(first.clip(0), last.clip(0), strict=True))


def _smooth_minimum(a: Distances, b: Distances, blend: float) -> Distances:
    """The minimum; where the two differ by less than `blend`, rounded off below it."""
    if blend == 0:
        return np.minimum(a, b)
    overlap = np.maximum(np.float32(blend) - np.abs(a - b), 0)
    return np.minimum(a, b) - overlap * overlap / np.float32(4 * blend)


def _on_segment(points: Points, start: Points, end: Points) -> tuple[Points, Distances]:
    """The nearest points of a segment, and how far along it they lie, in [0, 1]."""
    direction = end - start
    along: Distances = np.clip((points - start) @ direction / (direction @ direction), 0, 1)
    return start + along[..., None] * direction, along


def _vector(values: Sequence[float]) -> Points:
    return np.asarray(values, dtype=np.float32)
