"""Centres have the proportions of the original; parts of a data set keep images and classes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pictures import CLASSES
from torch.nn import functional as F

from causal_ssl.datasets.images import open_images
from causal_ssl.datasets.images.centres import Centres, centres
from causal_ssl.datasets.images.parts import Part, renumbered
from causal_ssl.errors import InputError


def test_a_centre_is_seen_in_its_true_proportions() -> None:
    """A wide image with a circle in its middle, squeezed to a square when it is read."""
    rows, columns = np.mgrid[:240, :480]
    circle = ((rows - 120) ** 2 + (columns - 240) ** 2 < 60**2).astype(np.float32)
    squeezed = F.interpolate(torch.tensor(circle)[None, None], size=(64, 64), mode="area")
    image = (squeezed.expand(1, 3, -1, -1) * 255).to(torch.uint8)

    class One:
        def __len__(self) -> int:
            return 1

        def batch(self, indices: Any, generator: Any = None) -> dict[str, torch.Tensor]:
            return {"image": image, "aspect": torch.tensor([2.0])}

    one = Centres(One(), size=56, labels=np.zeros(1, np.int64))
    inside = one.batch(np.zeros(1, np.int64))["image"][0, 0] > 127
    height, width = inside.any(1).sum(), inside.any(0).sum()
    assert abs(int(height) - int(width)) <= 2


def test_centres_are_drawn_once_and_keep_their_classes(root: Path) -> None:
    images = open_images(root, size=16)
    drawn = centres(images, 5, size=12, seed=0)
    order = np.arange(5)
    assert torch.equal(
        drawn.batch(order)["image"], centres(images, 5, size=12, seed=0).batch(order)["image"]
    )
    whole = Centres(images, size=12, labels=images.labels).batch(np.arange(12))["image"]
    for image, label in zip(drawn.batch(order)["image"], drawn.labels, strict=True):
        (found,) = np.flatnonzero((whole == image).flatten(1).all(dim=1))
        assert images.labels[found] == label
    assert len(centres(images, 100, size=12, seed=0)) == len(images)


def test_classes_are_numbered_by_name(root: Path) -> None:
    listed = root / "some-classes.txt"
    listed.write_text("\n".join(CLASSES[1:]))
    train, some = open_images(root, size=16), open_images(root, "val", size=16, subset=listed)
    held_out = centres(some, 8, size=12, seed=0, classes=train.classes)
    assert sorted(held_out.labels) == [1] * 4 + [2] * 4
    with pytest.raises(InputError, match=f"classes that no training image has: {CLASSES[0]}"):
        renumbered(train, some.classes)


def test_a_part_has_the_rows_it_is_of(root: Path) -> None:
    images, rows = open_images(root, size=16), np.array([7, 2, 9])
    part = Part(images, rows)
    assert len(part) == 3
    assert part.batch(np.array([2, 0]))["index"].tolist() == [9, 7]
