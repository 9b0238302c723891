"""`causal-ssl data pack`: a packed copy of every split of a folder of images."""

from pathlib import Path

from causal_ssl.datasets.images import open_images
from causal_ssl.datasets.images.packing import pack
from causal_ssl.datasets.watcher import Watcher

SPLITS = ("train", "val")


def pack_splits(
    root: Path | str,
    out: Path | str,
    size: int,
    *,
    on_corrupt: str = "error",
    workers: int | None = None,
    watcher: Watcher | None = None,
) -> list[Path]:
    """Pack train and, where there is one, val; a killed call is continued where it stopped.

    Args:
        root: of the images, in class folders.
        out: the folder to make; `open_images` reads it as it reads the root.
        size: pixels a side.
        on_corrupt, workers, watcher: see `open_images` and `pack`.

    Returns:
        The packed folder of each split.

    Raises:
        InputError, Stopped: see `open_images` and `pack`.
    """
    root, out = Path(root), Path(out)
    splits = [split for split in SPLITS if split == "train" or (root / split).is_dir()]
    opened = {
        split: open_images(root, split, size=size, on_corrupt=on_corrupt, watcher=watcher)
        for split in splits
    }
    return [
        pack(images, out / split, size, workers=workers, watcher=watcher)  # type: ignore[arg-type]
        for split, images in opened.items()
    ]
