"""`causal-ssl render causal3dident`: options in, a set of images in the published layout out.

    causal-ssl render causal3dident --n-train 700 --n-test 70 --size 128 --out sets/small
    causal-ssl render causal3dident --counterfactuals 1 --change hues,positions+hues --packed 64

Called again after an interruption it continues, and ends with the same files.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from causal_ssl.errors import InputError
from causal_ssl.experiments.options import AUTO, check, option, workers
from causal_ssl.experiments.watching import watching

if TYPE_CHECKING:
    from causal_ssl.datasets.causal3dident.recipe import Recipe
    from causal_ssl.datasets.causal3dident.studio import MeshStudio

MODELS = ("causal3dident", "3dident")
BACKENDS = ("auto", "raster", "cycles")
PARALLEL = ("loky", "ray", "dask")
"""Names for help alone, which must not wait for torch; tests hold them to what there is."""


@dataclass(frozen=True)
class RenderOptions:
    """What to render, with what, and where to. Every field is described where it is declared.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> RenderOptions(n_train=70).processes is None, RenderOptions(workers=2).processes
        (True, 2)
    """

    n_train: int = option(250_000, "training images", at_least=0)
    n_test: int = option(25_000, "test images", at_least=0)
    seed: int = option(0, "of the scenes", at_least=0)
    out: str = option(
        "sets/causal3dident", "the set's folder, as `--data-root` takes it", metavar="DIR"
    )
    model: str = option("causal3dident", f"law of the latents: {', '.join(MODELS)}", choices=MODELS)
    size: int = option(224, "pixels a side", at_least=8, at_most=4096)
    backend: str = option(
        "auto",
        "what renders: raster (needs EGL), cycles (needs Blender); auto: the first that works",
        choices=BACKENDS,
    )
    samples: int = option(16, "paths a pixel of cycles; published: 512", at_least=1)
    object_scale: float = option(1.5, "size of the objects; published: 1.5", above=0)
    meshes: str = option("", "folder of your own meshes (teapot.obj, hare.ply, ...)", metavar="DIR")
    blender: str = option(
        "", "a Blender, or a Python that has bpy; empty: look for one", metavar="PATH"
    )
    counterfactuals: int = option(
        0, "counterfactual views of each image, for each change", at_least=0
    )
    change: str = option(
        "",
        "latents that they draw anew: hues, positions, rotations, ..., joined by + to change at "
        "once, by commas to be views of their own",
        metavar="NAMES",
    )
    counterfactuals_of: str = option(
        "all", "the splits that have them: all, train, test", choices=("all", "train", "test")
    )
    propagate: bool = option(False, "let their descendants follow; else all others are held")
    packed: int = option(
        0, "also one array of images of so many pixels a side; 0: none", at_least=0
    )
    workers: str | int = option(AUTO, "processes; auto: one per core", metavar="N")
    backend_parallel: str = option(
        "loky",
        "what runs them: loky (this machine), ray (RAY_ADDRESS), dask (DASK_SCHEDULER_ADDRESS)",
        choices=PARALLEL,
    )

    def __post_init__(self) -> None:
        check(self)
        if self.packed > self.size:
            raise InputError(
                f"packed = {self.packed} pixels of images of size = {self.size}: choose fewer"
            )
        self.processes  # noqa: B018, refuses other words than auto

    @property
    def processes(self) -> int | None:
        """Worker processes; None for one per core."""
        return workers(self.workers)


def run(
    options: RenderOptions, *, console: Console | None = None, recipe: "Recipe | None" = None
) -> Path:
    """Render a set, or what is missing of it.

    Args:
        options: what, with what, and where to.
        console: where progress goes; the terminal when None.
        recipe: scenes in place of those that the options ask for.

    Returns:
        The set's folder.

    Raises:
        InputError: what cannot be rendered, or not there; nothing has been changed then.
        Stopped: the disk is full, a worker or a renderer died. What is finished is kept.
    """
    from causal_ssl.datasets.causal3dident.generate import generate
    from causal_ssl.datasets.causal3dident.packed import bytes_packed, pack

    console = console or Console()
    recipe, out = recipe or recipe_of(options), Path(options.out)
    packings = [
        (split, change)
        for split in ("train", "test")
        for change in ("", *(each.change for each in recipe.changed(split)))
        if options.packed and recipe.size(split)
    ]
    images = sum(
        recipe.size(split) * (options.counterfactuals if change else 1)
        for split, change in packings
    )
    with watching(console) as watcher:
        outcome = generate(
            recipe,
            out,
            studio=studio_of(options),
            workers=options.processes,
            parallel=options.backend_parallel,
            reserve=bytes_packed(images, options.packed),
            watcher=watcher,
        )
        for split, change in packings:
            pack(
                out,
                split,
                options.packed,
                change=change,
                workers=options.processes,
                watcher=watcher,
            )
    state = "rendered" if outcome.drawn else "complete already"
    console.print(f"{state}: {out} ({outcome.images:,} images)", soft_wrap=True, highlight=False)
    return out


def recipe_of(options: RenderOptions) -> "Recipe":
    """The scenes that the options ask for.

    Raises:
        InputError: see `Recipe`.
    """
    from causal_ssl.datasets.causal3dident.layout import SPLITS
    from causal_ssl.datasets.causal3dident.presets import PRESETS
    from causal_ssl.datasets.causal3dident.recipe import Recipe
    from causal_ssl.datasets.causal3dident.views import LatentTransformation

    changes = [name.strip() for name in options.change.split(",") if name.strip()]
    return Recipe(
        PRESETS[options.model](),
        train=options.n_train,
        test=options.n_test,
        seed=options.seed,
        transformations=tuple(
            LatentTransformation(change, propagate=options.propagate) for change in changes
        ),
        views=options.counterfactuals,
        views_of=SPLITS if options.counterfactuals_of == "all" else (options.counterfactuals_of,),
    )


def studio_of(options: RenderOptions) -> "MeshStudio":
    """The renderer and the shapes that the options ask for."""
    from causal_ssl.datasets.causal3dident.rendering.renderer import RenderSettings
    from causal_ssl.datasets.causal3dident.scene import Scene
    from causal_ssl.datasets.causal3dident.studio import MeshStudio

    return MeshStudio(
        RenderSettings(options.size, Scene(object_scale=options.object_scale), options.samples),
        backend=options.backend,
        folder=Path(options.meshes).absolute() if options.meshes else None,
        blender=Path(options.blender) if options.blender else None,
    )
