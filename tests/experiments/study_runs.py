"""Studies as tests run them: without a terminal, compared file by file, on images of bars."""

import io
from pathlib import Path

import numpy as np
from helpers import idx
from rich.console import Console

from causal_ssl.experiments import study
from causal_ssl.experiments.config import StudyConfig

BARS = 3
"""Classes of `bars`."""


def run(config: StudyConfig, out: Path, workers: int = 0) -> str:
    """Run a study, by default in this process; what it printed."""
    printed = io.StringIO()
    study.run(config, out, workers=workers, console=Console(file=printed, width=200))
    return printed.getvalue()


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a run by its path."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def bars(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Grey images (n, 28, 28) of a bright bar on noise, the class its third of the height."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(n) % BARS)
    images = random.integers(0, 60, size=(n, 28, 28))
    for image, label in zip(images, labels, strict=True):
        top = 9 * label + random.integers(0, 5)
        image[top : top + 5] = 255 - random.integers(0, 60, size=(5, 28))
    return images, labels


def write_bars(folder: Path) -> Path:
    """The folder with IDX files of bars: 96 training images and 60 test images."""
    for k, (prefix, n) in enumerate({"train": 96, "t10k": 60}.items()):
        images, labels = bars(n, seed=k)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(idx(images))
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))
    return folder
