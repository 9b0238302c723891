"""Render a set in the published layout, or continue it.

    recipe = Recipe(causal3dident(), train=700, test=70, seed=0)
    generate(recipe, "sets/small", studio=MeshStudio(RenderSettings(size=128)))

Shards are drawn by worker processes and written by this one. A journal holds those that are on the
disk, so that a killed run is continued where it stopped; the files are a function of recipe and
studio alone, whatever was interrupted and however many processes drew.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from causal_ssl import files
from causal_ssl.claim import LOCK, claimed
from causal_ssl.datasets import space
from causal_ssl.datasets.causal3dident import manifest as manifests
from causal_ssl.datasets.causal3dident.drawing import Studio, draw, release
from causal_ssl.datasets.causal3dident.latents import LATENTS
from causal_ssl.datasets.causal3dident.manifest import Albums, Manifest
from causal_ssl.datasets.causal3dident.recipe import Recipe
from causal_ssl.datasets.causal3dident.rendering.blender import RenderError
from causal_ssl.datasets.causal3dident.scaleout import Pool
from causal_ssl.datasets.causal3dident.shards import Shard, cut, incomplete
from causal_ssl.datasets.journal import Journal
from causal_ssl.datasets.space import Stopped
from causal_ssl.datasets.watcher import Watcher
from causal_ssl.errors import InputError

JOURNAL = ".journal"


@dataclass(frozen=True)
class Outcome:
    """What a call did.

    Attributes:
        images: of what was asked for, now on the disk.
        drawn: those that this call drew; 0 where all were there.
    """

    images: int
    drawn: int


def generate(
    recipe: Recipe,
    out: Path | str,
    *,
    studio: Studio,
    workers: int | None = None,
    parallel: str = "loky",
    reserve: float = 0.0,
    watcher: Watcher | None = None,
) -> Outcome:
    """Render a set, or what is missing of it.

    Args:
        recipe: its scenes.
        out: its folder; made if missing.
        studio: how workers come by a renderer. A backend "auto" is that of a set begun.
        workers: processes, each with a renderer; None is one a core.
        parallel: one of `scaleout.BACKENDS`.
        reserve: bytes that must be free beside the images.
        watcher: is told of progress.

    Raises:
        InputError: the folder holds other things, or a set with other settings, or is in use;
            nothing can render; the disk has not enough room. Nothing has been changed then.
        Stopped: the disk is full, a worker or a renderer died. What is finished is kept.
    """
    root = Path(out)
    _refuse_foreign(root)
    if not (root / manifests.FILE).exists():  # before so many scenes are drawn and held in memory
        space.require(recipe.images * space.bytes_of_files([1], root), root)
    albums = list(recipe.albums(root))
    shards = cut(albums)
    studio = studio.showing(sorted({shard.album.index for shard in shards}))
    existed = root.exists()
    with ExitStack() as stack:
        stack.enter_context(_stopping(root))
        if existed:
            stack.enter_context(claimed(root))
        manifest, studio = _continued(root, recipe, studio, albums)
        journal = Journal(root / JOURNAL)
        left = list(shards) if manifest is None else _left(albums, shards, manifest, journal)
        if left:
            pool = stack.enter_context(Pool(parallel, workers=workers, tasks=len(left)))
            stack.callback(release)
            studio = _tried(pool, studio, left, reserve, root)
        if not existed:
            stack.enter_context(claimed(root))
            if (root / manifests.FILE).exists():
                raise InputError(f"another process began {root} meanwhile: repeat the command")
        manifest = manifest or manifests.asked(recipe, studio, albums)
        _prepare(root, manifest, albums, begun=bool(left))
        if left:
            _draw(pool, studio, left, journal, _watching(watcher, shards, left))
        if journal.records:
            _finish(root, manifest, shards, journal)
    return Outcome(_images(shards), _images(left))


def _images(shards: Sequence[Shard]) -> int:
    return sum(map(len, shards))


def _refuse_foreign(root: Path) -> None:
    if root.is_file():
        raise InputError(f"{root} is a file: name a folder")
    if not root.exists() or (root / manifests.FILE).exists():
        return
    ours = (LOCK, JOURNAL, files.PARTIAL)
    foreign = sorted(e.name for e in root.iterdir() if not e.name.startswith(ours))
    if foreign:
        raise InputError(
            f"{root} holds other files ({', '.join(foreign[:3])}{', ...' * (len(foreign) > 3)}) "
            f"and no {manifests.FILE}: name a new or empty folder"
        )


@contextmanager
def _stopping(root: Path) -> Iterator[None]:
    """Give every end from outside the same name."""
    try:
        with space.running_out(root):
            yield
    except RenderError as error:
        raise Stopped(str(error)) from error


def _continued(
    root: Path, recipe: Recipe, studio: Studio, albums: Albums
) -> tuple[Manifest | None, Studio]:
    """The manifest of the set that is there, if it is the one asked for, and its backend."""
    there = manifests.load(root)
    if there is None:
        return None, studio
    if studio.backend == "auto":
        studio = studio.on(there["settings"]["backend"])
    return manifests.merged(root, there, manifests.asked(recipe, studio, albums)), studio


def _left(
    albums: Albums, shards: Sequence[Shard], there: Manifest, journal: Journal
) -> list[Shard]:
    """The shards that are not on the disk, or of which a file has gone since."""
    gone = incomplete([album for album, _ in albums])
    finished = journal.records.keys()
    return [
        shard
        for shard in shards
        if shard.name in gone
        or (shard.name not in finished and shard.album.name not in there["shards"])
    ]


def _tried(pool: Pool, studio: Studio, left: Sequence[Shard], reserve: float, root: Path) -> Studio:
    """The studio with its backend's name, after an image of each class and a look at the disk."""
    first = {shard.album.index: shard.raw[0] for shard in reversed(left)}
    task = (studio, np.array(list(first)), np.array(list(first.values())))
    [(_, drawn)] = pool.run(draw, [task])
    size = space.bytes_of_files([len(png) for png in drawn.pngs], root)
    space.require(_images(left) * size + reserve, root)
    return studio.on(drawn.backend)


def _prepare(root: Path, manifest: Manifest, albums: Albums, *, begun: bool) -> None:
    """Sweep what a killed process left, and write what says which images there are to be."""
    if begun:
        files.sweep_folder(root)
        manifests.save(root, manifest)
    for album, raw in albums:
        shape = (album.rows, album.views) if album.change else (album.rows,)
        content = BytesIO()
        np.save(content, raw.reshape(*shape, len(LATENTS)))
        path = album.latents_path
        if not path.exists() or path.read_bytes() != content.getvalue():
            files.write(path, content.getvalue())


def _watching(watcher: Watcher | None, shards: Sequence[Shard], left: Sequence[Shard]) -> Watcher:
    watcher = watcher or Watcher()
    watcher.begin("rendering", _images(shards), _images(shards) - _images(left))
    return watcher


def _draw(
    pool: Pool, studio: Studio, left: Sequence[Shard], journal: Journal, watcher: Watcher
) -> None:
    for index, drawn in pool.run(draw, [shard.task(studio) for shard in left]):
        shard = left[index]
        shard.store(drawn)
        renderer = {"backend": drawn.backend, **drawn.versions}
        journal.add(shard.name, {"pixels": drawn.pixels, "renderer": renderer})
        watcher.advance(len(shard))


def _finish(root: Path, there: Manifest, shards: Sequence[Shard], journal: Journal) -> None:
    hashes = {album: list(known) for album, known in there["shards"].items()}
    renderers = list(there["renderers"])
    for shard in shards:
        if (record := journal.records.get(shard.name)) is None:
            continue
        own = hashes.setdefault(shard.album.name, [])
        own[shard.number : shard.number + 1] = [record["pixels"]]
        if record["renderer"] not in renderers:
            renderers.append(record["renderer"])
    finished = {"shards": dict(sorted(hashes.items())), "renderers": renderers}
    manifests.save(root, there | finished)
    journal.remove()
