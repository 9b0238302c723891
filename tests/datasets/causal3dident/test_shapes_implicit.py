"""Clay: volumes and distances against formulas, blends and cuts where they belong."""

from math import pi, sqrt

import numpy as np
import pytest

from causal_ssl.datasets.causal3dident.mesh import from_triangles
from causal_ssl.datasets.causal3dident.shapes.implicit import (
    Body,
    Bone,
    Ellipsoid,
    Sheet,
    add,
    carve,
    ellipsoid,
    limb,
    polygonised,
)
from causal_ssl.errors import InputError

pytest.importorskip("skimage", reason="the extra `images` is not installed")


def volume(body: Body, cells: int = 48) -> float:
    return from_triangles(*polygonised(body, cells), radius=None).volume


def points(*rows: tuple[float, float, float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def test_distances_of_a_ball_are_exact() -> None:
    for ball in (Ellipsoid((1, 0, 0), (2, 2, 2)), Bone((1, 0, 0, 2), (1, 1e-4, 0, 2))):
        at = points((4, 0, 0), (1, 0, 2), (1, -1, 0), (1, 0, 0))
        assert ball.distance(at) == pytest.approx([1, 0, -1, -2], abs=1e-3)


def test_a_bone_tapers() -> None:
    bone = Bone((0, 0, 0, 1), (4, 0, 0, 0.5))
    at = points((-2, 0, 0), (2, 0, 1), (6, 0, 0))
    assert bone.distance(at) == pytest.approx([1, 0.25, 1.5], abs=1e-6)


def test_distances_of_a_sheet_above_beside_and_off_a_corner() -> None:
    sheet = Sheet(((0, 0, 0), (4, 0, 0), (0, 4, 0)), thickness=0.2)
    at = points((1, 1, 2), (1, 1, -2), (1, -3, 0), (-3, -4, 0), (4, 4, 0))
    assert sheet.distance(at) == pytest.approx([1.9, 1.9, 2.9, 4.9, 2 * sqrt(2) - 0.1], abs=1e-5)


def test_a_turn_is_about_x_then_y_then_z_and_lowers_the_front() -> None:
    nose = Ellipsoid((0, 0, 0), (3, 1, 1), turn=(0, 30, 0))
    front = 3 * np.array([np.cos(pi / 6), 0, -np.sin(pi / 6)])
    assert nose.distance(points(tuple(front))) == pytest.approx([0], abs=1e-5)
    turned = Ellipsoid((0, 0, 0), (1, 3, 1), turn=(90, 90, 0))  # y to z to x
    assert turned.distance(points((3, 0, 0))) == pytest.approx([0], abs=1e-5)


def test_volumes() -> None:
    """To 2 %: flat facets cut off about (step / radius)^2 of a curved surface's volume."""
    ball = volume([add(0, ellipsoid((0, 0, 0), (2, 1, 1.5)))])
    assert ball == pytest.approx(4 / 3 * pi * 3, rel=0.02)
    capsule = volume([add(0, limb((0, 0, 0, 1), (3, 0, 0, 1)))])
    assert capsule == pytest.approx(4 / 3 * pi + 3 * pi, rel=0.02)


def test_what_is_beside_the_mirror_plane_is_there_twice() -> None:
    pair = volume([add(0, ellipsoid((0, 2, 0), (1, 1, 1)))])
    assert pair == pytest.approx(2 * 4 / 3 * pi, rel=0.02)


def test_blending_fills_the_seam_and_nothing_else() -> None:
    a, b = ellipsoid((0, 0, 0), (1, 1, 1)), ellipsoid((1.5, 0, 0), (1, 1, 1))
    sharp, smooth = volume([add(0, a, b)]), volume([add(0.3, a, b)])
    assert sharp < smooth < 1.1 * sharp
    apart = [add(0.3, a, ellipsoid((4, 0, 0), (1, 1, 1)))]
    assert volume(apart, 80) == pytest.approx(2 * 4 / 3 * pi, rel=0.02)


def test_carving_takes_a_ball_out() -> None:
    cut = volume(
        [add(0, ellipsoid((0, 0, 0), (2, 2, 2))), carve(0, ellipsoid((0, 0, 0), (1, 1, 1)))]
    )
    assert cut == pytest.approx(4 / 3 * pi * 7, rel=0.02)


def test_the_grid_changes_detail_alone() -> None:
    body = [add(0.2, limb((0, 0, 0, 1), (2, 0, 1, 0.5)), ellipsoid((2, 0.8, 1), (1, 0.5, 0.5)))]
    assert volume(body, 40) == pytest.approx(volume(body, 80), rel=0.01)


def test_nothing_and_too_coarse_are_refused() -> None:
    with pytest.raises(InputError, match="a body without solids"):
        polygonised([carve(0, ellipsoid((0, 0, 0), (1, 1, 1)))])
    with pytest.raises(InputError, match="a grid of 4 cells: expected at least 8"):
        polygonised([add(0, ellipsoid((0, 0, 0), (1, 1, 1)))], cells=4)
