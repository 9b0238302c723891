"""A triangle mesh, as both renderers take it."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal_ssl.errors import InputError

RADIUS = 1.5
"""Of the sphere about the origin that every object fits, before the scene scales it."""

Floats = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh with smooth normals; x forward, z up.

    Attributes:
        vertices: (v, 3) float32.
        faces: (f, 3) int32, counter-clockwise seen from outside.
        normals: (v, 3) float32, of unit length, pointing outwards.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    normals: NDArray[np.float32]

    @property
    def radius(self) -> float:
        """Of the sphere about the origin that holds the mesh."""
        return float(np.linalg.norm(self.vertices, axis=1).max())

    @property
    def volume(self) -> float:
        """Of what the mesh encloses; negative where its faces look inwards."""
        return _volume(self.vertices.astype(np.float64), self.faces)

    @property
    def digest(self) -> str:
        """SHA-256 of vertices, faces and normals: tells whether images show the same mesh."""
        arrays = (self.vertices, self.faces, self.normals)
        return sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def from_triangles(
    vertices: object, faces: object, *, radius: float | None = RADIUS, what: str = "mesh"
) -> Mesh:
    """A mesh from triangles, in the place and size that renderers expect.

    Vertices at the same place become one, and what is no triangle then is dropped, as is a vertex
    in no triangle. Where the triangles look inwards on the whole, all of them are turned round. A
    vertex's normal is the mean of its triangles', weighted by area.

    Args:
        vertices: (v, 3), in any unit.
        faces: (f, 3) indices of vertices.
        radius: the bounding box is centred on the origin and the farthest vertex lies this far from
            it; None leaves the vertices where they are.
        what: names the mesh in errors.

    Raises:
        InputError: other shapes, no triangles, a coordinate that is not a finite number, an index
            without a vertex.

    Examples:
        >>> corners = [[0, 0, 0], [2, 0, 0], [0, 2, 0], [0, 0, 2]]
        >>> mesh = from_triangles(corners, [[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
        >>> mesh.vertices[0], round(mesh.radius, 6), mesh.volume > 0
        (array([-0.8660254, -0.8660254, -0.8660254], dtype=float32), 1.5, True)
    """
    points, triangles = _welded(*_checked(vertices, faces, what), what)
    if radius is not None:
        centred = points - _middle(points)
        points = centred * (radius / np.linalg.norm(centred, axis=1).max())
    if _volume(points, triangles) < 0:
        triangles = triangles[:, ::-1]
    return Mesh(
        points.astype(np.float32),
        np.ascontiguousarray(triangles, dtype=np.int32),
        _normals(points, triangles).astype(np.float32),
    )


def _checked(vertices: object, faces: object, what: str) -> tuple[Floats, Integers]:
    points, triangles = np.asarray(vertices, dtype=np.float64), np.asarray(faces)
    if triangles.size == 0:
        raise InputError(f"{what} has no triangles: expected at least one")
    for name, rows in (("vertices", points), ("faces", triangles)):
        if rows.ndim != 2 or rows.shape[1] != 3:
            raise InputError(f"{what}: {name} of shape {rows.shape}, expected (n, 3)")
    bad = np.argwhere(~np.isfinite(points))
    if len(bad):
        row, column = bad[0]
        raise InputError(
            f"{what}: coordinate {'xyz'[column]} of vertex {row} is {points[row, column]}, "
            "expected a finite number"
        )
    outside = triangles[(triangles < 0) | (triangles >= len(points))]
    if len(outside):
        raise InputError(f"{what}: a face names vertex {outside[0]} of {len(points)}")
    return points, triangles


def _welded(points: Floats, triangles: Integers, what: str) -> tuple[Floats, Integers]:
    """One vertex a place, each in a triangle; three places a triangle."""
    places, place = np.unique(points, axis=0, return_inverse=True)
    triangles = place.reshape(-1)[triangles]
    whole = (triangles != np.roll(triangles, 1, axis=1)).all(axis=1)
    if not whole.any():
        raise InputError(f"{what} has no triangles: the corners of its faces coincide")
    used, corners = np.unique(triangles[whole], return_inverse=True)
    return places[used], corners.reshape(-1, 3)


def _middle(points: Floats) -> Floats:
    middle: Floats = (points.max(axis=0) + points.min(axis=0)) / 2
    return middle


def _volume(points: Floats, triangles: Integers) -> float:
    # Seen from the middle, so that an open mesh has a sensible sign too.
    a, b, c = np.moveaxis(points[triangles] - _middle(points), 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6


def _normals(points: Floats, triangles: Integers) -> Floats:
    a, b, c = np.moveaxis(points[triangles], 1, 0)
    of_triangles = np.cross(b - a, c - a)  # as long as twice the area
    sums = np.zeros_like(points)
    for corner in triangles.T:
        np.add.at(sums, corner, of_triangles)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    # Where triangles cancel or have no area there is no better guess than away from the middle.
    away = points - _middle(points) + [0, 0, np.finfo(float).tiny]
    sums = np.where(lengths > 1e-12 * lengths.max(), sums, away)
    return sums / np.linalg.norm(sums, axis=1, keepdims=True)
