"""Small data sets of real image files."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("n01440764", "n01443537", "n02102040")
RNG = np.random.default_rng(0)
PIXELS = {"train": RNG.integers(0, 256, (6, 28, 28)), "t10k": RNG.integers(0, 256, (3, 28, 28))}
LABELS = {"train": np.array([3, 0, 1, 2, 9, 0]), "t10k": np.array([1, 9, 0])}


def picture(seed: int, width: int = 40, height: int = 30) -> Image.Image:
    """A smooth random picture, as JPEG keeps it."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def image_tree(root: Path, *, each: int = 4, splits: tuple[str, ...] = ("train", "val")) -> Path:
    """ROOT/SPLIT/CLASS/NAME.JPEG as ImageNet's; image k of a class is 40 + k pixels wide."""
    for split in splits:
        for number, name in enumerate(CLASSES):
            folder = root / split / name
            folder.mkdir(parents=True)
            for k in range(each):
                image = picture(100 * number + k, 40 + k)
                prefix = name if split == "train" else f"ILSVRC2012_val_{number}"
                image.save(folder / f"{prefix}_{k}.JPEG", quality=95)
    return root
