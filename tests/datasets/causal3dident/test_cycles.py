"""What Cycles renders: repeatable pixels, each image by itself, geometry apart from colour."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from causal_ssl.datasets.causal3dident.latents import LATENTS
from causal_ssl.datasets.causal3dident.mesh import Mesh
from causal_ssl.datasets.causal3dident.rendering.blender import RenderError, find
from causal_ssl.datasets.causal3dident.rendering.cycles import CyclesRenderer
from causal_ssl.datasets.causal3dident.rendering.renderer import Image, RenderSettings
from causal_ssl.datasets.causal3dident.scene import Scene
from causal_ssl.errors import InputError

SIZE = 48
SCENE = Scene()
BALL, ROD = 0, 5


def ellipsoid(*axes: float) -> Mesh:
    """Of these half axes, by longitude and latitude."""
    rows, columns = 24, 48
    polar = np.pi * (np.arange(rows + 1) / rows)[:, None]
    around = 2 * np.pi * (np.arange(columns) / columns)[None]
    unit = np.stack(
        [
            np.sin(polar) * np.cos(around),
            np.sin(polar) * np.sin(around),
            np.cos(polar) + 0 * around,
        ],
        axis=-1,
    ).reshape(-1, 3)
    corner = np.arange(rows)[:, None] * columns + np.arange(columns)
    right = np.arange(rows)[:, None] * columns + (np.arange(columns) + 1) % columns
    below = (corner + columns, right + columns)
    faces = [(corner, below[0], right), (right, below[0], below[1])]
    normals = unit / axes
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Mesh(
        (unit * axes).astype(np.float32),
        np.concatenate([np.stack(f, axis=-1).reshape(-1, 3) for f in faces]).astype(np.int32),
        normals.astype(np.float32),
    )


MESHES = {BALL: ellipsoid(1, 1, 1), ROD: ellipsoid(1.4, 0.3, 0.3)}


def opened(**options: Any) -> CyclesRenderer:
    return CyclesRenderer(MESHES, RenderSettings(SIZE), **{"device": "cpu", **options})


@pytest.fixture(scope="module")
def cycles() -> Iterator[CyclesRenderer]:
    try:
        find()
    except InputError as error:
        pytest.skip(str(error))
    with opened() as renderer:
        yield renderer


def raw(**changed: float) -> NDArray[np.float64]:
    """One row of raw latents, all 0 but those named."""
    row = np.zeros(len(LATENTS))
    for name, value in changed.items():
        row[LATENTS.index(name)] = value
    return row


def shoot(renderer: CyclesRenderer, classes: list[int], *rows: NDArray[np.float64]) -> list[Image]:
    return list(renderer.render(np.array(classes), SCENE.frames(np.stack(rows))))


def test_the_same_latents_give_the_same_pixels_in_any_order_and_process(
    cycles: CyclesRenderer,
) -> None:
    rows = [raw(object_hue=0.9), raw(position_x=-0.7, rotation_phi=0.5), raw(position_z=0.8)]
    first = shoot(cycles, [ROD, BALL, ROD], *rows)
    back = shoot(cycles, [ROD, BALL, ROD], *rows[::-1])[::-1]
    with opened(threads=0) as other:
        anew = shoot(other, [ROD], rows[2])
    np.testing.assert_array_equal(first, back)
    np.testing.assert_array_equal(first[2], anew[0])
    assert len({image.tobytes() for image in first}) == 3


def test_each_class_shows_its_mesh(cycles: CyclesRenderer) -> None:
    row = raw(rotation_psi=0.5)
    ball, rod, again = shoot(cycles, [BALL, ROD, BALL], row, row, row)
    assert np.abs(ball.astype(int) - rod).max() > 50
    np.testing.assert_array_equal(ball, again)


def test_the_object_is_where_geometry_has_it_and_its_hue_changes_nothing_else(
    cycles: CyclesRenderer,
) -> None:
    """Rays of a pinhole camera against a sphere, worked out here, say where the ball is seen."""
    place = {"position_x": 0.4, "position_y": -0.6, "position_z": 0.3}
    red, violet = shoot(cycles, [BALL] * 2, raw(**place), raw(**place, object_hue=-1))
    changed = np.abs(red.astype(int) - violet).max(axis=2)
    depth = depth_in_ball(SCENE.frames(raw(**place)[None]).position[0])
    pixel = 2 * SCENE.field_of_view / SIZE
    # The pixel filter reaches 0.75 pixels, the denoiser somewhat further.
    outside = depth < -3 * pixel
    assert changed[outside].max() <= 3
    # The lower half of the ball lies in the dark. It is lit where it faces the lamps.
    lit = (depth > pixel) & (np.arange(SIZE)[:, None] < np.argwhere(depth > 0)[:, 0].mean())
    assert lit.sum() > 30
    assert changed[lit].min() > 50


def depth_in_ball(centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """(SIZE, SIZE), how far inside the ball's outline a pixel is; tangents of angles, about."""
    eye = np.array(SCENE.camera)
    forward = -eye / np.linalg.norm(eye)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    grid = ((np.arange(SIZE) + 0.5) / SIZE * 2 - 1) * SCENE.field_of_view
    rays = forward + grid[None, :, None] * right - grid[:, None, None] * up
    rays /= np.linalg.norm(rays, axis=2, keepdims=True)
    towards = centre - eye
    distance = np.linalg.norm(np.cross(rays, towards), axis=2)
    return (SCENE.object_scale * 1.0 - distance) / np.linalg.norm(towards)


def test_an_error_inside_blender_comes_with_its_traceback(cycles: CyclesRenderer) -> None:
    with opened() as other, pytest.raises(RenderError, match=r"(?s)status 1.*KeyError: 'position'"):
        other._blender.ask({"class": BALL}, 1)


def test_a_gpu_that_is_not_there_is_refused(cycles: CyclesRenderer) -> None:
    with opened(device="auto") as auto:
        if auto.versions["device"] != "CPU":
            pytest.skip("this machine has a GPU")
    with pytest.raises(InputError, match="no GPU"):
        opened(device="gpu")
