"""Where a set's files lie, as published, and whether they are all there.

ROOT/trainset/raw_latents_0.npy       (n_0, 10) latents of class 0, in [-1, 1]
ROOT/trainset/images_0/0000.png       its images, row by row; as many digits as n_0 asks for
ROOT/testset/...                      the same
ROOT/trainset/counterfactuals/hues/raw_latents_0.npy      (n_0, K, 10), ours alone
ROOT/trainset/counterfactuals/hues/images_0/0000_1.png    view 1 of row 0

So the published files and rendered ones are read by the same code.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from causal_ssl.datasets.causal3dident.latents import CLASSES, LATENTS, RawLatents, checked
from causal_ssl.errors import InputError, one_of

SPLITS = ("train", "test")
REMEDY = "repeat the `causal-ssl render` command that made it, or download the set again"


@dataclass(frozen=True)
class Album:
    """The images of one class in one split, or counterfactual views of them.

    Attributes:
        root: the set's folder.
        split: "train" or "test".
        index: of the class, 0 to 6.
        rows: factual images of the class.
        change: of the counterfactuals, such as "hues"; empty for the factual images.
        views: counterfactuals of each image; 1 for the factual images.

    Examples:
        >>> album = Album(Path("set"), "train", 3, rows=1000)
        >>> album.name, album.path(7).name, len(album)
        ('trainset/images_3', '007.png', 1000)
        >>> Album(Path("set"), "train", 3, rows=1000, change="hues", views=2).paths()[15].name
        '007_1.png'
    """

    root: Path
    split: str
    index: int
    rows: int
    change: str = ""
    views: int = 1

    def __len__(self) -> int:
        return self.rows * self.views

    @property
    def name(self) -> str:
        """Its folder, relative to the root."""
        return f"{_folder(self.split, self.change)}/images_{self.index}"

    @property
    def latents_path(self) -> Path:
        """The file of its latents."""
        return _latents_path(self.root, self.split, self.change, self.index)

    def path(self, row: int, view: int = 0) -> Path:
        """The file of an image."""
        which = f"_{view:0{digits(self.views)}}" if self.change else ""
        return self.root / self.name / f"{row:0{digits(self.rows)}}{which}.png"

    def paths(self, start: int = 0, stop: int | None = None) -> list[Path]:
        """The files of images `start` to `stop`, row by row and view by view."""
        chosen = range(len(self))[start:stop]
        return [self.path(*divmod(image, self.views)) for image in chosen]

    def latents(self) -> RawLatents:
        """Its latents on the disk: (rows, 10), or (rows, views, 10) where it has a change.

        Raises:
            InputError: the file is missing, damaged, of another shape, or out of range.
        """
        values = _array(self.latents_path)
        shape = (self.rows, self.views, len(LATENTS)) if self.change else (self.rows, len(LATENTS))
        if values.shape != shape:
            raise InputError(
                f"{self.latents_path} has shape {values.shape}, expected {shape}: {REMEDY}"
            )
        flat = checked(values.reshape(-1, len(LATENTS)), str(self.latents_path))
        return flat.reshape(shape)

    def missing(self) -> list[Path]:
        """Its images that are not on the disk."""
        folder = self.root / self.name
        present = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
        return [path for path in self.paths() if path.name not in present]

    def check(self) -> None:
        """Refuse an album with fewer or more images than it has latents.

        Raises:
            InputError: names the first image that is missing, or how many there are too many.
        """
        if missing := self.missing():
            raise InputError(
                f"{missing[0]} is missing ({len(missing):,} of {len(self):,} images of "
                f"{self.name} are): {REMEDY}"
            )
        folder = self.root / self.name
        found = sum(entry.suffix == ".png" for entry in folder.iterdir()) if self.rows else 0
        if found != len(self):
            raise InputError(
                f"{folder} holds {found:,} images, but {self.latents_path.name} has {len(self):,} "
                f"rows: {REMEDY}"
            )


def digits(n: int) -> int:
    """Digits that n files are numbered with: ceil(log10(n)), and one for a single file.

    Examples:
        >>> [digits(n) for n in (1, 10, 11, 1000, 1001)]
        [1, 1, 2, 3, 4]
    """
    return len(str(max(n - 1, 0)))


def albums(root: Path | str, split: str, *, change: str = "") -> tuple[Album, ...]:
    """The seven albums of a split on the disk, in the order of `CLASSES`.

    A class without images has an album without rows.

    Args:
        root: the set's folder.
        split: "train" or "test".
        change: counterfactuals of this change instead of the factual images.

    Raises:
        InputError: no such split or change, latents of a class missing or damaged, or another
            number of images than of latents.
    """
    root = Path(root)
    one_of("split", split, SPLITS)
    if not (root / f"{split}set").is_dir():
        raise InputError(f"{root} has no {split}set: {REMEDY}")
    if change and change not in (known := changes(root, split)):
        raise InputError(
            f"{root}/{split}set has no counterfactuals of the change {change!r} (it has "
            f"{', '.join(known) or 'none'}): add them: `causal-ssl render ... --change {change}`"
        )
    found = tuple(_on_disk(root, split, index, change) for index in range(len(CLASSES)))
    for album in found:
        album.check()
    return found


def changes(root: Path | str, split: str) -> tuple[str, ...]:
    """The changes of which a split has counterfactuals, sorted."""
    folder = Path(root) / f"{split}set" / "counterfactuals"
    return tuple(sorted(entry.name for entry in folder.iterdir())) if folder.is_dir() else ()


def _on_disk(root: Path, split: str, index: int, change: str) -> Album:
    path = _latents_path(root, split, change, index)
    shape = _array(path).shape
    if len(shape) != (3 if change else 2):
        wanted = f"(n, {'K, ' if change else ''}{len(LATENTS)})"
        raise InputError(f"{path} has shape {shape}, expected {wanted}: {REMEDY}")
    return Album(root, split, index, shape[0], change, shape[1] if change else 1)


def _array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: {REMEDY}") from error
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} cannot be read ({error}): {REMEDY}") from error


def _folder(split: str, change: str) -> str:
    return f"{split}set/counterfactuals/{change}" if change else f"{split}set"


def _latents_path(root: Path, split: str, change: str, index: int) -> Path:
    return root / _folder(split, change) / f"raw_latents_{index}.npy"
