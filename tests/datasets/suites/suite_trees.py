"""Small test sets in their published layouts, and a classifier that reads its answer in pixels."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

STEP = 12
"""Grey levels between answers: JPEG keeps grey to one or two."""


def grey(path: Path, answer: int, size: tuple[int, int] = (40, 30)) -> Path:
    """An image that the classifier answers so: one grey, width and height as given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (STEP * answer,) * 3).save(path)
    return path


def class_folders(
    folder: Path,
    told: Mapping[str, Sequence[int]],
    *,
    suffix: str = "JPEG",
    size: tuple[int, int] = (40, 30),
) -> Path:
    """FOLDER/CLASS/k.SUFFIX, its k-th image answered told[CLASS][k]."""
    for name, answers in told.items():
        for k, answer in enumerate(answers):
            grey(folder / name / f"{k}.{suffix}", answer, size)
    return folder


def whole(folder: Path, names: Sequence[str], suffix: str = "JPEG") -> Path:
    """A class folder each, with one and the same image in it."""
    first = grey(folder.parent / f"one.{suffix}", 0)
    for name in names:
        (folder / name).mkdir(parents=True)
        os.link(first, folder / name / f"a.{suffix}")
    return folder


def logits_of(images: Tensor, meaning: Sequence[int]) -> Tensor:
    """Logits (b, 1000) of a classifier that reads answer j as class meaning[j].

    Its second choice is class 0, its third class 1, and so on.
    """
    answers = (images.double().mean(dim=(1, 2, 3)) / STEP).round().long()
    logits = -torch.arange(1000.0).repeat(len(images), 1)
    logits[torch.arange(len(images)), torch.tensor(meaning)[answers]] = 1
    return logits


def objectnet(root: Path, told: Mapping[str, Sequence[int]]) -> Path:
    """ROOT/images and ROOT/mappings with four classes, of which ImageNet has three.

    Line 0 of the challenge's list is class 7, line 1 class 2, line 2 class 5, line 3 class 9.
    """
    class_folders(root / "images", told, suffix="png")
    mappings = root / "mappings"
    mappings.mkdir()
    files = {
        "folder_to_objectnet_label.json": {
            "chair": "Chair",
            "plate": "Plate",
            "tv": "TV",
            "spoon_rest": "Spoon rest",
        },
        "objectnet_to_imagenet_1k.json": {
            "Chair": "rocking chair, rocker; folding chair",
            "TV": "television",
            "Plate": "plate",
        },
        "pytorch_to_imagenet_2012_id.json": {"7": 0, "2": 1, "5": 2, "9": 3},
    }
    for name, content in files.items():
        (mappings / name).write_text(json.dumps(content))
    lines = ["folding chair", "television", "rocking chair, rocker", "plate"]
    (mappings / "imagenet_to_label_2012_v2").write_text("\n".join(lines) + "\n")
    return root


def read(images: object, n: int) -> dict[str, Tensor]:
    """All of them as one batch."""
    return images.batch(np.arange(n))  # type: ignore[attr-defined]
