"""A packed copy gives the batches of its source, bit by bit."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import CLASSES, picture
from torch.utils.data import DataLoader

from causal_ssl.datasets import store
from causal_ssl.datasets.images import open_images, packing
from causal_ssl.datasets.images.decoding import decode
from causal_ssl.datasets.images.folders import ImageFolder
from causal_ssl.datasets.images.packing import PackedImages, open_packed, pack
from causal_ssl.errors import InputError
from causal_ssl.training.images.batches import StepBatches, step_loader


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five images a part."""
    monkeypatch.setattr(packing, "IMAGES", 5)


@pytest.fixture
def packed(root: Path, tmp_path: Path) -> Path:
    """The training images at 16 pixels."""
    return pack(ImageFolder(root / "train", size=8), tmp_path / "packed" / "train", 16, workers=2)


def same(ours: PackedImages | ImageFolder, theirs: ImageFolder) -> None:
    assert ours.classes == theirs.classes
    assert ours.listing.names.tolist() == theirs.listing.names.tolist()
    indices = np.random.default_rng(0).permutation(len(theirs))
    found, expected = ours.batch(indices), theirs.batch(indices)
    assert found.keys() == expected.keys()
    for name in expected:
        assert torch.equal(found[name], expected[name]), name
        assert found[name].dtype == expected[name].dtype


def test_batches_are_those_of_the_folders(root: Path, packed: Path) -> None:
    same(open_packed(packed), ImageFolder(root / "train", size=16))
    assert store.damaged(packed) == []


def test_it_is_opened_by_its_root(root: Path, packed: Path, tmp_path: Path) -> None:
    (root / "train").rename(tmp_path / "elsewhere")
    same(open_images(packed.parent, "train", size=16), ImageFolder(tmp_path / "elsewhere", size=16))
    assert open_images(packed.parent).size == 16
    with pytest.raises(InputError, match=r"packed at 16 x 16 pixels, asked for 8: .* --size 8"):
        open_images(packed.parent, size=8)
    with pytest.raises(InputError, match=r"unknown split .* 'val': \(known: train\)"):
        open_images(packed.parent, "val")
    assert len(open_images(packed)) == 12
    with pytest.raises(InputError, match=r"train has no splits, all of it is 'train'"):
        open_images(packed, "val")


def test_subsets_are_those_of_the_folders(root: Path, packed: Path, tmp_path: Path) -> None:
    for lines in ([f"{CLASSES[2]}_1.JPEG", f"{CLASSES[0]}_3.JPEG"], [CLASSES[2], CLASSES[0]]):
        (tmp_path / "list").write_text("\n".join(lines))
        part = ImageFolder(root / "train", size=16, subset=tmp_path / "list")
        same(open_packed(packed, subset=tmp_path / "list"), part)


def test_workers_map_the_file_themselves(root: Path, packed: Path) -> None:
    images = open_packed(packed)
    assert len(pickle.dumps(images)) < 5_000 < images.batch(np.arange(12))["image"].nbytes
    batches = StepBatches(images, batch_size=4, seed=0)
    loader: DataLoader = step_loader(batches, start=0, total=3, workers=1, pinned=False)
    for step, batch in enumerate(loader):
        assert torch.equal(batch["image"], batches[step]["image"])


def test_interrupted_it_continues(
    root: Path, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []

    def interrupted(path: Path) -> torch.Tensor:
        seen.append(path)
        if len(seen) == 8:
            raise KeyboardInterrupt
        return decode(path)

    def counted(path: Path) -> torch.Tensor:
        seen.append(path)
        return decode(path)

    monkeypatch.setattr("causal_ssl.datasets.images.folders.decode", interrupted)
    images, out = ImageFolder(root / "train", size=16), tmp_path / "again"
    with pytest.raises(KeyboardInterrupt):
        pack(images, out, 16, workers=1)
    with pytest.raises(InputError, match=r"images.npy is missing: pack it first"):
        open_packed(out)
    seen.clear()
    monkeypatch.setattr("causal_ssl.datasets.images.folders.decode", counted)
    pack(images, out, 16, workers=1)
    assert len(seen) == 7  # the first five were done
    pack(images, out, 16, workers=1)
    assert len(seen) == 7
    for name in ("images.npy", "index.npz", "manifest.json"):
        assert (out / name).read_bytes() == (packed / name).read_bytes()


def test_skipped_images_are_known(root: Path, tmp_path: Path) -> None:
    name = f"{CLASSES[1]}/{CLASSES[1]}_2.JPEG"
    (root / "train" / name).write_bytes(b"broken")
    with pytest.raises(InputError, match=r"_2.JPEG cannot be decoded"):
        pack(ImageFolder(root / "train", size=8), tmp_path / "packed", 8)
    images = ImageFolder(root / "train", size=8, skip={name})
    packed = open_packed(pack(images, tmp_path / "packed", 8))
    same(packed, images)
    assert packed.skipped == [name]


def test_a_copy_of_other_images_is_not_taken_for_this_one(root: Path, packed: Path) -> None:
    with pytest.raises(InputError, match="is stale"):
        pack(ImageFolder(root / "train", size=16), packed, 8)
    picture(5, 90, 20).save(root / "train" / CLASSES[0] / f"{CLASSES[0]}_0.JPEG")
    with pytest.raises(InputError, match=r"is stale: .* delete .*train and pack anew"):
        pack(ImageFolder(root / "train", size=16), packed, 16)


def test_a_damaged_index_is_refused(packed: Path) -> None:
    content = (packed / "index.npz").read_bytes()
    (packed / "index.npz").write_bytes(content[:-10])
    with pytest.raises(InputError, match=r"index.npz is damaged .* pack anew"):
        open_packed(packed)
    (packed / "index.npz").unlink()
    with pytest.raises(InputError, match=r"index.npz is damaged \(.*No such file"):
        open_packed(packed)


def test_only_class_folders_are_packed(packed: Path, tmp_path: Path) -> None:
    assert json.loads((packed / "manifest.json").read_text())["classes"] == list(CLASSES)
    with pytest.raises(InputError, match="only class folders are packed"):
        pack(open_packed(packed), tmp_path / "other", 8)
