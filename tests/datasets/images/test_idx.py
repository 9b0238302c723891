"""IDX files hold what they say, or are refused."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import idx
from pictures import LABELS, PIXELS

from causal_ssl.datasets.images.idx import IdxImages
from causal_ssl.errors import InputError


@pytest.fixture(params=["", ".gz"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Six training and three test images, compressed or not."""
    for name, array in [
        *((f"{prefix}-images-idx3-ubyte", PIXELS[prefix]) for prefix in PIXELS),
        *((f"{prefix}-labels-idx1-ubyte", LABELS[prefix]) for prefix in LABELS),
    ]:
        content = gzip.compress(idx(array)) if request.param else idx(array)
        (tmp_path / (name + request.param)).write_bytes(content)
    return tmp_path


def test_images_are_grey_in_three_channels(folder: Path) -> None:
    for split, prefix in (("train", "train"), ("test", "t10k")):
        images = IdxImages(folder, split)
        batch = images.batch(np.array([2, 0]))
        assert (batch["image"].shape, batch["image"].dtype) == ((2, 3, 28, 28), torch.uint8)
        for channel in range(3):
            np.testing.assert_array_equal(batch["image"][:, channel], PIXELS[prefix][[2, 0]])
        assert batch["label"].tolist() == LABELS[prefix][[2, 0]].tolist()
        assert batch["aspect"].tolist() == [1, 1]
        assert images.classes == [str(label) for label in range(10)]
        np.testing.assert_array_equal(images.labels, LABELS[prefix])


def test_they_are_resized_on_request(folder: Path) -> None:
    images = IdxImages(folder, "train", size=14)
    batch = images.batch(np.arange(6))["image"]
    assert batch.shape == (6, 3, 14, 14)
    means = PIXELS["train"].mean(axis=(1, 2))
    np.testing.assert_allclose(batch.double().mean((1, 2, 3)), means, atol=6)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda good: good[:-5], r"has 4,699 bytes of data, its header says 4,704 \(6 x 28 x 28\)"),
        (lambda good: good + b"\0", r"has 4,705 bytes of data"),
        (lambda good: good[:10], "begins with 00 00 08 03"),
        (lambda good: b"", "begins with nothing, an IDX file"),
        (lambda good: idx(LABELS["train"]), "begins with 00 00 08 01, .* with 00 00 08 03"),
        (lambda good: idx(PIXELS["t10k"]), "has 3 train images and 6 labels"),
        (lambda good: idx(PIXELS["train"][:, :20]), "images of 28 x 20 pixels"),
    ],
    ids=["truncated", "longer", "header", "empty", "labels", "other count", "not square"],
)
def test_damaged_files_are_refused(folder: Path, damage: object, says: str) -> None:
    (path,) = folder.glob("train-images*")
    content = damage(idx(PIXELS["train"]))
    path.write_bytes(gzip.compress(content) if path.suffix else content)
    with pytest.raises(InputError, match=says):
        IdxImages(folder)


def test_missing_and_cut_files_are_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"unknown split 'tset': did you mean 'test'"):
        IdxImages(folder, "tset")
    (path,) = folder.glob("t10k-labels*")
    path.write_bytes(path.read_bytes()[:9])
    with pytest.raises(InputError, match=r"t10k-labels-idx1-ubyte.* download it again"):
        IdxImages(folder, "test")
    path.unlink()
    with pytest.raises(InputError, match=r"t10k-labels-idx1-ubyte is missing, with .gz and"):
        IdxImages(folder, "test")
