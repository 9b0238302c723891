"""A renderer without graphics, which worker processes can import, and a set rendered with it."""

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from causal_ssl.datasets.causal3dident.generate import Outcome, generate
from causal_ssl.datasets.causal3dident.presets import causal3dident
from causal_ssl.datasets.causal3dident.recipe import Recipe
from causal_ssl.datasets.causal3dident.rendering.renderer import Image, RenderSettings
from causal_ssl.datasets.causal3dident.scene import Frames
from causal_ssl.datasets.causal3dident.views import LatentTransformation

HUES = LatentTransformation("hues")
SIZE = 8


class FakeRenderer:
    """A flat image in the object's colour, whose first pixel is the position and next the class."""

    name = "fake"

    def __init__(self, settings: RenderSettings, seconds: float) -> None:
        self.settings = settings
        self.seconds = seconds
        self.versions = {"driver": "1.0"}

    def render(self, classes: np.ndarray, frames: Frames) -> Iterator[Image]:
        size = self.settings.size
        for index, colour, position in zip(
            classes, frames.object_colour, frames.position, strict=True
        ):
            time.sleep(self.seconds)
            image = np.empty((size, size, 3), np.uint8)
            image[:] = np.round(255 * colour)
            image[0, 0] = np.round(20 * (position + 6))
            image[0, 1] = index
            yield image

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class FakeStudio:
    """Opens `FakeRenderer`, after `seconds` a picture."""

    settings: RenderSettings = field(default_factory=lambda: RenderSettings(size=SIZE))
    backend: str = "auto"
    seconds: float = 0.0

    def showing(self, classes: Iterable[int]) -> "FakeStudio":
        return self

    def on(self, backend: str) -> "FakeStudio":
        return replace(self, backend=backend)

    def record(self) -> dict[str, str]:
        return {"shapes": "none"}

    def open(self) -> FakeRenderer:
        return FakeRenderer(self.settings, self.seconds)


def render(
    out: Path | str,
    train: int = 300,
    test: int = 40,
    *,
    views: int = 0,
    seconds: float = 0.0,
    workers: int = 1,
    **changed: object,
) -> Outcome:
    """A small set; `changed` are other fields of the recipe."""
    recipe = Recipe(
        causal3dident(),
        train=train,
        test=test,
        **{"seed": 3, "transformations": (HUES,) if views else (), "views": views, **changed},
    )
    return generate(recipe, out, studio=FakeStudio(seconds=seconds), workers=workers)


if __name__ == "__main__":
    render(sys.argv[1], views=2, seconds=float(sys.argv[2]), workers=int(sys.argv[3]))
