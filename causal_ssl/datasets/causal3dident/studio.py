"""The renderers and shapes of this project, as worker processes come by them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from causal_ssl.datasets.causal3dident.latents import CLASSES
from causal_ssl.datasets.causal3dident.rendering.choose import open_renderer
from causal_ssl.datasets.causal3dident.rendering.renderer import Meshes, Renderer, RenderSettings
from causal_ssl.datasets.causal3dident.shapes import meshes
from causal_ssl.errors import InputError


@dataclass(frozen=True)
class MeshStudio:
    """A backend, and the shapes that it shows; see `drawing.Studio`.

    Attributes:
        settings: size, samples and scene.
        backend: "auto", "raster" or "cycles".
        folder: of the user's own meshes, which every worker must find there; None for the shapes
            from code.
        blender: a Blender, or a Python that has bpy; None looks for one.
        shapes: (class, digest of its mesh) that workers must find; see `showing`.
    """

    settings: RenderSettings = field(default_factory=RenderSettings)
    backend: str = "auto"
    folder: Path | None = None
    blender: Path | None = None
    shapes: tuple[tuple[int, str], ...] = ()

    def showing(self, classes: Iterable[int]) -> Self:
        """The same, tied to the meshes of some classes as this process finds them.

        Raises:
            InputError: see `shapes.meshes`.
        """
        return replace(self, shapes=_digests(meshes(classes, folder=self.folder)))

    def on(self, backend: str) -> Self:
        """The same with a backend of that name."""
        return replace(self, backend=backend)

    def record(self) -> Mapping[str, Any]:
        """The meshes' digests, for the manifest."""
        origin = "from code" if self.folder is None else "the user's"
        return {
            "shapes": origin,
            **{f"shape_{CLASSES[index]}": digest for index, digest in self.shapes},
        }

    def open(self) -> Renderer:
        """A renderer in this process.

        Raises:
            InputError: no backend is there, or other meshes than those that this is tied to.
        """
        found = meshes([index for index, _ in self.shapes], folder=self.folder)
        for (index, expected), (_, digest) in zip(self.shapes, _digests(found), strict=True):
            if digest != expected:
                raise InputError(
                    f"a worker finds another mesh of the {CLASSES[index]} than the process that "
                    "sent it: install the same versions everywhere, and share the folder of meshes"
                )
        return open_renderer(self.backend, found, self.settings, blender=self.blender)


def _digests(found: Meshes) -> tuple[tuple[int, str], ...]:
    return tuple((index, mesh.digest) for index, mesh in sorted(found.items()))
