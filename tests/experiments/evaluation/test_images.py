"""What an encoder is shown: torchvision's evaluation, to the bit."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import transforms
from torchvision.datasets import ImageFolder

from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.config import OnSplits
from causal_ssl.experiments.evaluation.images import open_split
from causal_ssl.experiments.packing import pack_splits


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_files_are_seen_as_torchvisions_evaluation_shows_them(
    imagenet: Path, interpolation: str
) -> None:
    asked = OnSplits(data_root=str(imagenet), size=56, interpolation=interpolation)
    split = open_split(asked, "val")
    how = transforms.Compose(
        [
            transforms.Resize(64, transforms.InterpolationMode(interpolation)),
            transforms.CenterCrop(56),
            transforms.PILToTensor(),
        ]
    )
    theirs = ImageFolder(str(imagenet / "val"), how)
    ours = split.seen.batch(np.arange(len(split)))["image"]
    assert torch.equal(ours, torch.stack([image for image, _ in theirs]))
    assert split.labels.tolist() == theirs.targets


def test_packed_copies_are_seen_in_true_proportions(imagenet: Path, tmp_path: Path) -> None:
    pack_splits(imagenet, tmp_path / "packed", 64, workers=1)
    packed = open_split(OnSplits(data_root=str(tmp_path / "packed")), "val")
    whole = open_split(OnSplits(data_root=str(imagenet), size=56), "val")
    rows = np.arange(len(whole))
    ours, theirs = (split.seen.batch(rows)["image"].float() for split in (packed, whole))
    assert ours.shape == theirs.shape == (24, 3, 56, 56)
    squeezed = packed.images.batch(rows)["image"][..., 4:60, 4:60].float()
    assert (ours - theirs).abs().mean() < 0.3 * (squeezed - theirs).abs().mean()


def test_other_images_or_another_way_to_see_them_have_another_digest(
    imagenet: Path, tmp_path: Path
) -> None:
    def digest(root: Path, **asked: int) -> str:
        return open_split(OnSplits(data_root=str(root), **asked), "val").digest()

    shutil.copytree(imagenet, tmp_path / "copy")
    assert digest(imagenet, size=32) == digest(tmp_path / "copy", size=32)
    assert digest(imagenet, size=32) != digest(imagenet, size=48)
    assert digest(imagenet, size=32) != digest(imagenet, size=32, resize=40)
    first = next((tmp_path / "copy/val/n01443537").iterdir())
    first.write_bytes(bytes(first.stat().st_size))  # as many bytes
    os.utime(first, (0, 0))
    assert digest(imagenet, size=32) != digest(tmp_path / "copy", size=32)
    shutil.copy2(imagenet / "val/n01443537" / first.name, first)
    assert digest(imagenet, size=32) == digest(tmp_path / "copy", size=32)
    first.unlink()
    assert digest(imagenet, size=32) != digest(tmp_path / "copy", size=32)


def test_validation_images_have_the_numbers_of_training_classes(
    imagenet: Path, tmp_path: Path
) -> None:
    shutil.copytree(imagenet, tmp_path / "fewer")
    shutil.rmtree(tmp_path / "fewer/val/n01443537")
    asked = OnSplits(data_root=str(tmp_path / "fewer"), size=32)
    train = open_split(asked, "train")
    assert set(open_split(asked, "val", classes=train.classes).labels) == {1, 2, 3, 4, 5}
    shutil.rmtree(tmp_path / "fewer/train/n02102040")
    fewer = open_split(asked, "train")
    with pytest.raises(InputError, match="no training image has: n02102040"):
        open_split(asked, "val", classes=fewer.classes)


def test_a_centre_larger_than_the_whole_is_refused(imagenet: Path) -> None:
    with pytest.raises(
        InputError, match="a crop of 48 pixels needs at least as many, resize is 32"
    ):
        open_split(OnSplits(data_root=str(imagenet), size=48, resize=32), "val")
