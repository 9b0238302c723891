"""Scenes drawn and encoded, in whichever process: the same scenes give the same bytes."""

import atexit
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol, Self

from causal_ssl.datasets.causal3dident.images import encode
from causal_ssl.datasets.causal3dident.latents import Classes, RawLatents
from causal_ssl.datasets.causal3dident.rendering.renderer import Renderer, RenderSettings


class Studio(Protocol):
    """How a process comes by a renderer: a frozen dataclass, hashable and sent to workers."""

    @property
    def settings(self) -> RenderSettings:
        """Size, samples and scene."""

    @property
    def backend(self) -> str:
        """The renderer's name, or "auto"."""

    def showing(self, classes: Iterable[int]) -> Self:
        """The same, tied to the shapes of these classes as this process finds them."""

    def on(self, backend: str) -> Self:
        """The same with a backend of that name."""

    def record(self) -> Mapping[str, Any]:
        """What the pixels depend on beside settings and backend, for the manifest."""

    def open(self) -> Renderer:
        """A renderer in this process.

        Raises:
            InputError: this machine has none; says what to install.
        """


@dataclass(frozen=True)
class Drawn:
    """What became of some scenes.

    Attributes:
        pngs: files' contents, in the scenes' order.
        pixels: SHA-256 of the images' pixels, one after the other.
        backend: the renderer's name.
        versions: the renderer's; see `Renderer.versions`.
    """

    pngs: tuple[bytes, ...]
    pixels: str
    backend: str
    versions: Mapping[str, Any]


def draw(studio: Studio, classes: Classes, raw: RawLatents) -> Drawn:
    """Draw scenes with the renderer of this process, which is kept for the next.

    Args:
        studio: opens the renderer, if the one at hand is not its.
        classes: (n,).
        raw: (n, 10), in [-1, 1].

    Raises:
        InputError: see `Studio.open`.
        RenderError: the renderer's own process died.
    """
    renderer = _kept.of(studio)
    pngs, pixels = [], sha256()
    for image in renderer.render(classes, studio.settings.scene.frames(raw)):
        pngs.append(encode(image))
        pixels.update(image.tobytes())
    return Drawn(tuple(pngs), pixels.hexdigest(), renderer.name, dict(renderer.versions))


def release() -> None:
    """Close the renderer that this process keeps, if any."""
    _kept.close()


class _Kept:
    """One renderer a process: opening one takes seconds, and several would share its cores."""

    def __init__(self) -> None:
        self._open: tuple[Studio, Renderer] | None = None

    def of(self, studio: Studio) -> Renderer:
        if self._open is None or self._open[0] != studio:
            self.close()
            # Read by Mesa's software GL when it starts: there is a process for each core already.
            os.environ.setdefault("LP_NUM_THREADS", "1")
            self._open = studio, studio.open()
        return self._open[1]

    def close(self) -> None:
        kept, self._open = self._open, None
        if kept is not None:
            kept[1].close()


_kept = _Kept()
atexit.register(release)
