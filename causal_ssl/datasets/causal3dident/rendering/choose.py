"""Which renderer: the one that is asked for, or the best that this machine has."""

from pathlib import Path

from causal_ssl.datasets.causal3dident.rendering.cycles import CyclesRenderer
from causal_ssl.datasets.causal3dident.rendering.raster import RasterRenderer, available
from causal_ssl.datasets.causal3dident.rendering.renderer import Meshes, Renderer, RenderSettings
from causal_ssl.errors import InputError, one_of

BACKENDS = ("auto", "raster", "cycles")


def open_renderer(
    backend: str,
    meshes: Meshes,
    settings: RenderSettings,
    *,
    blender: str | Path | None = None,
) -> Renderer:
    """A renderer of this name, for one core.

    Args:
        backend: "raster", "cycles", or "auto": raster where an OpenGL context opens, else Cycles.
        meshes: class index -> mesh.
        settings: size, samples and scene.
        blender: for Cycles; see `blender.find`.

    Raises:
        InputError: an unknown backend, or it does not work here; says what to install.

    Examples:
        >>> open_renderer("eevee", {}, RenderSettings())
        Traceback (most recent call last):
        ...
        causal_ssl.errors.InputError: unknown backend 'eevee': (known: auto, cycles, raster)
    """
    one_of("backend", backend, BACKENDS)
    if backend == "cycles":
        return CyclesRenderer(meshes, settings, blender=blender)
    hindrance = available()
    if backend == "raster" or hindrance is None:
        return RasterRenderer(meshes, settings)
    try:
        return CyclesRenderer(meshes, settings, blender=blender)
    except InputError as error:
        raise InputError(
            f"neither renderer works here; one of them is enough.\nraster: {hindrance}\n"
            f"cycles: {error}"
        ) from error
