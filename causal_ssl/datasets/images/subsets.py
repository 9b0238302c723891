"""Parts of a data set by a list in a file: some of its images, or some of its classes.

A line is an image, by its file's name alone (`n01440764_10026.JPEG`, as in the lists of 1 % and
10 % of ImageNet published with SimCLR) or with its class (`n01440764/n01440764_10026.JPEG`); or
every line is a class, whose images are all taken. A list of images keeps all classes, a list of
classes those listed, numbered anew in the order of their names.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from causal_ssl.datasets.images.listing import Listing
from causal_ssl.errors import InputError


def subset(listing: Listing, path: Path | str) -> tuple[Listing, NDArray[np.int64]]:
    """The part of a listing that a file lists.

    Args:
        listing: of all the images.
        path: of the list.

    Returns:
        The part, in the order of the whole, and the numbers that its images have there, (m,).

    Raises:
        InputError: the list cannot be read, is empty, or a line of it names nothing or anything
            twice; names the line's number.
    """
    lines = _lines(Path(path))
    if not lines:
        raise InputError(f"{path} lists nothing: give a list of images or of classes")
    classes = {name: index for index, name in enumerate(listing.classes)}
    if lines[0][1] in classes:
        return _of_classes(listing, _found(lines, classes, path, "class"))
    with_class = "/" in lines[0][1]
    images = _by_name(listing, with_class)
    rows = np.sort(_found(lines, images, path, "image"))
    return listing.rows(rows), rows


def lists_classes(path: Path | str, classes: tuple[str, ...]) -> bool:
    """Does the file list classes, rather than images? Such a list fits every split.

    Raises:
        InputError: the file cannot be read.
    """
    lines = _lines(Path(path))
    return bool(lines) and lines[0][1] in classes


def _of_classes(listing: Listing, chosen: NDArray[np.int64]) -> tuple[Listing, NDArray[np.int64]]:
    chosen = np.sort(chosen)
    rows = np.flatnonzero(np.isin(listing.labels, chosen))
    labels = np.searchsorted(chosen, listing.labels[rows])
    names = tuple(listing.classes[index] for index in chosen)
    return Listing(names, listing.names[rows], labels), rows


def _by_name(listing: Listing, with_class: bool) -> dict[str, int]:
    """Name -> number; -1 for a name that images of several classes have."""
    found: dict[str, int] = {}
    for row, name in enumerate(listing.names.tolist()):
        key = name.decode(errors="surrogateescape")
        key = key if with_class else key.rpartition("/")[2]
        found[key] = -1 if key in found else row
    return found


def _found(
    lines: list[tuple[int, str]], known: dict[str, int], path: Path | str, kind: str
) -> NDArray[np.int64]:
    """The numbers of what lines name."""
    seen: set[str] = set()
    for number, line in lines:
        where = f"line {number} of {path}"
        if line not in known:
            raise InputError(
                f"{where} names no {kind} of the data set: {line!r}; give the list that belongs "
                "to this data set and split, a name a line"
            )
        if known[line] < 0:
            raise InputError(f"{where}: several images are named {line!r}: write CLASS/{line}")
        if line in seen:
            raise InputError(f"{where} names {line!r} again: list it once")
        seen.add(line)
    return np.array([known[line] for _, line in lines], np.int64)


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_text(errors="surrogateescape")
    except OSError as error:
        raise InputError(
            f"the list {path} cannot be read ({error.strerror}): give a text file"
        ) from error
    numbered = enumerate((line.strip() for line in text.splitlines()), start=1)
    return [(number, line) for number, line in numbered if line]
