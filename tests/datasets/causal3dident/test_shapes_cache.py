"""Shapes kept on disk: found again, built anew when damaged or made otherwise."""

from pathlib import Path

import numpy as np
import pytest

from causal_ssl.datasets.causal3dident import shapes
from causal_ssl.datasets.causal3dident.mesh import Mesh, from_triangles
from causal_ssl.datasets.causal3dident.shapes import cache
from causal_ssl.errors import InputError


class Builder:
    """Counts how often the mesh was built."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Mesh:
        self.calls += 1
        return from_triangles(np.eye(4)[:, :3], [[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])


def equal(a: Mesh, b: Mesh) -> bool:
    pairs = ((a.vertices, b.vertices), (a.faces, b.faces), (a.normals, b.normals))
    return all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in pairs)


def test_built_once_and_found_again(tmp_path: Path) -> None:
    build = Builder()
    first = cache.cached("cup", build, tmp_path / "new")
    second = cache.cached("cup", build, tmp_path / "new")
    assert build.calls == 1
    assert equal(first, second)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [
        f"cup-{cache.fingerprint()[:16]}.mesh"
    ]


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "foreign"])
def test_a_damaged_file_is_written_anew(tmp_path: Path, damage: str) -> None:
    build = Builder()
    cache.cached("cup", build, tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    contents = {"cut": whole[:-7], "empty": b"", "flipped": bytes(flipped), "foreign": b"x" * 999}
    path.write_bytes(contents[damage])
    assert equal(cache.cached("cup", build, tmp_path), build())
    assert path.read_bytes() == whole
    assert build.calls == 3  # the first time, after the damage, and just now for comparison


def test_another_version_of_what_makes_them_is_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = Builder()
    cache.cached("cup", build, tmp_path)
    before = cache.fingerprint()
    monkeypatch.setattr(cache, "version", lambda name: "0")
    cache.fingerprint.cache_clear()
    try:
        assert cache.fingerprint() != before
        cache.cached("cup", build, tmp_path)
    finally:
        cache.fingerprint.cache_clear()
    assert build.calls == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_place_to_write_there_is_a_warning_and_a_mesh(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    build = Builder()
    with pytest.warns(UserWarning, match=r"built anew each time: cannot write .*XDG_CACHE_HOME"):
        mesh = cache.cached("cup", build, tmp_path / "file" / "below")
    assert equal(mesh, build())


def test_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.default_folder() == tmp_path / "causal-ssl" / "shapes"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache.default_folder() == tmp_path / "home" / ".cache" / "causal-ssl" / "shapes"


def test_meshes_come_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    by_default = shapes.meshes([0])
    given = shapes.meshes([0, 0], cache=tmp_path / "given")
    assert list(by_default) == list(given) == [0]
    assert equal(by_default[0], shapes.built("teapot"))
    (one,), (other,) = (
        folder.iterdir() for folder in (tmp_path / "causal-ssl" / "shapes", tmp_path / "given")
    )
    assert one.read_bytes() == other.read_bytes()


def test_classes_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="no class 7: expected 0 to 6"):
        shapes.meshes([0, 7])
