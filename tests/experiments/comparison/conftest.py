"""A small data set in IDX files for the study's tests."""

import struct
from pathlib import Path

import numpy as np
import pytest

N_CLASSES = 3


def write_idx(path: Path, values: np.ndarray) -> None:
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    path.write_bytes(header + values.astype(np.uint8).tobytes())


def bars(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Grey images (n, 28, 28) of a bright bar on noise, the class its third of the height."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(n) % N_CLASSES)
    images = random.integers(0, 60, size=(n, 28, 28))
    for image, label in zip(images, labels, strict=True):
        top = 9 * label + random.integers(0, 5)
        image[top : top + 5] = 255 - random.integers(0, 60, size=(5, 28))
    return images, labels


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder: 96 training images and 60 test images."""
    folder = tmp_path_factory.mktemp("bars")
    for k, (prefix, n) in enumerate({"train": 96, "t10k": 60}.items()):
        images, labels = bars(n, seed=k)
        write_idx(folder / f"{prefix}-images-idx3-ubyte", images)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", labels)
    return folder
