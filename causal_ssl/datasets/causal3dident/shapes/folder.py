"""Meshes of the user's own, one a class, named by it: teapot.obj, hare.ply, dragon.stl, cow.glb.

x is taken to be forward and z up, but in GLB files, which by their standard have z forward and y
up. A scene of several meshes is taken as one. Normals are computed, not read: smooth, whatever the
file says. Meshes of more than 50,000 triangles are reduced to as many. Other files are left alone.
"""

from collections.abc import Iterable
from pathlib import Path

from causal_ssl.datasets.causal3dident.latents import CLASSES
from causal_ssl.datasets.causal3dident.mesh import Mesh, from_triangles
from causal_ssl.datasets.causal3dident.shapes.packages import package
from causal_ssl.datasets.causal3dident.shapes.reduction import simplified
from causal_ssl.errors import InputError

FORMATS = (".obj", ".ply", ".stl", ".glb")
MOST_TRIANGLES = 50_000


def from_folder(folder: Path, classes: Iterable[int]) -> dict[int, Mesh]:
    """The meshes of some classes, in a sphere of radius 1.5 about the origin.

    Args:
        folder: holds a file for each of the classes, in any case of letters.
        classes: indices into `latents.CLASSES`.

    Raises:
        InputError: no such folder, a class without a file or with two of them (before any is read),
            or a file that `loaded` refuses.
    """
    return {index: loaded(path) for index, path in _paths(folder, classes).items()}


def loaded(path: Path) -> Mesh:
    """The mesh in a file.

    Args:
        path: in one of the `FORMATS`.

    Raises:
        InputError: the file is damaged, holds no triangles or a coordinate that is not finite;
            trimesh is not installed.
    """
    trimesh = package("trimesh")
    try:
        # Unprocessed: processing would drop what is not finite without a word.
        found = trimesh.load_mesh(path, process=False)
    except Exception as error:  # on foreign bytes its readers raise whatever they run into
        raise InputError(
            f"cannot read {path}: {type(error).__name__}: {error}; export the mesh again"
        ) from error
    vertices = found.vertices
    if path.suffix.lower() == ".glb":
        vertices = vertices[:, [2, 0, 1]]
    whole = from_triangles(vertices, found.faces, what=str(path))
    fewer = simplified(whole.vertices, whole.faces, MOST_TRIANGLES)
    return from_triangles(*fewer, what=str(path))


def _paths(folder: Path, classes: Iterable[int]) -> dict[int, Path]:
    if not folder.is_dir():
        raise InputError(f"no folder {folder}: expected one with a mesh for each class")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in FORMATS)
    paths = {index: [p for p in files if p.stem.lower() == CLASSES[index]] for index in classes}
    missing = [CLASSES[index] for index, found in paths.items() if not found]
    if missing:
        raise InputError(
            f"{folder} has no mesh of {', '.join(missing)}: expected a file named by the class, "
            f"such as {missing[0]}.obj ({', '.join(FORMATS)})"
        )
    for found in paths.values():
        if len(found) > 1:
            names = " and ".join(path.name for path in found)
            raise InputError(f"{folder} has {names}: one class, one mesh; remove all but one")
    return {index: found[0] for index, found in paths.items()}
