"""Meshes that were built before, on disk, by a key of everything that they are built from."""

import hashlib
import io
import os
import warnings
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files as resources
from pathlib import Path

import numpy as np

from causal_ssl import files
from causal_ssl.datasets.causal3dident.mesh import Mesh

PACKAGES = ("numpy", "scipy", "scikit-image", "trimesh", "fast-simplification")
"""Their versions are part of the key, as is the source of this folder and of `mesh`."""


def default_folder() -> Path:
    """`causal-ssl/shapes` in the user's cache: $XDG_CACHE_HOME if that is an absolute path,
    else ~/.cache.
    """
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "causal-ssl" / "shapes"


def cached(name: str, build: Callable[[], Mesh], folder: Path) -> Mesh:
    """What `build` returns, from the folder if it was kept there.

    A file that is damaged is written anew. Where nothing can be written there is a warning, and the
    mesh all the same.

    Args:
        name: of the shape.
        build: makes it; the same mesh at every call.
        folder: is made if missing.
    """
    path = folder / f"{name}-{fingerprint()[:16]}.mesh"
    mesh = _read(path)
    if mesh is None:
        mesh = build()
        _keep(path, mesh)
    return mesh


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """A hash that changes when the code, the data or a library changes that shapes are made by."""
    digest = hashlib.sha256()
    package = resources("causal_ssl.datasets.causal3dident")
    sources = [source for source in (package / "shapes").iterdir() if source.is_file()]
    for source in [*sorted(sources, key=lambda source: source.name), package / "mesh.py"]:
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    for name in PACKAGES:
        digest.update(f"{name} {_version(name)}\0".encode())
    return digest.hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _keep(path: Path, mesh: Mesh) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, vertices=mesh.vertices, faces=mesh.faces, normals=mesh.normals)
    try:
        files.write(path, hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())
    except OSError as error:
        warnings.warn(
            f"shapes are built anew each time: cannot write {path}: {error.strerror or error}; set "
            "XDG_CACHE_HOME to a folder that can be written to",
            stacklevel=2,
        )


def _read(path: Path) -> Mesh | None:
    """The mesh in a file of ours; None if there is no such file or it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:  # absent; or unreadable, and then writing it will tell
        return None
    digest, arrays = content[:32], content[32:]
    if hashlib.sha256(arrays).digest() != digest:
        return None
    with np.load(io.BytesIO(arrays), allow_pickle=False) as loaded:
        return Mesh(loaded["vertices"], loaded["faces"], loaded["normals"])
