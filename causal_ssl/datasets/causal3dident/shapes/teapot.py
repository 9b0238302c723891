"""The teapot, from Newell's Bezier patches.

It is a surface, not a solid: lid and rim do not touch, spout and handle pass through the body's
wall, and the spout is open.
"""

from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TURNED = ("rim", "body", "lid", "bottom")
"""Parts given by a quarter; of the others one half is given, with y <= 0."""


def teapot(cells: int = 10) -> tuple[NDArray[Any], NDArray[Any]]:
    """The teapot, spout forwards.

    Args:
        cells: squares along each side of a patch; 10 give 6320 triangles.

    Returns:
        Vertices (v, 3) and triangles (f, 3), counter-clockwise seen from outside; patches
        repeat the vertices that they share.

    Examples:
        >>> vertices, faces = teapot(cells=4)
        >>> vertices.min(axis=0).tolist(), vertices.max(axis=0).tolist()
        ([-3.0, -2.0, 0.0], [3.428125, 2.0, 3.15])
    """
    weights = _bernstein(cells)
    points, triangles, first = [], [], 0
    for part, control in _patches():
        patch = np.einsum("ui,vj,ijc->uvc", weights, weights, control).reshape(-1, 3)
        for flip_x, flip_y in _mirrors(part):
            points.append(patch * [flip_x, flip_y, 1])
            triangles.append(_squares(cells, clockwise=flip_x * flip_y < 0) + first)
            first += len(patch)
    # Patches meet exactly once rounding is out of the way.
    return np.concatenate(points).round(6), np.concatenate(triangles)


@lru_cache(maxsize=1)
def _patches() -> list[tuple[str, NDArray[Any]]]:
    """Part and (4, 4, 3) control points of each patch."""
    with (files(__package__) / "newell_teapot.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, comment="#")
    return [
        (str(patch["part"].iloc[0]), patch[["x", "y", "z"]].to_numpy(float).reshape(4, 4, 3))
        for _, patch in table.groupby("patch")
    ]


def _mirrors(part: str) -> list[tuple[int, int]]:
    return [(x, y) for x in ((1, -1) if part in TURNED else (1,)) for y in (1, -1)]


def _bernstein(cells: int) -> NDArray[Any]:
    """(cells + 1, 4), the cubic Bernstein polynomials at evenly spaced parameters."""
    t = np.linspace(0, 1, cells + 1)
    return np.stack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], axis=1)


def _squares(cells: int, clockwise: bool) -> NDArray[Any]:
    """(2 cells^2, 3), two triangles for each square of a patch's lattice of points."""
    i = np.arange(cells)
    corner = (i[:, None] * (cells + 1) + i).ravel()
    across = corner + cells + 2
    halves = [
        np.stack([corner, corner + 1, across], axis=1),
        np.stack([corner, across, corner + cells + 1], axis=1),
    ]
    triangles = np.concatenate(halves)
    return triangles[:, ::-1] if clockwise else triangles
