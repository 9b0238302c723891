"""Small trees of real JPEGs in ImageNet's layout, and an encoder to evaluate on them."""

import sys
from pathlib import Path

import numpy as np
import pytest

from causal_ssl.models.image_encoders import ImageEncoder, image_encoder
from causal_ssl.models.weights.runs import save_encoder

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "datasets" / "suites")]
"""Makes `greys` and `suite_trees` importable."""

WNIDS = ("n01443537", "n02102040", "n03000684", "n04487081", "n07745940", "n09835506")


@pytest.fixture(scope="session")
def imagenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train/ (8 each) and val/ (4 each) of six classes, which their colours tell apart somewhat."""
    image_module = pytest.importorskip("PIL.Image")
    root = tmp_path_factory.mktemp("imagenet")
    rng = np.random.default_rng(0)
    for split, n in (("train", 8), ("val", 4)):
        for number, wnid in enumerate(WNIDS):
            (root / split / wnid).mkdir(parents=True)
            for k in range(n):
                width, height = (int(side) for side in rng.integers(40, 90, size=2))
                small = rng.integers(0, 256, (5, 6, 3)) * 0.6
                small[..., number % 3] += 30 * (1 + number // 3)
                picture = image_module.fromarray(small.astype(np.uint8)).resize((width, height))
                picture.save(root / split / wnid / f"{wnid}_{k}.JPEG", quality=90)
    return root


@pytest.fixture(scope="session")
def encoder() -> ImageEncoder:
    return image_encoder("conv4", seed=0).eval()


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, encoder: ImageEncoder) -> Path:
    """Its file."""
    path = tmp_path_factory.mktemp("encoders") / "encoder.pt"
    save_encoder(path, encoder, {"method": "none"})
    return path
