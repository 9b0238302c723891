"""A renderer without graphics, which worker processes can import, and a set rendered with it."""

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from causal_ssl.datasets.causal3dident.generate import Outcome, generate
from causal_ssl.datasets.causal3dident.presets import causal3dident
from causal_ssl.datasets.causal3dident.recipe import Recipe
from causal_ssl.datasets.causal3dident.rendering.renderer import Image, RenderSettings
from causal_ssl.datasets.causal3dident.scene import Frames
from causal_ssl.datasets.causal3dident.views import LatentTransformation

HUES = LatentTransformation("hues")
SIZE, POISONED = 8, 4


def picture(index: int, colour: np.ndarray, position: np.ndarray, size: int = SIZE) -> Image:
    """A flat image in the object's colour; its first pixel is the position, the next the class."""
    image = np.empty((size, size, 3), np.uint8)
    image[:] = np.round(255 * colour)
    image[0, 0] = np.round(20 * (position + 6))
    image[0, 1] = index
    return image


@dataclass(frozen=True)
class FakeStudio:
    """Opens itself as a renderer.

    Attributes:
        seconds: that a picture takes.
        poison: if this file is there, the process removes it and is killed at its next picture of
            the class `POISONED`.
    """

    settings: RenderSettings = field(default_factory=lambda: RenderSettings(size=SIZE))
    backend: str = "auto"
    seconds: float = 0.0
    poison: str = ""
    name = "fake"
    versions = {"driver": "1.0"}  # noqa: RUF012

    def showing(self, classes: Iterable[int]) -> "FakeStudio":
        return self

    def on(self, backend: str) -> "FakeStudio":
        return replace(self, backend=backend)

    def record(self) -> dict[str, str]:
        return {"shapes": "none"}

    def open(self) -> "FakeStudio":
        return self

    def render(self, classes: np.ndarray, frames: Frames) -> Iterator[Image]:
        parts = zip(classes, frames.object_colour, frames.position, strict=True)
        for index, colour, position in parts:
            time.sleep(self.seconds)
            if index == POISONED == classes[0] and self.poison and Path(self.poison).exists():
                Path(self.poison).unlink()
                os.kill(os.getpid(), signal.SIGKILL)
            yield picture(index, colour, position, self.settings.size)

    def close(self) -> None:
        pass


def recipe(train: int = 300, test: int = 40, *, views: int = 0, **changed: object) -> Recipe:
    """A small set of a fixed seed; `changed` are other fields."""
    given = {"seed": 3, "transformations": (HUES,) if views else (), "views": views, **changed}
    return Recipe(**{"model": causal3dident(), "train": train, "test": test, **given})


def render(
    out: Path | str,
    of: Recipe | None = None,
    *,
    studio: FakeStudio | None = None,
    workers: int = 1,
    parallel: str = "loky",
) -> Outcome:
    """Render a set; by default the small one, with two counterfactuals."""
    return generate(
        of or recipe(views=2),
        out,
        studio=studio or FakeStudio(),
        workers=workers,
        parallel=parallel,
    )


def tree(root: Path) -> dict[str, str]:
    """Every file below a folder -> SHA-256 of its bytes."""
    return {
        str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


if __name__ == "__main__":
    render(sys.argv[1], studio=FakeStudio(seconds=float(sys.argv[2])))
