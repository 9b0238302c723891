"""A small tree in ImageNet's layout: photographs cut into pieces, as JPEGs."""

from pathlib import Path

import numpy as np
import pytest

PHOTOGRAPHS = {
    "n02123394": "chelsea.png",
    "n07920052": "coffee.png",
    "n09835506": "astronaut.png",
    "n04099429": "rocket.jpg",
}


@pytest.fixture(scope="session")
def imagenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train/ and val/ of four classes; pieces of many shapes, as ImageNet's images."""
    folder = Path(pytest.importorskip("skimage.data").__file__).parent
    image_module = pytest.importorskip("PIL.Image")
    root = tmp_path_factory.mktemp("imagenet")
    rng = np.random.default_rng(0)
    for split, n in (("train", 12), ("val", 4)):
        for wnid, name in PHOTOGRAPHS.items():
            photograph = image_module.open(folder / name).convert("RGB")
            (root / split / wnid).mkdir(parents=True)
            for k in range(n):
                width, height = (int(side) for side in rng.integers(60, 160, size=2))
                left = int(rng.integers(0, photograph.width - width))
                top = int(rng.integers(0, photograph.height - height))
                piece = photograph.crop((left, top, left + width, top + height))
                piece.save(root / split / wnid / f"{wnid}_{k}.JPEG", quality=90)
    return root
