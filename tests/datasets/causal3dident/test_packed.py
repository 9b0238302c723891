"""The packed array holds each image of a split once, made smaller, whatever interrupted it."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
from fake_rendering import recipe, render, tree

from causal_ssl.datasets import store
from causal_ssl.datasets.causal3dident import packed
from causal_ssl.datasets.causal3dident.images import read, shrink
from causal_ssl.datasets.causal3dident.layout import albums
from causal_ssl.datasets.causal3dident.packed import open_packed, pack
from causal_ssl.datasets.space import Stopped
from causal_ssl.errors import InputError

ROWS = 40


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set of forty training images with two counterfactuals each, packed five by five."""
    render(tmp_path / "set", recipe(ROWS, 0, views=2))
    monkeypatch.setattr(packed, "IMAGES", 5)
    return tmp_path / "set"


def test_every_image_is_there_in_its_place(root: Path) -> None:
    pack(root, "train", 4, workers=2)
    images = open_packed(root, "train", 4)
    assert isinstance(images, np.memmap)
    assert (images.shape, images.dtype) == ((ROWS, 4, 4, 3), np.uint8)
    paths = [album.path(row) for album in albums(root, "train") for row in range(album.rows)]
    for image, path in zip(images, paths, strict=True):
        np.testing.assert_array_equal(image, shrink(read(path), 4))


def test_counterfactuals_lie_beside_their_images(root: Path) -> None:
    pack(root, "train", 8, change="hues")
    images, found = (
        open_packed(root, "train", 8, change="hues"),
        albums(root, "train", change="hues"),
    )
    assert images.shape == (ROWS, 2, 8, 8, 3)
    rows = [(album, row) for album in found for row in range(album.rows)]
    for views, (album, row) in zip(images, rows, strict=True):
        for view in range(2):
            np.testing.assert_array_equal(views[view], read(album.path(row, view)))


def test_interrupted_it_continues_and_ends_the_same(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tree(pack(root, "train", 4, workers=1))
    (root / "trainset" / "packed_4").rename(tmp_path / "whole")
    seen: list[Path] = []

    def interrupted(path: Path) -> np.ndarray:
        seen.append(path)
        if len(seen) == 12:
            raise KeyboardInterrupt
        return read(path)

    monkeypatch.setattr(packed, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pack(root, "train", 4, workers=1)
    with pytest.raises(InputError, match=r"images.npy is missing: pack the set first"):
        open_packed(root, "train", 4)
    seen.extend([Path()] * 12)
    before = len(seen)
    assert tree(pack(root, "train", 4, workers=1)) == whole
    assert len(seen) - before == ROWS - 10  # two chunks of five were done
    assert tree(pack(root, "train", 4)) == whole
    assert len(seen) - before == ROWS - 10  # and nothing is done twice


def test_of_another_set_nothing_is_continued(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = root / "trainset" / "packed_4"
    folder.mkdir()
    np.save(folder / store.PARTIAL, np.zeros((3, 4, 4, 3), np.uint8))
    (folder / store.JOURNAL).write_text('{"part": "0", "record": 5}\n')
    pack(root, "train", 4)
    assert open_packed(root, "train", 4)[:5].any()


@pytest.mark.parametrize(
    ("size", "change", "says"),
    [
        (0, "", "packed must be at least 1, got 0"),
        (9, "", "8 x 8 pixels cannot be shrunk to 9 x 9"),
        (4, "positions", "no counterfactuals of the change 'positions' .it has hues"),
    ],
)
def test_what_cannot_be_packed_is_refused(root: Path, size: int, change: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        pack(root, "train", size, change=change)


def test_a_damaged_image_is_named(root: Path) -> None:
    path = next(path for album in albums(root, "train") for path in album.paths())
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match=rf"{path.name} is damaged"):
        pack(root, "train", 4)


def test_a_full_disk_is_one_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        with pytest.raises(Stopped, match="is full"):
            pack(root, "train", 4)
    pack(root, "train", 4)
    assert len(open_packed(root, "train", 4)) == ROWS


def test_a_damaged_array_is_named(root: Path) -> None:
    folder = pack(root, "train", 4)
    (folder / "images.npy").write_bytes(b"x")
    with pytest.raises(InputError, match=r"images.npy is damaged .* delete .*packed_4"):
        open_packed(root, "train", 4)


def test_a_copy_of_images_that_were_replaced_is_refused(root: Path) -> None:
    pack(root, "train", 4)
    pack(root, "train", 4, change="hues")
    (latents,) = (root / "trainset").glob("raw_latents_0.npy")
    np.save(latents, -np.load(latents))
    with pytest.raises(InputError, match=r"images.npy is stale: .* delete .*packed_4 and pack"):
        open_packed(root, "train", 4)
    with pytest.raises(InputError, match="is stale"):
        pack(root, "train", 4)
    assert len(open_packed(root, "train", 4, change="hues")) == ROWS  # whose latents are others


def test_a_copy_of_images_rendered_anew_is_refused(root: Path) -> None:
    pack(root, "train", 4)
    manifest = json.loads((root / "manifest.json").read_text())
    album = next(album for album in manifest["shards"] if album.startswith("trainset/images_"))
    manifest["shards"][album][0] = "0" * 64
    (root / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="is stale"):
        open_packed(root, "train", 4)
