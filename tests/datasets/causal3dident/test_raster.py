"""The raster backend: what it promises of pixels, bytes and errors."""

import sys

import numpy as np
import pytest

from causal_ssl.datasets.causal3dident.latents import LATENTS
from causal_ssl.datasets.causal3dident.mesh import Mesh, from_triangles
from causal_ssl.datasets.causal3dident.rendering import raster_gl
from causal_ssl.datasets.causal3dident.rendering.raster import RasterRenderer, available
from causal_ssl.datasets.causal3dident.rendering.raster_camera import camera
from causal_ssl.datasets.causal3dident.rendering.renderer import RenderSettings
from causal_ssl.datasets.causal3dident.scene import Scene
from causal_ssl.errors import InputError

needs_egl = pytest.mark.skipif(available() is not None, reason=f"raster backend: {available()}")

SIZE = 64


@pytest.fixture(scope="module")
def sphere() -> Mesh:
    ball = pytest.importorskip("trimesh").creation.icosphere(subdivisions=3)
    return from_triangles(ball.vertices, ball.faces)


@pytest.fixture(scope="module")
def meshes(sphere: Mesh) -> dict[int, Mesh]:
    """A sphere, and a flat box: something that looks different when it turns."""
    flat = from_triangles(sphere.vertices * [1, 0.6, 0.3], sphere.faces)
    return {0: sphere, 3: flat}


@pytest.fixture(scope="module")
def renderer(meshes):
    with RasterRenderer(meshes, RenderSettings(size=SIZE)) as opened:
        yield opened


def latents(n: int = 6, **fixed: float) -> np.ndarray:
    raw = np.random.default_rng(5).uniform(-1, 1, (n, len(LATENTS)))
    for name, value in fixed.items():
        raw[:, LATENTS.index(name)] = value
    return raw


def images(renderer: RasterRenderer, raw: np.ndarray, classes=None) -> np.ndarray:
    classes = np.full(len(raw), 3) if classes is None else classes
    return np.stack(list(renderer.render(classes, Scene().frames(raw))))


def masks(renderer: RasterRenderer, raw: np.ndarray) -> np.ndarray:
    return np.stack(list(renderer.masks(np.full(len(raw), 3), Scene().frames(raw))))


@needs_egl
def test_the_same_latents_give_the_same_bytes_in_any_order_and_batch(renderer):
    raw, classes = latents(), np.array([0, 3, 3, 0, 3, 0])
    expected = images(renderer, raw, classes)
    order = np.array([4, 1, 5, 0, 3, 2])
    assert np.array_equal(images(renderer, raw[order], classes[order]), expected[order])
    for row in (5, 0):
        alone = images(renderer, raw[row : row + 1], classes[row : row + 1])
        assert np.array_equal(alone[0], expected[row])
    assert len(np.unique(expected.reshape(len(raw), -1), axis=0)) == len(raw)


@needs_egl
def test_renderers_that_are_open_together_do_not_disturb_each_other(renderer, meshes):
    raw = latents()
    expected = images(renderer, raw)
    frames, classes = Scene().frames(raw), np.full(len(raw), 3)
    with RasterRenderer(meshes, RenderSettings(size=32)) as other:
        small = images(other, raw)
        pairs = list(
            zip(renderer.render(classes, frames), other.render(classes, frames), strict=True)
        )
    assert small.shape == (6, 32, 32, 3)
    assert np.array_equal([large for large, _ in pairs], expected)
    assert np.array_equal([image for _, image in pairs], small)
    assert np.array_equal(images(renderer, raw), expected)  # after the other one has closed


@needs_egl
@pytest.mark.parametrize("hue", ["object_hue", "spotlight_hue", "background_hue"])
def test_a_hue_leaves_the_object_where_it_is(renderer, hue):
    raw = latents(object_hue=0.0, spotlight_hue=0.4, background_hue=-0.6)
    changed = raw.copy()
    changed[:, LATENTS.index(hue)] = 0.8
    assert np.array_equal(masks(renderer, raw), masks(renderer, changed))
    differs = (images(renderer, raw) != images(renderer, changed)).any(axis=3)
    assert differs.any(axis=(1, 2)).all()
    if hue == "object_hue":
        within = masks(renderer, raw)
        grown = within.copy()  # the filter mixes a pixel with its four neighbours
        for axis in (1, 2):
            for step in (-1, 1):
                grown |= np.roll(within, step, axis=axis)
        assert not (differs & ~grown).any()


@needs_egl
def test_the_spotlight_moves_light_and_not_the_object(renderer):
    raw, moved = latents(spotlight_position=-0.5), latents(spotlight_position=0.5)
    seen = masks(renderer, raw)
    assert np.array_equal(seen, masks(renderer, moved))
    differs = (images(renderer, raw) != images(renderer, moved)).any(axis=3)
    assert (differs & ~seen).any(axis=(1, 2)).all()  # on the ground, too


@needs_egl
def test_the_mask_is_where_the_camera_projects_the_object(meshes):
    scene = Scene(object_scale=0.3)
    frames = scene.frames(latents())
    with RasterRenderer(meshes, RenderSettings(size=256, scene=scene)) as fine:
        seen = np.stack(list(fine.masks(np.zeros(6, int), frames)))
    places = np.concatenate([frames.position, np.ones((6, 1))], axis=1)
    clip = places @ camera(scene).T
    x, y = ((clip[:, :2] / clip[:, 3:]) * 0.5 + 0.5).T * 256
    rows = np.arange(256) + 0.5
    for mask, across, down in zip(seen, x, y, strict=True):
        assert (mask * rows).sum() / mask.sum() == pytest.approx(across, abs=0.75)
        assert (mask * rows[:, None]).sum() / mask.sum() == pytest.approx(down, abs=0.75)


@needs_egl
def test_an_object_around_the_lamps_is_rendered(meshes):
    scene = Scene(object_scale=4.0)  # a radius of 6, seven below the highest area lamp
    raw = latents(position_z=1.0)
    with RasterRenderer(meshes, RenderSettings(size=SIZE, scene=scene)) as large:
        first = np.stack(list(large.render(np.zeros(6, int), scene.frames(raw))))
        again = np.stack(list(large.render(np.zeros(6, int), scene.frames(raw))))
    assert np.array_equal(first, again)
    assert (first.max(axis=(1, 2, 3)) > 0).all()


@needs_egl
def test_what_the_pixels_depend_on_is_said(renderer):
    assert set(renderer.versions) == {"moderngl", "opengl", "device"}
    assert all(renderer.versions.values())


@needs_egl
def test_bad_input_is_refused_before_the_first_image(renderer, meshes):
    frames = Scene().frames(latents())
    with pytest.raises(InputError, match="no mesh for class 5: there are meshes for 0, 3"):
        renderer.render(np.full(6, 5), frames)
    with pytest.raises(InputError, match="2 classes for 6 frames"):
        renderer.masks(np.zeros(2, int), frames)
    with pytest.raises(InputError, match="no meshes to render"):
        RasterRenderer({}, RenderSettings())
    closed = RasterRenderer(meshes, RenderSettings(size=8))
    closed.close()
    closed.close()
    with pytest.raises(InputError, match="the renderer is closed"):
        next(closed.render(np.zeros(6, int), frames))


def test_without_moderngl_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "moderngl", None)
    with pytest.raises(InputError, match=r"needs moderngl .*causal-ssl\[images\].*libegl1 libgl1"):
        raster_gl.open_context()


def test_where_no_context_opens_the_error_says_why_and_what_to_install(monkeypatch):
    moderngl = pytest.importorskip("moderngl")

    def fails(*arguments, **options):
        raise Exception("libGL.so not loaded")

    monkeypatch.setattr(moderngl, "create_context", fails)
    with pytest.raises(InputError, match=r"EGL context.*libGL.so not loaded.*libegl1 libgl1"):
        raster_gl.open_context()
    monkeypatch.setattr(raster_gl, "available", raster_gl.available.__wrapped__)
    assert "libGL.so not loaded" in raster_gl.available()
