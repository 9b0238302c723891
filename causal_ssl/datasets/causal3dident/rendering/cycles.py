"""The reference backend: Blender's Cycles, a path tracer, in a process of its own.

Blender's Python package exists for few versions of Python and wants an older NumPy, so it may live
under another Python than the one that asks. `blender_worker.py` runs there.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from causal_ssl.datasets.causal3dident.rendering.blender import Blender, find
from causal_ssl.datasets.causal3dident.rendering.renderer import Image, Meshes, RenderSettings
from causal_ssl.datasets.causal3dident.scene import Frames
from causal_ssl.errors import InputError, in_range, one_of

PUBLISHED_SAMPLES = 512
"""Paths a pixel in 3DIdent and Causal3DIdent."""

Device = Literal["auto", "cpu", "gpu"]


class CyclesRenderer:
    """Renders with Cycles; see `renderer.Renderer`.

    Without bounces and denoised, as published. From 512 samples on the denoiser runs as Blender
    sets it; with fewer, fast and without filtering its inputs first.

    Args:
        meshes: class index -> mesh.
        settings: size, samples and scene.
        blender: a Blender, or a Python that has bpy; None looks for one, see `blender.find`.
        device: "auto" is a GPU where Blender finds one. Pixels may differ between devices.
        threads: of Cycles; 0 is one a core. Pixels do not depend on it.

    Raises:
        InputError: no mesh, an unknown device, or no Blender that works; says what to do.

    Examples:
        >>> CyclesRenderer({}, RenderSettings())
        Traceback (most recent call last):
        ...
        causal_ssl.errors.InputError: no meshes to render: expected one for each class
    """

    name = "cycles"

    def __init__(
        self,
        meshes: Meshes,
        settings: RenderSettings,
        *,
        blender: str | Path | None = None,
        device: Device = "auto",
        threads: int = 1,
    ) -> None:
        if not meshes:
            raise InputError("no meshes to render: expected one for each class")
        one_of("device", device, get_args(Device))
        in_range("threads", threads, at_least=0)
        program = find(blender)
        self._shape = (settings.size, settings.size, 3)
        self._classes = sorted(meshes)
        self._folder = tempfile.TemporaryDirectory(prefix="causal-ssl-cycles-")
        try:
            folder = Path(self._folder.name)
            _save_meshes(folder / "meshes.npz", meshes)
            told = _told(settings, self._classes, device, threads)
            (folder / "scene.json").write_text(json.dumps(told))
            self._blender = Blender(program, folder)
        except BaseException:
            self._folder.cleanup()
            raise
        self._versions = {**self._blender.greeting, "samples": settings.samples}

    @property
    def versions(self) -> Mapping[str, Any]:
        """Blender's version, the device, and the samples a pixel."""
        return self._versions

    def render(self, classes: NDArray[np.int64], frames: Frames) -> Iterator[Image]:
        """One image a frame; see `renderer.Renderer.render`.

        Raises:
            InputError: a class without a mesh, or not one class a frame.
            RenderError: while the images are taken: Blender died.
        """
        if classes.shape != (len(frames),):
            raise InputError(f"classes of shape {classes.shape}: expected ({len(frames)},)")
        if unknown := sorted(set(classes.tolist()) - set(self._classes)):
            raise InputError(f"no mesh for class {unknown[0]}: there are {self._classes}")
        return self._images(classes, frames)

    def close(self) -> None:
        """End Blender and remove what it worked on."""
        self._blender.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _images(self, classes: NDArray[np.int64], frames: Frames) -> Iterator[Image]:
        arrays = frames.arrays()
        for index, shape in enumerate(classes.tolist()):
            frame = {name: rows[index].tolist() for name, rows in arrays.items()}
            pixels = self._blender.ask({"class": shape, **frame}, int(np.prod(self._shape)))
            yield np.frombuffer(bytearray(pixels), np.uint8).reshape(self._shape)


def _told(
    settings: RenderSettings, classes: list[int], device: str, threads: int
) -> dict[str, Any]:
    fast = settings.samples < PUBLISHED_SAMPLES
    return {
        "scene": asdict(settings.scene),
        "classes": classes,
        "settings": {
            "size": settings.size,
            "samples": settings.samples,
            "denoising_quality": "FAST" if fast else "HIGH",
            "denoising_prefilter": "NONE" if fast else "ACCURATE",
            "device": device,
            "threads": threads,
        },
    }


def _save_meshes(path: Path, meshes: Meshes) -> None:
    arrays = {
        f"{part}_{index}": getattr(mesh, part)
        for index, mesh in meshes.items()
        for part in ("vertices", "faces", "normals")
    }
    np.savez(path, **arrays)
