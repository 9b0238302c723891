"""Which images lie in a folder of class folders, in the order of torchvision's ImageFolder.

FOLDER/CLASS/any/depth/file.jpg; classes are sorted by their folders' names, as strings. Unlike
there, hidden files and folders are left out: what systems and tools leave in them are no samples.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torchvision.datasets.folder import IMG_EXTENSIONS

from causal_ssl.datasets.watcher import Watcher
from causal_ssl.errors import InputError

THREADS = 8
"""That read folders: a remote disk answers several at once."""
SHOWN = 5
"""Names in an error, of many."""


@dataclass(frozen=True, eq=False)
class Listing:
    """Images by number, class by class.

    Attributes:
        classes: names.
        names: (n,) bytes, "CLASS/file" as the file system spells it. One array: a list of a million
            strings would be copied into every worker process, reference count by reference count.
        labels: (n,) int64, indices into `classes`.
    """

    classes: tuple[str, ...]
    names: NDArray[np.bytes_]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def name(self, index: int) -> str:
        """The name of an image."""
        return os.fsdecode(self.names[index])

    def rows(self, chosen: NDArray[np.int64]) -> "Listing":
        """These images alone; the classes stay."""
        return Listing(self.classes, self.names[chosen], self.labels[chosen])

    def digest(self, folder: Path, *, remedy: str) -> str:
        """Of the files' names, sizes and times, which tar and rsync keep with them.

        Args:
            folder: of the class folders.
            remedy: what to do about a file that is not there, for the error.

        Raises:
            InputError: there is no such file, as behind a link to nowhere.
        """
        total = sha256()
        for name, found in self.stats(folder, remedy=remedy):
            total.update(name + b"\0%d\0%d\n" % (found.st_size, int(found.st_mtime)))
        return total.hexdigest()

    def stats(self, folder: Path, *, remedy: str) -> Iterator[tuple[bytes, os.stat_result]]:
        """Each file's name, and what the file system says of it; arguments as of `digest`."""
        start = os.fsencode(folder)
        for name in self.names:
            path = os.path.join(start, name)
            try:
                found = os.stat(path)
            except OSError as error:
                raise InputError(
                    f"{os.fsdecode(path)} cannot be read ({error.strerror}): {remedy}"
                ) from error
            yield name, found


def scan(folder: Path, watcher: Watcher | None = None) -> dict[str, list[str]]:
    """Class -> names of its images, "CLASS/file", sorted; classes without images are there, too.

    Args:
        folder: of class folders.
        watcher: is told of folders read.

    Raises:
        InputError: no such folder, or it cannot be read.
    """
    watcher = watcher or Watcher()
    try:
        classes = sorted(entry.name for entry in os.scandir(folder) if _is_class(entry))
    except OSError as error:
        raise InputError(
            f"{folder} cannot be listed ({error.strerror}): name a folder of class folders"
        ) from error
    watcher.begin(f"listing {folder}", len(classes), 0, "classes")
    found = {}
    with ThreadPoolExecutor(THREADS) as pool:
        for name, names in zip(
            classes, pool.map(lambda each: _images(folder, each), classes), strict=True
        ):
            found[name] = names
            watcher.advance(1)
    return found


def list_images(folder: Path, watcher: Watcher | None = None) -> Listing:
    """The images of a folder of class folders.

    Raises:
        InputError: no such folder, no class folders in it, or one without images.
    """
    found = scan(folder, watcher)
    if not found:
        raise InputError(without_classes(folder))
    if empty := [name for name, names in found.items() if not names]:
        raise InputError(
            f"{folder} has class folders without images ({some(empty)}): fill or remove them"
        )
    return listing_of({name: list(map(os.fsencode, names)) for name, names in found.items()})


def listing_of(found: dict[str, list[bytes]]) -> Listing:
    """A listing of class -> names of its images, in this order."""
    counts = [len(names) for names in found.values()]
    names = np.array([name for names in found.values() for name in names], np.bytes_)
    return Listing(tuple(found), names, np.repeat(np.arange(len(found), dtype=np.int64), counts))


def without_classes(folder: Path) -> str:
    """What to say of a folder that has no class folders."""
    images = sum(is_image(entry.name) for entry in os.scandir(folder))
    if not images:
        return f"{folder} is empty: expected a folder of images for every class in it"
    return (
        f"{folder} has {images:,} images but no class folders: move each image into a folder named "
        "after its class (ImageNet's validation images come unsorted, too)"
    )


def is_image(name: str) -> bool:
    """Is it named as an image that is not hidden?

    Examples:
        >>> [is_image(name) for name in ("a.JPEG", "a.png", "a.txt", "._a.jpg")]
        [True, True, False, False]
    """
    return name.lower().endswith(IMG_EXTENSIONS) and not name.startswith(".")


def some(names: Sequence[str]) -> str:
    """The first few of many names.

    Examples:
        >>> some(["a", "b"]), some(list("abcdefg"))
        ('a, b', 'a, b, c, d, e and 2 more')
    """
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def _is_class(entry: os.DirEntry) -> bool:
    return entry.is_dir() and not entry.name.startswith(".")


def _images(folder: Path, name: str) -> list[str]:
    found: list[str] = []
    start = len(str(folder)) + 1
    for path, _, files in sorted(os.walk(folder / name, followlinks=True)):
        below = path[start:]
        if "/." not in below:
            found.extend(f"{below}/{file}" for file in sorted(files) if is_image(file))
    return found
