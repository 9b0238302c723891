"""A check finds what is wrong with a data set, and finds nothing where nothing is."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from fake_rendering import recipe, render
from helpers import idx
from pictures import CLASSES, LABELS, PIXELS, picture

from causal_ssl.datasets.images import check as checking
from causal_ssl.datasets.images import open_images
from causal_ssl.datasets.images.check import check
from causal_ssl.datasets.images.folders import ImageFolder
from causal_ssl.datasets.images.packing import pack
from causal_ssl.datasets.images.skipping import write_unreadable
from causal_ssl.datasets.watcher import Watcher
from causal_ssl.errors import InputError


class Seen(Watcher):
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.works: dict[str, list[int]] = {}

    def begin(self, what: str, total: int, done: int, unit: str = "images") -> None:
        self.works[what] = [total, done]
        self._last = what

    def advance(self, images: int) -> None:
        self.works[self._last][1] += images


def test_a_sound_tree_has_nothing_wrong(root: Path) -> None:
    seen = Seen()
    report = check(root, watcher=seen)
    assert report.ok
    assert report.layout == "class folders"
    assert report.counts == dict.fromkeys(("train", "val"), dict.fromkeys(CLASSES, 4))
    assert (report.decoded, report.images) == (24, 24)
    assert seen.works["decoding"] == [24, 24]
    assert seen.works[f"listing {root / 'train'}"] == [3, 3]
    assert "train          12 images, 3 classes of 4" in str(report)
    assert "24 of 24 images read, all can be" in str(report)
    assert report.notes[0].startswith("train looks like a part of ImageNet: 3 of 1,000 classes, 12")


def test_unreadable_images_are_listed_and_can_then_be_skipped(root: Path) -> None:
    broken = [f"train/{CLASSES[1]}/{CLASSES[1]}_{k}.JPEG" for k in (0, 2)]
    (root / broken[0]).write_bytes((root / broken[0]).read_bytes()[:300])
    (root / broken[1]).write_bytes(b"")
    report = check(root, workers=2)
    assert list(report.unreadable) == broken
    assert report.unreadable[broken[1]] == "the file is empty"
    assert not report.ok
    assert "24 of 24 images read, 2 cannot be" in str(report)
    assert f"{broken[1]}: the file is empty" in str(report)
    write_unreadable(root / "unreadable.txt", report.unreadable)
    images = open_images(root, size=8, on_corrupt="skip")
    assert len(images.batch(np.arange(len(images)))["image"]) == 10


def test_a_sample_is_a_function_of_the_seed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Path] = []
    monkeypatch.setattr(checking, "defect", drawn.append)
    report = check(root, sample=5)
    assert report.decoded == 5 == len(set(drawn))
    first = set(drawn)
    drawn.clear()
    check(root, sample=5)
    assert set(drawn) == first
    drawn.clear()
    check(root, sample=5, seed=1)
    assert set(drawn) != first
    assert check(root, sample=0).decoded == 0
    assert check(root, sample=99).decoded == 24
    with pytest.raises(InputError, match="sample must be at least 0, got -1"):
        check(root, sample=-1)


def test_folders_that_do_not_fit_are_named(root: Path) -> None:
    (root / "val" / CLASSES[2]).rename(root / "val" / "dog")
    (root / "train" / "n09999999").mkdir()
    picture(0).save(root / "train" / "stray.jpg")
    problems = check(root).problems
    assert problems == [
        f"{root}/train has 1 images outside of class folders (stray.jpg)",
        "train has class folders without images: n09999999",
        "train lacks classes that val has: dog",
        f"val lacks classes that train has: {CLASSES[2]}, n09999999",
        "val has folders that are no WordNet ids: dog",
    ]


def test_misnamed_and_missing_splits_are_named(root: Path) -> None:
    (root / "val").rename(root / "Validation")
    report = check(root)
    assert report.problems == ["the folder 'Validation' is misnamed: rename it to 'val'"]
    assert list(report.counts) == ["train", "Validation"]
    shutil.rmtree(root / "train")
    assert check(root).problems[1] == "there is no folder 'train', only Validation"


def test_unsorted_validation_images_are_a_problem(root: Path) -> None:
    for name in CLASSES:
        for path in (root / "val" / name).iterdir():
            path.rename(root / "val" / path.name)
        (root / "val" / name).rmdir()
    problems = check(root).problems
    assert "12 images but no class folders" in problems[0]
    assert "val lacks classes that train has" in problems[1]


def test_class_folders_alone_are_a_data_set(root: Path) -> None:
    report = check(root / "train")
    assert (report.ok, list(report.counts), report.decoded) == (True, ["all"], 12)
    assert report.notes == []


def test_imagenet_whole_is_recognised(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1000 - 3):
        folder = root / "val" / f"n9{number:07}"
        folder.mkdir()
        shutil.copy(root / "val" / CLASSES[0] / "ILSVRC2012_val_0_0.JPEG", folder)
    shutil.rmtree(root / "train")
    monkeypatch.setitem(checking.IMAGENET, "val", 12 + 997)
    report = check(root, sample=3)
    assert report.notes == [
        "val looks like all of ImageNet: 1,000 of 1,000 classes, 1,009 of 1,009 images"
    ]


def test_packed_copies_are_read(root: Path, tmp_path: Path) -> None:
    for split in ("train", "val"):
        pack(ImageFolder(root / split, size=8), tmp_path / "packed" / split, 8)
    report = check(tmp_path / "packed")
    assert (report.ok, report.layout, report.decoded) == (True, "packed copies", 24)
    assert report.counts["val"] == dict.fromkeys(CLASSES, 4)
    array = np.load(tmp_path / "packed" / "val" / "images.npy", mmap_mode="r+")
    array[7] ^= 1
    array.flush()
    (tmp_path / "packed" / "train" / "index.npz").unlink()
    first, second = check(tmp_path / "packed").problems
    assert "index.npz is damaged" in first
    assert "val: images 0 to 11 are not as they were written" in second


def test_idx_files_are_read(tmp_path: Path) -> None:
    for prefix in PIXELS:
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx(PIXELS[prefix]))
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(LABELS[prefix]))
    report = check(tmp_path)
    assert (report.ok, report.layout, report.decoded) == (True, "IDX files", 9)
    assert report.counts["train"]["0"] == 2
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    (problem,) = check(tmp_path).problems
    assert "t10k-labels-idx1-ubyte is missing" in problem


def test_causal3dident_is_decoded(tmp_path: Path) -> None:
    render(tmp_path, recipe(40, 20))
    report = check(tmp_path)
    assert (report.ok, report.layout, report.decoded) == (True, "Causal3DIdent", 60)
    path = next((tmp_path / "testset").rglob("*.png"))
    path.write_bytes(path.read_bytes()[:40])
    assert list(check(tmp_path).unreadable) == [str(path.relative_to(tmp_path))]
    path.unlink()
    (problem,) = check(tmp_path).problems
    assert "is missing" in problem


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no data set of images: it is empty"):
        check(tmp_path)
    with pytest.raises(InputError, match="gone is not a folder"):
        check(tmp_path / "gone")
