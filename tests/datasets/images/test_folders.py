"""A folder of class folders is listed as torchvision's ImageFolder does, and read by batches."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import CLASSES, picture
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder as Reference

from causal_ssl.datasets.images import open_images
from causal_ssl.datasets.images.check import check
from causal_ssl.datasets.images.folders import ImageFolder
from causal_ssl.datasets.images.packing import pack
from causal_ssl.datasets.images.skipping import write_unreadable
from causal_ssl.errors import InputError
from causal_ssl.training.images.batches import StepBatches, step_loader


def test_it_is_listed_as_by_torchvision(root: Path) -> None:
    (root / "train" / CLASSES[1] / "deeper").mkdir()
    picture(7).save(root / "train" / CLASSES[1] / "deeper" / "a.png")
    (root / "train" / CLASSES[1] / "notes.txt").write_text("no image")
    ours, theirs = ImageFolder(root / "train", size=8), Reference(root / "train")
    assert ours.classes == theirs.classes == list(CLASSES)
    assert list(zip(map(str, ours.paths), ours.labels.tolist(), strict=True)) == theirs.samples


def test_a_batch_has_images_labels_and_the_shape_that_each_had(root: Path) -> None:
    images = ImageFolder(root / "train", size=16)
    batch = images.batch(np.array([9, 2]))
    assert (batch["image"].shape, batch["image"].dtype) == ((2, 3, 16, 16), torch.uint8)
    assert batch["label"].tolist() == [2, 0]
    assert batch["index"].tolist() == [9, 2]
    np.testing.assert_allclose(batch["aspect"], [41 / 30, 42 / 30])
    for image, path in zip(batch["image"], (images.path(9), images.path(2)), strict=True):
        expected = np.array(Image.open(path).resize((16, 16), Image.Resampling.BILINEAR))
        assert np.abs(image.permute(1, 2, 0).numpy().astype(int) - expected).max() <= 1
    assert images[9]["aspect"].shape == ()
    torch.testing.assert_close(images[9]["image"], batch["image"][0], rtol=0, atol=0)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_read_the_same(root: Path, start: str) -> None:
    images = ImageFolder(root / "train", size=8)
    batches = StepBatches(images, batch_size=4, seed=0)
    loader = step_loader(batches, start=1, total=4, workers=1, pinned=False)
    loader.multiprocessing_context = start
    for step, batch in enumerate(loader, start=1):
        for name, values in batch.items():
            assert torch.equal(values, batches[step][name])


def test_hidden_files_are_no_samples(root: Path) -> None:
    before = len(ImageFolder(root / "val", size=8))
    (root / "val" / CLASSES[0] / "._ILSVRC2012_val_1.JPEG").write_bytes(b"\0")
    (root / "val" / ".cache").mkdir()
    (root / "val" / CLASSES[0] / ".trash").mkdir()
    picture(0).save(root / "val" / CLASSES[0] / ".trash" / "a.png")
    images = ImageFolder(root / "val", size=8)
    assert (len(images), len(images.classes)) == (before, 3)


def test_names_that_are_no_utf8_are_read(root: Path) -> None:
    import os

    folder = os.fsencode(root / "train" / CLASSES[0])
    os.rename(os.path.join(folder, b"n01440764_0.JPEG"), os.path.join(folder, b"\xe9.JPEG"))
    images = ImageFolder(root / "train", size=8)
    assert images.batch(np.arange(len(images)))["image"].shape[0] == 12


def test_it_pickles_small(root: Path) -> None:
    images = ImageFolder(root / "train", size=8)
    again = pickle.loads(pickle.dumps(images))
    assert torch.equal(again.batch(np.array([5]))["image"], images.batch(np.array([5]))["image"])
    assert images.listing.names.nbytes == 12 * len("n01440764/n01440764_0.JPEG")


def test_skipped_images_are_named_and_the_others_keep_their_order(root: Path) -> None:
    name = f"{CLASSES[1]}/{CLASSES[1]}_2.JPEG"
    (root / "train" / name).write_bytes(b"broken")
    with pytest.raises(InputError, match=r"_2.JPEG cannot be decoded"):
        ImageFolder(root / "train", size=8).batch(np.arange(12))
    images = ImageFolder(root / "train", size=8, skip={name, "n0/gone.JPEG"})
    assert images.skipped == [name]
    assert images.labels.tolist() == [0] * 4 + [1] * 3 + [2] * 4
    assert images.batch(np.arange(11))["label"].tolist() == images.labels.tolist()


def test_a_damaged_image_is_named_by_workers_too(root: Path) -> None:
    (root / "train" / CLASSES[0] / f"{CLASSES[0]}_0.JPEG").write_bytes(b"broken")
    batches = StepBatches(ImageFolder(root / "train", size=8), batch_size=12, seed=0)
    loader: DataLoader = step_loader(batches, start=0, total=1, workers=1, pinned=False)
    with pytest.raises(InputError, match=r"n01440764_0.JPEG cannot be decoded"):
        next(iter(loader))


def test_folders_that_are_no_classes_are_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone cannot be listed \(No such file"):
        ImageFolder(tmp_path / "gone", size=8)
    with pytest.raises(InputError, match=r"4 images but no class folders: move each image"):
        ImageFolder(root / "train" / CLASSES[0], size=8)
    with pytest.raises(InputError, match=r"size must be at least 1, got 0"):
        ImageFolder(root / "train", size=0)
    (root / "train" / "n09999999").mkdir()
    with pytest.raises(InputError, match=r"class folders without images \(n09999999\): fill"):
        ImageFolder(root / "train", size=8)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match=r"none is empty: expected a folder of images for every"):
        ImageFolder(tmp_path / "none", size=8)


def test_a_link_to_nowhere_is_named_and_can_be_left_out(root: Path, tmp_path: Path) -> None:
    (root / "train" / CLASSES[1] / "gone.JPEG").symlink_to(tmp_path / "unmounted" / "1.JPEG")
    images = ImageFolder(root / "train", size=8)
    for read in (images.digest, lambda: pack(images, tmp_path / "packed", 8)):
        with pytest.raises(
            InputError,
            match=r"gone.JPEG cannot be read \(No such file.*\): restore it.*`--on-corrupt skip`",
        ):
            read()
    report = check(root)
    write_unreadable(root / "unreadable.txt", report.unreadable)
    fewer = open_images(root, size=8, on_corrupt="skip")
    assert fewer.skipped == [f"{CLASSES[1]}/gone.JPEG"]
    (root / "train" / CLASSES[1] / "gone.JPEG").unlink()
    assert fewer.digest() == ImageFolder(root / "train", size=8).digest()
