"""Pairs of images under a latent transformation (LT), from whatever source there is.

    pairs = LatentViews(Causal3DIdent("sets/small", "train", size=64), "hues")
    pairs.source                                       # "rendered", "raster" or "nearest"
    batch = pairs.batch(indices, generator)
    batch["image"], batch["view"]                      # (b, 3, h, w) each

- rendered: the set holds exact counterfactuals of this change; one of them is chosen at random.
- raster: the exact counterfactual is drawn now, from the manifest of a set that the raster backend
  rendered.
- nearest: the image of the same class whose latents are nearest to those drawn, as in the paper.
  Not a counterfactual: what should be held is held approximately.
"""

import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch.utils.data import Dataset

from causal_ssl.datasets.causal3dident import manifest as manifests
from causal_ssl.datasets.causal3dident.dataset import (
    AlbumPixels,
    Causal3DIdent,
    Pixels,
    channels_first,
)
from causal_ssl.datasets.causal3dident.images import shrink
from causal_ssl.datasets.causal3dident.latents import CLASSES, GROUPS, LATENTS, RawLatents
from causal_ssl.datasets.causal3dident.layout import albums, changes
from causal_ssl.datasets.causal3dident.presets import threedident
from causal_ssl.datasets.causal3dident.rendering.renderer import Renderer, RenderSettings
from causal_ssl.datasets.causal3dident.scene import Scene
from causal_ssl.datasets.causal3dident.studio import MeshStudio
from causal_ssl.datasets.causal3dident.views import LatentTransformation
from causal_ssl.errors import InputError, one_of

Indices = NDArray[np.int64]
PixelsAndLatents = tuple[Pixels, RawLatents]
SOURCES = ("auto", "rendered", "raster", "nearest")


class Source(Protocol):
    """Where the second image of a pair comes from."""

    def draw(self, indices: Indices, generator: torch.Generator) -> PixelsAndLatents:
        """The views of these images, (b, h, w, 3), and their latents, (b, 10)."""


class LatentViews(Dataset[dict[str, Any]]):
    """Images with a view of each in which some latents were drawn anew; the class is shared.

    Args:
        images: the factual ones.
        change: what is drawn anew, see `views.CHANGES`; joined by "+".
        source: "rendered", "raster" or "nearest"; "auto": the first of them that there is.
        meshes: the folder of the user's own meshes, for "raster" where the set was rendered with
            them.
        propagate: whether rendered counterfactuals are wanted in which descendants of what is drawn
            anew follow, as `render --propagate` makes them; otherwise all else is held.

    Attributes:
        source: which it is.
        fallback: why "auto" fell back on the nearest images; "" where it did not.

    Raises:
        InputError: an unknown change or source, or one that is not there for this set; the message
            says what is missing.
    """

    def __init__(
        self,
        images: Causal3DIdent,
        change: str,
        *,
        source: str = "auto",
        meshes: Path | str | None = None,
        propagate: bool = False,
    ) -> None:
        transformation = LatentTransformation(change)
        one_of("source of views", source, SOURCES)
        if propagate and source in ("auto", "rendered"):
            source = "rendered"
        elif propagate:
            raise InputError(f"source {source!r} with propagate: only rendered views can follow")
        self.images, self.fallback = images, ""
        if source == "auto":
            source, self.fallback = _best(images, change, meshes)
        self.source = source
        self._source: Source
        if source == "rendered":
            self._source = RenderedViews(images, transformation, propagate=propagate)
        elif source == "raster":
            self._source = RasterViews(images, transformation, meshes=meshes)
        else:
            self._source = NearestViews(images, transformation)

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: Indices, generator: torch.Generator) -> dict[str, Any]:
        """As `Causal3DIdent.batch`, and view (b, 3, h, w) and view_latents (b, 10).

        Args:
            indices: (b,).
            generator: on the CPU; the views depend on its state and on nothing else.
        """
        pixels, latents = self._source.draw(indices, generator)
        views = {"view": channels_first(pixels), "view_latents": torch.from_numpy(latents)}
        return {**self.images.batch(indices), **views}


def _best(images: Causal3DIdent, change: str, meshes: Path | str | None) -> tuple[str, str]:
    """The best source that there is, and why it is not an exact one where it is not."""
    if change in changes(images.root, images.split):
        return "rendered", ""
    from causal_ssl.datasets.causal3dident.rendering.raster import available

    try:
        _studio(images, meshes)
    except InputError as error:
        return "nearest", str(error)
    if (reason := available()) is not None:
        return "nearest", reason
    return "raster", ""


class RenderedViews:
    """One of the counterfactuals that the set holds of each image, chosen at random.

    Args:
        images: the factual ones.
        transformation: of the counterfactuals.
        propagate: whether other latents may differ too.

    Raises:
        InputError: other latents differ and may not; see also `layout.albums` and
            `dataset.AlbumPixels`.
    """

    def __init__(
        self, images: Causal3DIdent, transformation: LatentTransformation, *, propagate: bool
    ) -> None:
        change = transformation.change
        found = albums(images.root, images.split, change=change)
        self._latents = np.concatenate([album.latents() for album in found])
        if len(self._latents) != len(images):
            raise InputError(
                f"{images.root} has {len(images):,} images in its {images.split}set and "
                f"counterfactuals {change!r} of {len(self._latents):,}: render them again"
            )
        differ = (self._latents != images.latents[:, None]).any(axis=(0, 1))
        for variable in transformation.variables:
            differ[list(GROUPS[variable])] = False
        if differ.any() and not propagate:
            others = ", ".join(LATENTS[column] for column in np.flatnonzero(differ))
            raise InputError(
                f"the counterfactuals {change!r} of {images.root} do not hold {others}, as "
                "`render --propagate` makes them: ask for propagate=True, or for another source"
            )
        self._pixels = AlbumPixels(found, images.size)

    def draw(self, indices: Indices, generator: torch.Generator) -> PixelsAndLatents:
        views = self._latents.shape[1]
        chosen = torch.randint(views, (len(indices),), generator=generator).numpy()
        return self._pixels.read(indices * views + chosen), self._latents[indices, chosen]


class NearestViews:
    """The image of the same class whose latents are nearest to those drawn anew.

    Distances are Euclidean over all ten raw latents. An image may be its own nearest.

    Args:
        images: the factual ones, among which views are looked for.
        transformation: how latents are drawn anew.
    """

    def __init__(self, images: Causal3DIdent, transformation: LatentTransformation) -> None:
        self._all, self._transformation = images, transformation
        self._rows = [np.flatnonzero(images.object_class == k) for k in range(len(CLASSES))]
        self._trees = [cKDTree(images.latents[rows]) if len(rows) else None for rows in self._rows]

    def draw(self, indices: Indices, generator: torch.Generator) -> PixelsAndLatents:
        wanted = redrawn(self._all, self._transformation, indices, generator)
        nearest = np.empty_like(indices)
        for k in np.unique(classes := self._all.object_class[indices]):
            own, tree = classes == k, self._trees[k]
            assert tree is not None
            nearest[own] = self._rows[k][tree.query(wanted[own])[1]]
        return self._all.pixels(nearest), self._all.latents[nearest]


class RasterViews:
    """The exact counterfactual, drawn by the raster backend when it is asked for.

    A renderer is opened by each process that draws, at its first image.

    Args:
        images: the factual ones, of a set that the raster backend rendered.
        transformation: how latents are drawn anew.
        meshes: the folder of the user's own meshes, if the set shows those.

    Raises:
        InputError: no manifest, another backend, or other meshes; no EGL context.
    """

    def __init__(
        self,
        images: Causal3DIdent,
        transformation: LatentTransformation,
        *,
        meshes: Path | str | None = None,
    ) -> None:
        self._all, self._transformation = images, transformation
        self._studio = _studio(images, meshes)
        self._opened: tuple[int, Renderer] | None = None

    def draw(self, indices: Indices, generator: torch.Generator) -> PixelsAndLatents:
        latents = redrawn(self._all, self._transformation, indices, generator)
        frames = self._studio.settings.scene.frames(latents)
        drawn = self._renderer().render(self._all.object_class[indices], frames)
        size = self._all.size
        pixels = np.stack([image if size is None else shrink(image, size) for image in drawn])
        return pixels, latents

    def _renderer(self) -> Renderer:
        # A context does not survive a fork: a process has its own.
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), self._studio.open()
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}


def _studio(images: Causal3DIdent, meshes: Path | str | None) -> MeshStudio:
    manifest = manifests.load(images.root)
    if manifest is None:
        raise InputError(
            f"{images.root} has no {manifests.FILE}, so views cannot be drawn as its images were: "
            "use source='nearest', or render a set"
        )
    settings = manifest["settings"]
    if settings["backend"] != "raster":
        raise InputError(
            f"{images.root} was rendered by {settings['backend']}, views would look different: "
            "render counterfactuals, or use source='nearest'"
        )
    studio = MeshStudio(
        RenderSettings(settings["size"], Scene.from_record(manifest["scene"])),
        backend="raster",
        folder=None if meshes is None else Path(meshes),
    ).showing(sorted(set(images.object_class.tolist())))
    for name, sha in studio.record().items():
        if settings.get(name) != sha:
            raise InputError(
                f"{images.root} shows other shapes than these ({name}): name the folder of its "
                "meshes, or use source='nearest'"
            )
    return studio


def redrawn(
    images: Causal3DIdent,
    transformation: LatentTransformation,
    indices: Indices,
    generator: torch.Generator,
) -> RawLatents:
    """Latents (b, 10) of these images with the chosen ones drawn anew, all others held."""
    # Where all others are held the graph does not matter: any model of these latents will do.
    model = threedident(tuple(range(len(CLASSES))))
    world = model.abduct(images.object_class[indices], images.latents[indices])
    return model.raw(transformation.view(model, world, generator=generator))[1]
