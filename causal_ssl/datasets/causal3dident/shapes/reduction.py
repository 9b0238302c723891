"""Meshes with fewer triangles."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal_ssl.datasets.causal3dident.mesh import Mesh, from_triangles
from causal_ssl.datasets.causal3dident.shapes.packages import package
from causal_ssl.errors import in_range

Array = NDArray[Any]

AGGRESSION = 5
"""Of the simplification, 0 to 10: below 4 it stops before a thousand triangles are reached."""


def reduced(mesh: Mesh, triangles: int = 1000) -> Mesh:
    """The mesh with at most so many triangles, by quadric edge collapses.

    It stays where it is: it stands in for the mesh where only its outline counts, as in shadows.

    Args:
        mesh: comes back as it is if it has no more triangles than that.
        triangles: how many to keep.

    Raises:
        InputError: fewer than 20 triangles; fast-simplification or trimesh is not installed.

    Garland and Heckbert 1997 (doi:10.1145/258734.258849).

    Examples:
        >>> from causal_ssl.datasets.causal3dident.shapes import built
        >>> len(reduced(built("teapot"), 1000).faces)
        1000
    """
    if len(mesh.faces) <= triangles:
        return mesh
    fewer = simplified(mesh.vertices, mesh.faces, triangles)
    return from_triangles(*fewer, radius=None, what="the reduced mesh")


def simplified(vertices: Array, faces: Array, triangles: int) -> tuple[Array, Array]:
    """Vertices and faces of a mesh with at most so many triangles; see `reduced`."""
    in_range("triangles", triangles, at_least=20)
    if len(faces) <= triangles:
        return vertices, faces
    package("fast_simplification")
    whole = package("trimesh").Trimesh(vertices, faces, process=False)
    fewer = whole.simplify_quadric_decimation(face_count=triangles, aggression=AGGRESSION)
    return np.asarray(fewer.vertices), np.asarray(fewer.faces)
