"""The layout of a data set is told from its folder, and a folder of none is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_rendering import recipe, render
from helpers import idx
from pictures import CLASSES, LABELS, PIXELS

from causal_ssl.datasets.images import Images, open_images
from causal_ssl.errors import InputError


def as_promised(images: Images, *, n: int, size: int) -> None:
    """What trainers rely on."""
    assert len(images) == len(images.labels) == n
    assert images.labels.dtype == np.int64
    assert set(images.labels.tolist()) <= set(range(len(images.classes)))
    batch = images.batch(np.arange(n)[::-1], torch.Generator())
    assert (batch["image"].shape, batch["image"].dtype) == ((n, 3, size, size), torch.uint8)
    assert batch["label"].tolist() == images.labels[::-1].tolist()
    assert batch["label"].dtype == torch.int64
    assert (batch["aspect"].dtype, batch["aspect"].shape) == (torch.float32, (n,))
    assert batch["index"].tolist() == list(range(n))[::-1]


def test_class_folders(root: Path) -> None:
    as_promised(open_images(root, "train", size=16), n=12, size=16)
    as_promised(open_images(root, "val", size=8), n=12, size=8)


def test_class_folders_without_splits(root: Path) -> None:
    (root / "val").rename(alone := root / "photographs")
    as_promised(open_images(alone, size=8), n=12, size=8)
    with pytest.raises(InputError, match="photographs has no splits, all of it is 'train': for"):
        open_images(alone, "val", size=8)


@pytest.mark.parametrize("named", ["train", "val"])
def test_a_split_in_place_of_the_data_set_is_told_from_one_without_splits(
    root: Path, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_promised(open_images(root / named, size=8), n=12, size=8)
    says = f"{named} is one split of a data set: for 'val' name the folder .* in, {root}$"
    with pytest.raises(InputError, match=says):
        open_images(root / named, "val", size=8)
    monkeypatch.chdir(root)
    with pytest.raises(InputError, match=says):
        open_images(named, "val", size=8)


def test_idx_files(tmp_path: Path) -> None:
    for prefix in PIXELS:
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx(PIXELS[prefix]))
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(LABELS[prefix]))
    as_promised(open_images(tmp_path, "train"), n=6, size=28)
    for name in ("val", "test"):
        as_promised(open_images(tmp_path, name, size=20), n=3, size=20)
    with pytest.raises(InputError, match="needs class folders"):
        open_images(tmp_path, subset="list.txt")


def test_causal3dident(tmp_path: Path) -> None:
    render(tmp_path, recipe(40, 20))
    as_promised(open_images(tmp_path, "train"), n=40, size=8)
    images = open_images(tmp_path, "val", size=4)
    as_promised(images, n=20, size=4)
    assert images.classes[:2] == ["teapot", "hare"]
    assert images.batch(np.arange(3))["latents"].shape == (3, 10)
    with pytest.raises(InputError, match=r"size 9 of images of 8 x 8 pixels .* give at most 8"):
        open_images(tmp_path, size=9)


@pytest.mark.parametrize("found", ["Train", "training", "TRAIN"])
def test_a_misnamed_split_is_suggested(root: Path, found: str) -> None:
    (root / "train").rename(root / found)
    with pytest.raises(InputError, match=rf"no folder 'train', but '{found}': rename it, or give"):
        open_images(root, "train", size=8)
    as_promised(open_images(root, found, size=8), n=12, size=8)


def test_other_splits_are_listed(root: Path) -> None:
    with pytest.raises(InputError, match=r"unknown split of .* 'test': \(known: train, val\)"):
        open_images(root, "test", size=8)
    (root / "val").rename(root / "validation")
    with pytest.raises(InputError, match="no folder 'val', but 'validation'"):
        open_images(root, "val", size=8)


def test_unsorted_validation_images_are_recognised(root: Path) -> None:
    for name in CLASSES:
        for path in (root / "val" / name).iterdir():
            path.rename(root / "val" / path.name)
        (root / "val" / name).rmdir()
    with pytest.raises(InputError, match=r"12 images but no class folders.*come unsorted"):
        open_images(root, "val", size=8)


def test_what_is_no_data_set_is_described(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="have many sizes: give the size"):
        open_images(root)
    with pytest.raises(InputError, match="is not a folder: name that of a data set"):
        open_images(tmp_path / "gone", size=8)
    other = tmp_path / "other"
    (other / "papers").mkdir(parents=True)
    (other / "notes.txt").touch()
    with pytest.raises(
        InputError,
        match=r"no data set of images: it has 1 folders \(papers\) and 1 files \(notes.txt\); exp",
    ):
        open_images(other, size=8)
    shutil.rmtree(other / "papers")
    (other / "notes.txt").unlink()
    with pytest.raises(InputError, match="it is empty; expected"):
        open_images(other, size=8)


def test_corrupt_images_are_skipped_only_on_request(root: Path, tmp_path: Path) -> None:
    broken = root / "train" / CLASSES[1] / f"{CLASSES[1]}_2.JPEG"
    broken.write_bytes(b"broken")
    with pytest.raises(InputError, match=r"unreadable.txt cannot be read .* data check"):
        open_images(root, size=8, on_corrupt="skip")
    (root / "unreadable.txt").write_text(f"{broken.relative_to(root)}\tno image\n")
    elsewhere = Path(shutil.copy(root / "unreadable.txt", tmp_path / "list"))
    for given in ("skip", elsewhere):
        images = open_images(root, size=8, on_corrupt=given)
        as_promised(images, n=11, size=8)
        assert images.skipped == [f"{CLASSES[1]}/{CLASSES[1]}_2.JPEG"]
    as_promised(open_images(root, "val", size=8, on_corrupt="skip"), n=12, size=8)
    assert len(open_images(root, size=8)) == 12
