"""Digests of images never change: features that are kept would be computed again."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import idx
from PIL import Image

from causal_ssl.datasets.images.folders import ImageFolder
from causal_ssl.datasets.images.listing import list_images
from causal_ssl.datasets.suites import SuiteImages, Transform
from causal_ssl.experiments.evaluation.config import OnSplits
from causal_ssl.experiments.evaluation.images import Split, open_split
from causal_ssl.experiments.packing import pack_splits


def class_folders(root: Path) -> Path:
    """Two classes of two images in train and val, of these bytes and times."""
    for number, name in enumerate(("train/a", "train/b", "val/a", "val/b")):
        (root / name).mkdir(parents=True)
        for k in range(2):
            path = root / name / f"{k}.ppm"
            width = 20 + number + k
            path.write_bytes(b"P6 %d 20 255\n" % width + bytes(3 * 20 * width))
            os.utime(path, (1e9 + k, 1e9 + k))
    return root


def packed(root: Path) -> Path:
    pack_splits(class_folders(root / "images"), root / "packed", 16, workers=1)
    return root / "packed"


def idx_files(root: Path) -> Path:
    root.mkdir()
    for prefix, n in (("train", 3), ("t10k", 2)):
        pixels = np.arange(n * 16 * 16).reshape(n, 16, 16) % 251
        (root / f"{prefix}-images-idx3-ubyte").write_bytes(idx(pixels))
        (root / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(np.arange(n)))
    return root


def causal3dident(root: Path, grey: int = 90) -> Path:
    """Two images of the first class, black and grey."""
    for index in range(7):
        (root / f"testset/images_{index}").mkdir(parents=True)
        latents = np.linspace(-1, 1, 20).reshape(2, 10) if not index else np.empty((0, 10))
        np.save(root / f"testset/raw_latents_{index}.npy", latents)
    for row in range(2):
        Image.new("RGB", (16, 16), (grey * row,) * 3).save(root / f"testset/images_0/{row}.png")
    return root


Made = Callable[[Path], Path]


def opened(made: Made, root: Path) -> Split:
    size = 16 if made is class_folders else None
    return open_split(OnSplits(data_root=str(made(root)), size=size), "val")


@pytest.mark.parametrize(
    ("made", "digest"),
    [
        (class_folders, "b2e522f98fc0262c"),
        (packed, "19813a2b50790ba4"),
        (idx_files, "e67ecbcb351c32cd"),
        (causal3dident, "c7d7fd84e11dbb21"),
    ],
)
def test_a_digest_is_what_it_was(made: Made, digest: str, tmp_path: Path) -> None:
    assert opened(made, tmp_path / "set").digest()[:16] == digest


def test_the_same_scenes_rendered_otherwise_have_another_digest(tmp_path: Path) -> None:
    one, other = (
        open_split(OnSplits(data_root=str(causal3dident(tmp_path / str(grey), grey))), "val")
        for grey in (90, 91)
    )
    assert np.array_equal(one.images.images.latents, other.images.images.latents)
    assert one.digest() != other.digest()


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (class_folders, "{}/val/b/1.ppm"),
        (packed, "b/1.ppm"),
        (idx_files, "image 1 of {}/t10k-images-idx3-ubyte"),
        (causal3dident, "image 1 of {}/testset"),
    ],
)
def test_an_image_is_called_by_its_file_or_its_number(
    made: Made, name: str, tmp_path: Path
) -> None:
    split = opened(made, tmp_path / "set")
    assert split.called(len(split) - 1) == name.format(tmp_path / "set")


def test_a_test_set_has_the_digest_of_its_files(tmp_path: Path) -> None:
    folder = class_folders(tmp_path) / "val"
    suite = SuiteImages(folder, list_images(folder), {"a": (0,), "b": (1,)}, Transform(crop=16))
    images = ImageFolder(folder, size=16)
    assert suite.digest() == images.digest()
    assert suite.called(2) == images.called(2) == str(folder / "b/0.ppm")
