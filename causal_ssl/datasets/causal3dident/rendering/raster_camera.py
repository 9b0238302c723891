"""The camera in matrices, and the axes of whatever looks along a direction."""

import numpy as np
from numpy.typing import NDArray

from causal_ssl.datasets.causal3dident.scene import Scene

Floats = NDArray[np.float64]

NEAR, FAR = 0.1, 100.0
"""Distances between which the camera sees the object."""


def camera(scene: Scene) -> Floats:
    """World to clip space, (4, 4), for column vectors; the image's top row is at y = -1.

    OpenGL counts rows from below; with y turned round, the first row that is read is the top one.

    Examples:
        The camera looks at the origin, from as far as it stands from it.

        >>> (camera(Scene()) @ [0, 0, 0, 1])[[0, 1, 3]].round(6) + 0.0
        array([ 0.      ,  0.      , 11.313708])
    """
    place = np.array(scene.camera)
    right, up, forward = axes(-place, up=(0, 0, 1))
    tangent, depth = scene.field_of_view, FAR - NEAR
    view = np.eye(4)
    view[:3, :3] = right, up, forward
    view[:3, 3] = -view[:3, :3] @ place
    lens = np.array(
        [
            [1 / tangent, 0, 0, 0],
            [0, -1 / tangent, 0, 0],
            [0, 0, (FAR + NEAR) / depth, -2 * FAR * NEAR / depth],
            [0, 0, 1, 0],
        ]
    )
    return lens @ view


def pixel_rays(scene: Scene, size: int) -> Floats:
    """(3, 3): column (x, y, 1) of a pixel's centre to the ray through it, in the world.

    Rays are as long as makes them 1 along the camera's axis; x counts pixels from the left, y from
    the top, and centres lie at halves.

    Examples:
        >>> middle = pixel_rays(Scene(), 64) @ [32, 32, 1]
        >>> (middle * np.hypot(8, 8)).round(6).tolist()
        [-8.0, 0.0, -8.0]
    """
    right, up, forward = axes(-np.array(scene.camera), up=(0, 0, 1))
    pixel, tangent = 2 * scene.field_of_view / size, scene.field_of_view
    corner = forward - tangent * right + tangent * up
    return np.stack([pixel * right, -pixel * up, corner], axis=1)


def axes(direction: object, up: object) -> Floats:
    """(3, 3), rows of unit length: right, up and along the direction.

    Args:
        direction: (3,), of any length.
        up: (3,), not parallel to it.

    Examples:
        >>> axes([0, 0, -2], up=[1, 0, 0]).tolist()
        [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]
    """
    forward = np.asarray(direction, dtype=np.float64)
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, np.asarray(up, dtype=np.float64))
    right = right / np.linalg.norm(right)
    return np.stack([right, np.cross(right, forward), forward]) + 0.0  # no negative zeros
