"""The seven shapes from code: closed, outwards, in place, symmetric, of the promised size."""

from collections import Counter
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree

from causal_ssl.datasets.causal3dident.latents import CLASSES
from causal_ssl.datasets.causal3dident.mesh import RADIUS, Mesh, from_triangles
from causal_ssl.datasets.causal3dident.shapes import built, reduced
from causal_ssl.datasets.causal3dident.shapes.implicit import polygonised
from causal_ssl.datasets.causal3dident.shapes.library import BODIES
from causal_ssl.datasets.causal3dident.shapes.teapot import teapot
from causal_ssl.errors import InputError

trimesh = pytest.importorskip("trimesh", reason="the extra `images` is not installed")
pytest.importorskip("skimage", reason="the extra `images` is not installed")
pytest.importorskip("fast_simplification", reason="the extra `images` is not installed")

shape = lru_cache(built)
"""As the images show it; meshes are not written to."""


def whole(mesh: Mesh) -> Any:
    return trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)


def open_edges(mesh: Mesh) -> int:
    """Edges that are not passed as often in one direction as in the other."""
    passed = Counter((a, b) for f in mesh.faces.tolist() for a, b in pairwise([*f, f[0]]))
    return sum(passed[b, a] != count for (a, b), count in passed.items())


@pytest.mark.parametrize("name", CLASSES)
def test_in_place_with_unit_normals_and_the_promised_triangles(name: str) -> None:
    mesh = shape(name)
    assert 5000 <= len(mesh.faces) <= 8000
    assert mesh.radius == pytest.approx(RADIUS, abs=1e-6)
    assert np.allclose(mesh.vertices.min(axis=0), -mesh.vertices.max(axis=0), atol=1e-6)
    assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(1, abs=1e-6)
    types = mesh.vertices.dtype, mesh.faces.dtype, mesh.normals.dtype
    assert types == (np.float32, np.int32, np.float32)


@pytest.mark.parametrize("name", CLASSES)
def test_normals_agree_with_the_faces_about_them_and_point_outwards(name: str) -> None:
    mesh = shape(name)
    assert mesh.volume > 0.3
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces].astype(float), 1, 0)
    of_faces = np.cross(b - a, c - a)
    at_corners = np.einsum("fci,fi->fc", mesh.normals[mesh.faces], of_faces)
    weights = np.linalg.norm(of_faces, axis=1, keepdims=True)
    assert at_corners.sum() / (3 * weights.sum()) > 0.9  # 1 on a flat surface


@pytest.mark.parametrize("name", BODIES)
def test_bodies_are_one_closed_piece_before_and_after_reduction(name: str) -> None:
    fine = from_triangles(*polygonised(BODIES[name]()))
    for mesh in (fine, shape(name), reduced(shape(name), 1000)):
        assert open_edges(mesh) == 0
        assert whole(mesh).body_count == 1
    assert whole(fine).is_watertight  # besides, no two parts of it touch along an edge


def test_the_teapot_is_open_and_its_spout_is_in_front() -> None:
    mesh = shape("teapot")
    assert open_edges(mesh) > 0
    assert whole(mesh).is_winding_consistent
    vertices, _ = teapot()
    assert vertices[vertices[:, 0] > 2.9, 2].min() > 1.9  # the spout's lip: in front, and high


@pytest.mark.parametrize("name", CLASSES)
def test_left_and_right_are_mirror_images(name: str) -> None:
    vertices = teapot()[0] if name == "teapot" else polygonised(BODIES[name](), cells=40)[0]
    distance, _ = cKDTree(vertices).query(vertices * [1, -1, 1])
    assert distance.max() < 1e-5
    # Reduction keeps that to within the size of its triangles, on average far below it.
    mesh = shape(name)
    distance, _ = cKDTree(mesh.vertices).query(mesh.vertices * np.float32([1, -1, 1]))
    assert distance.mean() < 0.02


@pytest.mark.parametrize("name", CLASSES)
def test_the_same_bytes_each_time(name: str) -> None:
    first, second = (built(name, cells=30, triangles=500) for _ in range(2))
    assert first.digest == second.digest


def test_classes_differ_in_outline() -> None:
    """Each is far from each, in the mean distance between their surfaces."""
    trees = {name: cKDTree(shape(name).vertices) for name in CLASSES}
    for a in CLASSES:
        for b in CLASSES:
            distance, _ = trees[a].query(shape(b).vertices)
            assert (distance.mean() > 0.05) == (a != b), (a, b)


@pytest.mark.parametrize("name", CLASSES)
def test_reduced_meshes_stay_where_they_are(name: str) -> None:
    mesh = shape(name)
    fewer = reduced(mesh, 1000)
    assert 800 <= len(fewer.faces) <= 1000
    distance, _ = cKDTree(mesh.vertices).query(fewer.vertices)
    assert distance.mean() < whole(mesh).edges_unique_length.mean()
    assert fewer.volume == pytest.approx(mesh.volume, rel=0.05)
    assert np.allclose(fewer.vertices.min(axis=0), mesh.vertices.min(axis=0), atol=0.06)
    assert np.allclose(fewer.vertices.max(axis=0), mesh.vertices.max(axis=0), atol=0.06)


def test_nothing_to_reduce() -> None:
    assert reduced(shape("cow"), 100_000) is shape("cow")
    with pytest.raises(InputError, match="triangles must be at least 20, got 3"):
        reduced(shape("cow"), 3)


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(InputError, match="unknown class 'horsy': did you mean 'horse'"):
        built("horsy")
