"""The raster backend: OpenGL without a window, on a GPU or in software.

    with RasterRenderer(shapes.meshes(), RenderSettings(size=128)) as renderer:
        images = list(renderer.render(classes, Scene().frames(raw)))

In software (Mesa's llvmpipe) run one process a core, with LP_NUM_THREADS=1 in its environment
before the first renderer opens: the pixels are the same, the cores do nothing twice. A renderer is
used by the thread that opened it, and does not survive a fork.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from causal_ssl.datasets.causal3dident.mesh import Mesh
from causal_ssl.datasets.causal3dident.rendering.raster_gl import available, open_context
from causal_ssl.datasets.causal3dident.rendering.raster_passes import (
    DepthPass,
    ImagePass,
    LightPass,
    SurfacePass,
)
from causal_ssl.datasets.causal3dident.rendering.raster_shadows import SPOT, lamps, view
from causal_ssl.datasets.causal3dident.rendering.renderer import Image, Meshes, RenderSettings
from causal_ssl.datasets.causal3dident.scene import Frames
from causal_ssl.datasets.causal3dident.shapes import reduced
from causal_ssl.datasets.causal3dident.shapes.packages import package
from causal_ssl.errors import InputError

__all__ = ["RasterRenderer", "available"]

Mask = NDArray[np.bool_]

SHADOW_TRIANGLES = 800
"""Of the mesh that casts the shadows, drawn 80 times an image."""


@dataclass(frozen=True, eq=False)
class _Object:
    """A mesh on the device.

    Attributes:
        surface: vertex array that the camera sees.
        shadow: of fewer triangles, which the lamps see.
        outline: (v, 3), the latter's vertices, by the scene's scale.
        closed: whether the latter encloses a volume.
    """

    surface: Any
    shadow: Any
    outline: NDArray[np.float64]
    closed: bool


class RasterRenderer:
    """Renders by rasterising; see `Renderer`, whose protocol it follows.

    Args:
        meshes: class index -> mesh.
        settings: size and scene; samples do not matter here.
        device: which of EGL's devices.

    Raises:
        InputError: no meshes; moderngl is missing or no context opens, see `available`.
    """

    name = "raster"

    def __init__(self, meshes: Meshes, settings: RenderSettings, *, device: int = 0) -> None:
        if not meshes:
            raise InputError("no meshes to render: expected at least one")
        self._scene = settings.scene
        self._context = open_context(device)
        self._depths = DepthPass(self._context, settings.scene)
        self._surfaces = SurfacePass(self._context, settings)
        self._light = LightPass(self._context, settings)
        self._image = ImagePass(self._context, settings)
        self._objects = {index: self._upload(mesh) for index, mesh in meshes.items()}
        info = self._context.info
        self._versions = {
            "moderngl": version("moderngl"),
            "opengl": info["GL_VERSION"],
            "device": info["GL_RENDERER"],
        }

    @property
    def versions(self) -> dict[str, str]:
        """moderngl's version, the driver's, and the device's name."""
        return dict(self._versions)

    def render(self, classes: NDArray[np.int64], frames: Frames) -> Iterator[Image]:
        """One image a frame, (size, size, 3) uint8, in order.

        Args:
            classes: (n,), which of the meshes each image shows.
            frames: of the n images.

        Raises:
            InputError: a class without a mesh, more or fewer classes than frames, a closed
                renderer.
        """
        return self._read(classes, frames, channels=3)

    def masks(self, classes: NDArray[np.int64], frames: Frames) -> Iterator[Mask]:
        """Which pixels the object covers, at least in part: one (size, size) a frame.

        Arguments and errors as in `render`.
        """
        return (image[..., 3] > 0 for image in self._read(classes, frames, channels=4))

    def close(self) -> None:
        """Release the context and all it holds; a second call does nothing."""
        if self._context is not None:
            self._context.release()
            self._context = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _upload(self, mesh: Mesh) -> _Object:
        outline = reduced(mesh, SHADOW_TRIANGLES)
        return _Object(
            self._surfaces.upload(mesh),
            self._depths.upload(outline),
            self._scene.object_scale * outline.vertices.astype(np.float64),
            package("trimesh").Trimesh(outline.vertices, outline.faces, process=False).is_volume,
        )

    def _read(
        self, classes: NDArray[np.int64], frames: Frames, *, channels: int
    ) -> Iterator[Image]:
        """Checks now, not when the first image is asked for."""
        if len(classes) != len(frames):
            raise InputError(f"{len(classes)} classes for {len(frames)} frames: expected as many")
        for index in np.unique(classes):
            if index not in self._objects:
                known = ", ".join(map(str, sorted(self._objects)))
                raise InputError(f"no mesh for class {index}: there are meshes for {known}")
        turns = Rotation.from_euler("xyz", frames.rotation).as_matrix()
        return (
            self._draw(self._objects[int(index)], frames, row, turns[row], channels)
            for row, index in enumerate(classes)
        )

    def _draw(
        self, shape: _Object, frames: Frames, row: int, turn: NDArray[np.float64], channels: int
    ) -> Image:
        if self._context is None:
            raise InputError("the renderer is closed: open another one")
        place, spotlight = frames.position[row], frames.spotlight[row]
        lights = lamps(self._scene, spotlight, place)
        outline = place + shape.outline @ turn.T
        views = [view(lamp, outline) for lamp in lights]
        with self._context:  # another renderer's may be current
            self._depths.draw(shape.shadow, views, turn=turn, place=place, closed=shape.closed)
            self._surfaces.draw(shape.surface, turn=turn, place=place)
            self._light.draw(
                self._surfaces.surfaces,
                self._depths.atlas,
                views,
                spot_frame=lights[SPOT].frame,
                spot_place=spotlight,
                spot_colour=frames.spotlight_colour[row],
                object_colour=frames.object_colour[row],
                ground_colour=frames.ground_colour[row],
            )
            self._image.draw(self._light.lights)
            return self._image.read(channels)
