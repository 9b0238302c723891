"""A triangle mesh, as both renderers take it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
