"""The user's meshes: each format comes back as it went, and each that is broken is refused."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from causal_ssl.datasets.causal3dident import shapes
from causal_ssl.datasets.causal3dident.mesh import Mesh, from_triangles
from causal_ssl.datasets.causal3dident.shapes import folder as user
from causal_ssl.errors import InputError

trimesh = pytest.importorskip("trimesh", reason="the extra `images` is not installed")
pytest.importorskip("fast_simplification", reason="the extra `images` is not installed")

TEAPOT, HARE = 0, 1
FORMATS = ("obj", "ply", "stl", "glb")


def wedge() -> Mesh:
    """No symmetry: a wrong axis or a mirror image would be seen."""
    box = trimesh.creation.box((4, 2, 1)).subdivide()
    points = box.vertices * (1 + 0.2 * np.tanh(box.vertices @ [[0.5], [0.3], [0.9]]))
    return from_triangles(points, box.faces)


def export(mesh: Mesh, path: Path, scale: float = 7.0) -> Path:
    y_up = path.suffix.lower() == ".glb"
    points = mesh.vertices[:, [1, 2, 0]] if y_up else mesh.vertices
    whole = trimesh.Trimesh(points * scale + 3, mesh.faces, process=False)
    path.write_bytes(_bytes(whole.export(file_type=path.suffix[1:].lower())))
    return path


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


@pytest.mark.parametrize("ending", [*FORMATS, "OBJ"])
def test_each_format_comes_back_at_unit_size(tmp_path: Path, ending: str) -> None:
    mesh = wedge()
    export(mesh, tmp_path / f"Hare.{ending}")
    (tmp_path / "notes.txt").write_text("not a mesh")
    (tmp_path / "sphere.obj").write_text("of no class")
    loaded = shapes.meshes([HARE], folder=tmp_path)
    assert list(loaded) == [HARE]
    assert len(loaded[HARE].faces) == len(mesh.faces)
    assert loaded[HARE].volume == pytest.approx(mesh.volume, rel=1e-4)
    distance, partner = cKDTree(loaded[HARE].vertices).query(mesh.vertices)
    assert sorted(partner) == list(range(len(mesh.vertices)))
    assert distance.max() < 1e-4  # files keep at least six digits
    assert loaded[HARE].normals[partner] == pytest.approx(mesh.normals, abs=1e-3)


def test_quads_are_split_and_seams_of_texture_closed(tmp_path: Path) -> None:
    (tmp_path / "hare.obj").write_text(
        "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 0 1\nvt 0 0\nvt 1 1\nvt 0.5 1\n"
        "f 1/1 4/2 3/3 2/1\nf 1/2 2/1 5/3\nf 2/2 3/1 5/3\nf 3/3 4/1 5/2\nf 4/3 1/1 5/2\n"
    )
    mesh = shapes.meshes([HARE], folder=tmp_path)[HARE]
    assert (len(mesh.vertices), len(mesh.faces)) == (5, 6)
    assert trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).is_watertight


def test_a_scene_is_one_mesh_with_its_parts_in_place(tmp_path: Path) -> None:
    ball = trimesh.creation.icosphere(subdivisions=1)
    scene = trimesh.Scene([ball])
    scene.add_geometry(ball.copy(), transform=trimesh.transformations.translation_matrix([6, 0, 0]))
    (tmp_path / "hare.glb").write_bytes(scene.export(file_type="glb"))
    mesh = shapes.meshes([HARE], folder=tmp_path)[HARE]
    assert len(mesh.faces) == 2 * len(ball.faces)
    # A GLB file's x is to the side: y here. Two balls of radius 1, their centres 6 apart.
    extent = np.ptp(mesh.vertices, axis=0)
    assert extent[1] / extent[2] == pytest.approx(8 / 2, rel=0.01)


def test_huge_meshes_are_reduced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user, "MOST_TRIANGLES", 500)
    ball = trimesh.creation.icosphere(subdivisions=3)
    export(from_triangles(ball.vertices, ball.faces), tmp_path / "hare.ply")
    mesh = shapes.meshes([HARE], folder=tmp_path)[HARE]
    assert 400 <= len(mesh.faces) <= 500
    assert mesh.radius == pytest.approx(1.5, abs=1e-6)


def test_what_lacks_is_named_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "teapot.obj").write_text("broken")
    with pytest.raises(InputError, match=r"has no mesh of hare, cow: .* such as hare\.obj"):
        shapes.meshes([0, 1, 3], folder=tmp_path)
    with pytest.raises(InputError, match=f"no folder {tmp_path / 'lost'}"):
        shapes.meshes([0], folder=tmp_path / "lost")


def test_two_meshes_of_one_class_are_refused(tmp_path: Path) -> None:
    for name in ("teapot.obj", "Teapot.ply"):
        export(wedge(), tmp_path / name)
    with pytest.raises(InputError, match=r"Teapot\.ply and teapot\.obj: one class, one mesh"):
        shapes.meshes([TEAPOT], folder=tmp_path)


@pytest.mark.parametrize("content", ["empty", "cut", "noise"])
@pytest.mark.parametrize("ending", FORMATS)
def test_broken_files_are_refused_by_name(tmp_path: Path, ending: str, content: str) -> None:
    path = export(wedge(), tmp_path / f"teapot.{ending}")
    whole = path.read_bytes()
    noise = np.random.default_rng(0).bytes(999)
    path.write_bytes({"empty": b"", "cut": whole[: len(whole) // 2 - 3], "noise": noise}[content])
    with pytest.raises(InputError, match=rf"teapot\.{ending}"):
        shapes.meshes([TEAPOT], folder=tmp_path)


TRIANGLE = "v 0 0 0\nv 1 0 0\nv 1 1 0\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TRIANGLE, r"teapot\.obj has no triangles"),
        (TRIANGLE + "l 1 2\nl 2 3\n", r"teapot\.obj has no triangles"),
        (TRIANGLE + "f 1 2 2\n", r"teapot\.obj has no triangles: the corners"),
        (
            TRIANGLE + "f 1 2 9\n",
            r"cannot read .*teapot\.obj: IndexError: .*; export the mesh again",
        ),
        ("v 0 nan 0\nv 1 0 0\nv 1 1 0\nf 1 2 3\n", "coordinate y of vertex 0 is nan"),
        ("v 0 0 0\nv inf 0 0\nv 1 1 0\nf 1 2 3\n", "coordinate x of vertex 1 is inf"),
    ],
)
def test_what_is_no_mesh_is_refused_by_name(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "teapot.obj").write_text(content)
    with pytest.raises(InputError, match=message):
        shapes.meshes([TEAPOT], folder=tmp_path)


def test_a_cloud_of_points_is_refused(tmp_path: Path) -> None:
    cloud = trimesh.PointCloud(wedge().vertices)
    (tmp_path / "teapot.ply").write_bytes(cloud.export(file_type="ply"))
    with pytest.raises(InputError, match=r"teapot\.ply has no triangles"):
        shapes.meshes([TEAPOT], folder=tmp_path)
