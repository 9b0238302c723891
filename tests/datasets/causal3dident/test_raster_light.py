"""The raster backend's light and shadows against a transcription in numpy and against rays."""

from dataclasses import replace
from math import cos, pi, tan

import numpy as np
import pytest

from causal_ssl.datasets.causal3dident.latents import LATENTS
from causal_ssl.datasets.causal3dident.mesh import Mesh, from_triangles
from causal_ssl.datasets.causal3dident.rendering.raster import RasterRenderer, available
from causal_ssl.datasets.causal3dident.rendering.raster_camera import pixel_rays
from causal_ssl.datasets.causal3dident.rendering.renderer import RenderSettings
from causal_ssl.datasets.causal3dident.scene import Lamps, Scene

pytestmark = pytest.mark.skipif(available() is not None, reason=f"raster backend: {available()}")

SIZE = 96
DARK = Lamps(spot_power=0, area_power=0, sun_strength=0)
LAMPS = {
    "spot": replace(DARK, spot_power=3000.0, spot_cone=100 * pi / 180),
    "area": replace(DARK, area_power=400.0),
    "sun": replace(DARK, sun_strength=3.0),
}
"""Each alone and bright enough for eight bits; the spotlight wide enough for all of the shadow."""


@pytest.fixture(scope="module")
def sphere() -> Mesh:
    ball = pytest.importorskip("trimesh").creation.icosphere(subdivisions=3)
    return from_triangles(ball.vertices, ball.faces)


def ground(scene: Scene) -> np.ndarray:
    """(size, size, 3): what the centre of each pixel shows of the ground."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ pixel_rays(scene, SIZE).T
    eye = np.array(scene.camera)
    return eye + rays * ((-scene.depth - eye[2]) / rays[..., 2])[..., None]


def linear(image: np.ndarray) -> np.ndarray:
    value = image / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def srgb(light: np.ndarray) -> np.ndarray:
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def fresnel(c, ior):
    """Of unpolarised light, by Snell's angles: another form than the shader's."""
    inside = np.sqrt(1 - (1 - c**2) / ior**2)
    across = (c - ior * inside) / (c + ior * inside)
    along = (inside - ior * c) / (inside + ior * c)
    return (across**2 + along**2) / 2


def rubber(to_light, to_eye, colour):
    """BRDF times cosine on level ground, by angles where the shader has cosines."""
    cos_light, cos_eye = to_light[..., 2], to_eye[..., 2]
    half = to_light + to_eye
    half = half / np.linalg.norm(half, axis=-1, keepdims=True)
    slope = np.arccos(half[..., 2])
    facing = (half * to_eye).sum(-1)
    velvet = np.exp(-1 / (0.6 * np.tan(slope)) ** 2) / (pi * 0.36 * np.sin(slope) ** 4)
    grooves = 2 * np.cos(slope) / facing * np.minimum(cos_eye, cos_light)
    sheen = velvet * np.minimum(1, grooves) / (4 * cos_eye)
    facets = np.exp(-((np.tan(slope) / 0.35) ** 2)) / (pi * 0.35**2 * np.cos(slope) ** 4)
    gloss = 0.8 * facets / (1 + hidden(cos_light) + hidden(cos_eye)) / (4 * cos_eye)
    f_sheen, f_gloss = fresnel(cos_eye, 1.4), fresnel(cos_eye, 1.2)
    cloth = (1 - f_sheen) * cos_light / pi + f_sheen * sheen
    return ((1 - f_gloss) * cloth)[..., None] * colour + (f_gloss * gloss)[..., None]


def hidden(cosine):
    a = 1 / (0.35 * np.tan(np.arccos(np.minimum(cosine, 1 - 1e-9))))
    fit = (1 - 1.259 * a + 0.396 * a**2) / (3.535 * a + 2.181 * a**2)
    return np.where(a < 1.6, fit, 0)


def unit(vectors):
    distance = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / distance, distance[..., 0]


def test_the_ground_is_lit_as_the_formulas_say(sphere):
    """A small object in a corner; everywhere else light is three lamps on a plane."""
    scene = Scene(object_scale=0.05)
    frames = scene.frames([[0.5, -0.5, 0.5, 0, 0, 0, -0.3, 0.1, 0.9, -0.4]])
    with RasterRenderer({0: sphere}, RenderSettings(size=SIZE, scene=scene)) as renderer:
        image = next(renderer.render([0], frames)).astype(float)
    place, lights = ground(scene), scene.lamps
    to_eye, _ = unit(np.array(scene.camera) - place)
    colour = frames.ground_colour[0]
    sun = np.broadcast_to([0.0, 0.0, 1.0], place.shape)
    light = lights.sun_strength * rubber(sun, to_eye, colour)
    to_area, distance = unit(np.array([0, 0, lights.area_height]) - place)
    share = lights.area_power / pi * to_area[..., 2] / distance**2
    light = light + share[..., None] * rubber(to_area, to_eye, colour)
    to_spot, distance = unit(frames.spotlight[0] - place)
    axis, _ = unit(frames.position[0] - frames.spotlight[0])
    cone = -to_spot @ axis
    spot = lights.spot_power / (4 * pi * distance**2)
    lit = light + spot[..., None] * frames.spotlight_colour[0] * rubber(to_spot, to_eye, colour)
    angle, rim = np.arccos(cone), np.arctan(lights.spot_radius / distance)
    dark = angle > lights.spot_cone / 2 + 1.5 * rim
    full = cos(lights.spot_cone / 2) / (1 - (1 - cos(lights.spot_cone / 2)) * lights.spot_blend)
    bright = angle < np.arccos(full) - 1.5 * rim
    # The object casts shadows and covers pixels around its projection, well within two units.
    for lamp in (frames.spotlight[0], np.array([0, 0, 7.0]), frames.position[0] + [0, 0, 1]):
        ray = frames.position[0] - lamp
        shadow = lamp + ray * ((-scene.depth - lamp[2]) / ray[2])
        far = np.linalg.norm(place - shadow, axis=-1) > 2
        dark, bright = dark & far, bright & far
    eye = np.array(scene.camera)
    behind = eye + (frames.position[0] - eye) * ((-scene.depth - 8) / (frames.position[0, 2] - 8))
    dark = dark & (np.linalg.norm(place - behind, axis=-1) > 2)
    assert dark.sum() > 5000
    assert bright.sum() > 100
    # Half a level from rounding, the rest from the filter where light bends.
    assert abs(image - srgb(light))[dark].max() < 0.75
    assert abs(image - srgb(lit))[bright].max() < 0.75


@pytest.mark.parametrize("name", LAMPS)
def test_shadows_are_those_of_rays_to_points_all_over_the_lamp(sphere, name):
    """A sphere's soft shadow on the ground, as a share of the light without it."""
    scene = Scene(lamps=LAMPS[name])
    raw = [[0.0] * len(LATENTS)]
    frames = scene.frames(raw)
    light = {}
    for scale in (1.2, 1e-3):  # with the sphere and, but for a speck, without
        settings = RenderSettings(size=SIZE, scene=replace(scene, object_scale=scale))
        with RasterRenderer({0: sphere}, settings) as renderer:
            light[scale] = linear(next(renderer.render([0], frames)))
            if scale > 1:
                covered = next(renderer.masks([0], frames))
    place = ground(scene)
    shown = light[1e-3].max(axis=-1) > 0.05
    for axis in (0, 1):  # neighbours of the sphere's pixels mix with it
        covered = covered | np.roll(covered, 1, axis=axis) | np.roll(covered, -1, axis=axis)
    shown &= ~covered
    measured = light[1.2][shown].sum(-1) / light[1e-3][shown].sum(-1)
    rays = [towards(name, scene, frames, u, place[shown]) for u in lamp_points(name)]
    expected = np.mean([clear(place[shown], ray, frames.position[0], 1.8) for ray in rays], axis=0)
    assert expected.min() < 0.05
    error = abs(measured - expected)
    # 24 points a lamp step by 1/24 each; no pixel is wrong by more than three of them.
    assert error.max() < 3 / 24
    assert error[(expected > 0.02) & (expected < 0.98)].mean() < 1 / 24


def lamp_points(name: str) -> np.ndarray:
    points = np.random.default_rng(3).uniform(-1, 1, (500, 2))
    return points if name == "area" else points[np.linalg.norm(points, axis=1) < 1]


def towards(name: str, scene: Scene, frames, u: np.ndarray, place: np.ndarray) -> np.ndarray:
    """From each place to a point of the lamp, in units of its radius or half side."""
    lights = scene.lamps
    if name == "area":
        return np.array([*u * lights.area_size / 2, lights.area_height]) - place
    if name == "sun":
        return np.broadcast_to([*u * tan(lights.sun_angle / 2), 1.0], place.shape) * 100
    axis, _ = unit(frames.position[0] - frames.spotlight[0])
    right, _ = unit(np.cross(axis, [1.0, 0, 0]))
    rim = u * lights.spot_radius
    return frames.spotlight[0] + rim[0] * right + rim[1] * np.cross(axis, right) - place


def clear(place: np.ndarray, ray: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Whether a sphere leaves the segments from `place` along `ray` free."""
    to_centre = centre - place
    along = np.clip((to_centre * ray).sum(-1) / (ray**2).sum(-1), 0, 1)
    return np.linalg.norm(to_centre - along[:, None] * ray, axis=-1) > radius
