"""Meshes: put in place, looking outwards, with smooth normals; what is no mesh is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from causal_ssl.datasets.causal3dident.mesh import RADIUS, from_triangles
from causal_ssl.errors import InputError

SIGNS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
CUBE = np.array(
    [
        *([0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]),
        *([2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]),
    ]
)
"""Counter-clockwise seen from outside."""


def test_placed_in_the_sphere_whatever_the_unit_and_the_place() -> None:
    for unit, place in ((1, 0), (1e-6, 0), (1e6, 1e8)):
        mesh = from_triangles(SIGNS * [2, 1, 1] * unit + place, CUBE)
        assert mesh.radius == pytest.approx(RADIUS, abs=1e-6)
        assert np.allclose(mesh.vertices.min(axis=0), -mesh.vertices.max(axis=0), atol=1e-6)
        assert np.ptp(mesh.vertices, axis=0) == pytest.approx(
            RADIUS * np.sqrt([8 / 3, 2 / 3, 2 / 3])
        )


def test_left_where_it_is_without_a_radius() -> None:
    mesh = from_triangles(SIGNS + 5, CUBE, radius=None)
    assert {tuple(v) for v in mesh.vertices} == {tuple(v) for v in SIGNS + 5}
    assert mesh.volume == pytest.approx(1)


@pytest.mark.parametrize("faces", [CUBE, CUBE[:, ::-1]])
def test_faces_and_normals_look_outwards(faces: Any) -> None:
    mesh = from_triangles(SIGNS, faces)
    assert mesh.volume > 0
    # A corner of the cube belongs to three, four or five triangles, two a side at most.
    assert (np.einsum("ij,ij->i", mesh.vertices, mesh.normals) > 0).all()
    assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(1, abs=1e-6)


def test_normals_are_weighted_by_area() -> None:
    """Two triangles at a right angle, of areas 3/2 and 1/2, that share an edge."""
    points = [[0, 0, 0], [1, 0, 0], [0, 3, 0], [0, 0, 1]]
    mesh = from_triangles(points, [[0, 1, 2], [0, 3, 1]], radius=None)
    shared = mesh.normals[(mesh.vertices == 0).all(axis=1)][0]
    assert np.abs(shared) == pytest.approx(np.array([0, 1, 3]) / np.sqrt(10), abs=1e-6)


def test_split_vertices_are_joined_and_unused_ones_dropped() -> None:
    split = SIGNS[CUBE].reshape(-1, 3)
    faces = [*np.arange(36).reshape(12, 3), [0, 0, 1]]
    mesh = from_triangles([*split, [9, 9, 9]], faces)
    whole = from_triangles(SIGNS, CUBE)
    assert (mesh.vertices == whole.vertices).all()
    assert (mesh.normals == whole.normals).all()


def test_the_digest_tells_meshes_apart() -> None:
    cube = from_triangles(SIGNS, CUBE)
    assert cube.digest == from_triangles(SIGNS * 3, CUBE).digest
    assert cube.digest != from_triangles(SIGNS, CUBE[::-1]).digest
    assert cube.digest != replace(cube, normals=-cube.normals).digest
    assert cube.digest != replace(cube, vertices=cube.vertices * np.float32(1.001)).digest


def test_a_vertex_whose_triangles_cancel_has_a_normal_too() -> None:
    mesh = from_triangles(SIGNS, [[0, 1, 3], [0, 3, 1]])
    assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("vertices", "faces", "message"),
    [
        (SIGNS, [], "cup has no triangles: expected at least one"),
        ([], [[0, 1, 2]], r"cup: vertices of shape \(0,\)"),
        (SIGNS, [[0, 1, 2, 3]], r"cup: faces of shape \(1, 4\), expected \(n, 3\)"),
        (SIGNS[:, :2], CUBE, r"cup: vertices of shape \(8, 2\)"),
        (SIGNS, [[0, 1, 8]], "cup: a face names vertex 8 of 8"),
        (SIGNS, [[0, 1, -1]], "cup: a face names vertex -1 of 8"),
        (SIGNS, [[0, 1, 1]], "cup has no triangles: the corners of its faces coincide"),
        (np.ones((3, 3)), [[0, 1, 2]], "cup has no triangles: the corners"),
        ([[0, 0, 0], [1, np.nan, 0], [1, 1, 0]], [[0, 1, 2]], "coordinate y of vertex 1 is nan"),
        ([[0, 0, 0], [1, 0, 0], [1, 1, np.inf]], [[0, 1, 2]], "coordinate z of vertex 2 is inf"),
    ],
)
def test_what_is_no_mesh_is_refused(vertices: Any, faces: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_triangles(vertices, faces, what="cup")
