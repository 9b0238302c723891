"""The shapes by class: from code, or from a folder of the user's meshes."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from causal_ssl.datasets.causal3dident.latents import CLASSES
from causal_ssl.datasets.causal3dident.mesh import Mesh, from_triangles
from causal_ssl.datasets.causal3dident.shapes.bust import head
from causal_ssl.datasets.causal3dident.shapes.cache import cached, default_folder
from causal_ssl.datasets.causal3dident.shapes.fantastic import armadillo, dragon
from causal_ssl.datasets.causal3dident.shapes.folder import from_folder
from causal_ssl.datasets.causal3dident.shapes.implicit import Body, polygonised
from causal_ssl.datasets.causal3dident.shapes.quadrupeds import cow, hare, horse
from causal_ssl.datasets.causal3dident.shapes.reduction import simplified
from causal_ssl.datasets.causal3dident.shapes.teapot import teapot
from causal_ssl.errors import InputError, one_of

TRIANGLES = 6500
"""Of a shape at most."""

BODIES: Mapping[str, Callable[[], Body]] = MappingProxyType(
    {
        "hare": hare,
        "dragon": dragon,
        "cow": cow,
        "armadillo": armadillo,
        "horse": horse,
        "head": head,
    }
)
"""The classes in clay: all but the teapot. Their meshes are closed: no edge is open."""


def meshes(
    classes: Iterable[int] | None = None,
    *,
    folder: Path | None = None,
    cache: Path | None = None,
) -> dict[int, Mesh]:
    """The mesh of each class, in a sphere of radius 1.5 about the origin.

    Args:
        classes: indices into `latents.CLASSES`; None stands for all.
        folder: of the user's meshes, one a class: teapot.obj, hare.ply, ...; see `folder`. None
            stands for the shapes from code.
        cache: folder that keeps those; None stands for `cache.default_folder()`. Building
            a shape takes up to half a second of one core.

    Raises:
        InputError: no such class; what `folder.from_folder` refuses; a package is not installed.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as cache:
        ...     teapot = meshes([0], cache=Path(cache))[0]
        >>> len(teapot.faces), round(teapot.radius, 5)
        (6320, 1.5)
    """
    wanted = list(range(len(CLASSES))) if classes is None else _indices(classes)
    if folder is not None:
        return from_folder(folder, wanted)
    kept = default_folder() if cache is None else cache
    names = {index: CLASSES[index] for index in wanted}
    return {index: cached(name, partial(built, name), kept) for index, name in names.items()}


def built(name: str, *, cells: int = 100, triangles: int = TRIANGLES) -> Mesh:
    """A shape from code, without the cache.

    Args:
        name: of the class.
        cells: of the grid along the shape's longest extent; the teapot has none.
        triangles: at most so many.

    Raises:
        InputError: an unknown name, or what `polygonised` and `simplified` refuse.
    """
    one_of("class", name, CLASSES)
    surface = polygonised(BODIES[name](), cells) if name in BODIES else teapot()
    return from_triangles(*simplified(*surface, triangles), what=name)


def _indices(classes: Iterable[int]) -> list[int]:
    indices = sorted({int(index) for index in classes})
    for index in indices:
        if not 0 <= index < len(CLASSES):
            raise InputError(f"no class {index}: expected 0 to {len(CLASSES) - 1}")
    return indices
