"""The passes of an image: depths from the lamps, the object's surface, light, pixels."""

from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal_ssl.datasets.causal3dident.mesh import Mesh
from causal_ssl.datasets.causal3dident.rendering.raster_camera import camera, pixel_rays
from causal_ssl.datasets.causal3dident.rendering.raster_gl import as_constants, assign, program
from causal_ssl.datasets.causal3dident.rendering.raster_shadows import POINTS, TILE, View, points
from causal_ssl.datasets.causal3dident.rendering.renderer import Image, RenderSettings
from causal_ssl.datasets.causal3dident.scene import Scene

SAMPLES = 4
"""A pixel: where the object covers a part of it."""
TILES = sum(POINTS)
GRID = ceil(sqrt(TILES))
"""Tiles a side of the atlas."""
CLIP_DISTANCES = range(0x3000, 0x3004)
"""OpenGL's names of the four that `shaders/shadow_vertex.glsl` sets."""


def constants(scene: Scene) -> str:
    """What the shaders know at compile time."""
    spot, area, sun = POINTS
    numbers = {
        "depth": scene.depth,
        "ground_size": scene.ground_size,
        "samples": SAMPLES,
        "spot_points": spot,
        "area_points": area,
        "sun_points": sun,
        "points": TILES,
        "tile": float(TILE),
        "grid": GRID,
        # Shadows come from a mesh of fewer triangles, which leaves the surface by about this much.
        "normal_offset": 0.02 * scene.object_scale,
        "depth_offset": 0.027 * scene.object_scale,
    }
    return as_constants(scene, numbers)


class DepthPass:
    """The object's depth from every point of every lamp: an atlas of tiles, in one draw call."""

    def __init__(self, context: Any, scene: Scene) -> None:
        self.program = program(context, ["shadow_vertex"], ["shadow_fragment"], constants(scene))
        self.atlas = context.depth_texture((GRID * TILE, GRID * TILE))
        self.atlas.compare_func = "<="
        self.atlas.repeat_x = self.atlas.repeat_y = False
        self._target = context.framebuffer(depth_attachment=self.atlas)
        self._context = context
        self._tiles = context.buffer(_tiles().tobytes())
        assign(self.program, size=scene.object_scale)

    def upload(self, mesh: Mesh) -> Any:
        """A vertex array of a mesh, for `draw`."""
        content = [
            (self._context.buffer(_floats(mesh.vertices)), "3f", "vertex"),
            (self._tiles, "2f 2f 1i /i", "point", "tile", "lamp"),
        ]
        return self._context.vertex_array(self.program, content, _indices(self._context, mesh))

    def draw(
        self, array: Any, views: list[View], *, turn: object, place: object, closed: bool
    ) -> None:
        """Fill the atlas.

        Args:
            array: see `upload`.
            views: of the lamps.
            turn: (3, 3), rotation of the mesh.
            place: (3,), where its origin is.
            closed: light meets the outside of the mesh first, so its inside is not drawn: a
                quarter less time.
        """
        assign(self.program, turn=turn, place=place, **seen_from(views))
        context = self._context
        context.enable_only(context.DEPTH_TEST | (context.CULL_FACE if closed else 0))
        for distance in CLIP_DISTANCES:
            context.enable_direct(distance)
        self._target.use()
        self._target.clear(depth=1.0)
        array.render(instances=TILES)
        for distance in CLIP_DISTANCES:
            context.disable_direct(distance)


class SurfacePass:
    """Normal and distance of the object at four samples a pixel."""

    def __init__(self, context: Any, settings: RenderSettings) -> None:
        scene, size = settings.scene, (settings.size, settings.size)
        self.program = program(context, ["object_vertex"], ["object_fragment"], constants(scene))
        self.surfaces = context.texture(size, 4, dtype="f4", samples=SAMPLES)
        depth = context.depth_renderbuffer(size, samples=SAMPLES)
        self._target = context.framebuffer([self.surfaces], depth)
        self._context = context
        assign(self.program, camera=camera(scene), eye=scene.camera, size=scene.object_scale)

    def upload(self, mesh: Mesh) -> Any:
        """A vertex array of a mesh, for `draw`."""
        vertices = _floats(np.concatenate([mesh.vertices, mesh.normals], axis=1))
        content = [(self._context.buffer(vertices), "3f 3f", "vertex", "normal")]
        return self._context.vertex_array(self.program, content, _indices(self._context, mesh))

    def draw(self, array: Any, *, turn: object, place: object) -> None:
        """Fill `surfaces`; arguments as in `DepthPass.draw`."""
        assign(self.program, turn=turn, place=place)
        self._context.enable_only(self._context.DEPTH_TEST)
        self._target.use()
        self._target.clear()
        array.render()


class LightPass:
    """Linear light of every pixel: object and ground under the lamps."""

    def __init__(self, context: Any, settings: RenderSettings) -> None:
        scene, lights = settings.scene, settings.scene.lamps
        fragment = ["brdf", "soft_shadow", "lamps", "light_fragment"]
        self.program = program(context, ["screen_vertex"], fragment, constants(scene))
        self.lights = context.texture((settings.size, settings.size), 4, dtype="f4")
        self._target = context.framebuffer([self.lights])
        self._array = context.vertex_array(self.program, [])
        self._context = context
        assign(
            self.program,
            points=points(),
            lamp_power=[lights.spot_power, lights.area_power, lights.sun_strength],
            eye=scene.camera,
            rays=pixel_rays(scene, settings.size),
        )
        self.program["lamp_points"].value = POINTS
        self.program["surfaces"].value, self.program["atlas"].value = 0, 1

    def draw(self, surfaces: Any, atlas: Any, views: list[View], **frame: object) -> None:
        """Fill `lights` by what the other passes drew; `frame`: uniforms of `shaders/lamps.glsl`
        and `shaders/light_fragment.glsl` that change with the image.
        """
        assign(self.program, **frame, **seen_from(views))
        self._context.enable_only(self._context.NOTHING)
        surfaces.use(0)
        atlas.use(1)
        self._target.use()
        self._array.render(vertices=3)


class ImagePass:
    """Pixels as they are read: filtered and in sRGB."""

    def __init__(self, context: Any, settings: RenderSettings) -> None:
        self._size = settings.size
        self.program = program(context, ["screen_vertex"], ["image_fragment"], "")
        self._target = context.framebuffer([context.texture((self._size, self._size), 4)])
        self._array = context.vertex_array(self.program, [])

    def draw(self, lights: Any) -> None:
        lights.use(0)
        self._target.use()
        self._array.render(vertices=3)

    def read(self, channels: int) -> Image:
        """(size, size, channels) of red, green, blue and the object's share."""
        image = np.empty((self._size, self._size, channels), dtype=np.uint8)
        self._target.read_into(image, components=channels)
        return image


def seen_from(views: list[View]) -> dict[str, object]:
    """The lamps' uniforms, the same in both programs that read or write their tiles."""
    return {
        "lamp_projection": [view.projection for view in views],
        "lamp_beyond": [view.beyond for view in views],
        "lamp_spread": [view.spread for view in views],
    }


def _tiles() -> NDArray[np.void]:
    """Of every tile the point on the lamp, its column and row in the atlas, and its lamp."""
    tiles = np.zeros(TILES, dtype=[("point", "f4", 2), ("tile", "f4", 2), ("lamp", "i4")])
    tiles["point"] = points()
    tiles["tile"] = np.stack([np.arange(TILES) % GRID, np.arange(TILES) // GRID], axis=1)
    tiles["lamp"] = np.repeat(np.arange(len(POINTS)), POINTS)
    return tiles


def _floats(array: NDArray[np.float32]) -> bytes:
    return array.astype(np.float32).tobytes()


def _indices(context: Any, mesh: Mesh) -> Any:
    return context.buffer(mesh.faces.astype(np.int32).tobytes())
