"""What each layout holds, split by split, for `check`: counts, files, what is wrong at sight."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from causal_ssl.datasets import store
from causal_ssl.datasets.images.idx import PREFIXES, IdxImages, has_idx
from causal_ssl.datasets.images.listing import is_image, scan, some, without_classes
from causal_ssl.datasets.images.opening import SPLITS, has_rendered, split_folder
from causal_ssl.datasets.images.packing import PackedImages, is_packed
from causal_ssl.datasets.watcher import Watcher
from causal_ssl.errors import InputError

ORDER = ("train", "val", "test")
USUAL = {"tra": "train", "val": "val", "dev": "val", "tes": "test"}
"""The first letters of what splits are called -> what they should be called."""


@dataclass(frozen=True)
class Part:
    """One split.

    Attributes:
        split: its name.
        counts: class -> images.
        names: of the files to decode, from the root.
        read: images read already.
    """

    split: str
    counts: dict[str, int]
    names: list[str]
    read: int = 0


Found = tuple[str, list[Part], list[str]]
"""The layout's name, its splits, and problems."""


def parts_of(root: Path, watcher: Watcher) -> Found:
    """Look at a data set.

    Raises:
        InputError: it has no layout that is known.
    """
    if not root.is_dir():
        raise InputError(f"{root} is not a folder: name that of a data set of images")
    if has_idx(root):
        return _idx(root)
    if has_rendered(root):
        return _rendered(root)
    if packed := [folder for folder in (root, *sorted(root.iterdir())) if is_packed(folder)]:
        return _packed(packed, watcher)
    return _folders(root, watcher)


def _folders(root: Path, watcher: Watcher) -> Found:
    named = {
        entry.name: USUAL[entry.name[:3].lower()]
        for entry in os.scandir(root)
        if entry.is_dir() and entry.name.lower() in SPLITS
    }
    if not named:
        split_folder(root, "train")  # is an error unless there are class folders
        return "class folders", *_listed(root, {"all": root}, watcher)
    problems = [
        f"the folder {name!r} is misnamed: rename it to {usual!r}"
        for name, usual in sorted(named.items())
        if usual != name
    ]
    if "train" not in named.values():
        problems.append(f"there is no folder 'train', only {some(sorted(named))}")
    splits = sorted(named, key=lambda name: (ORDER.index(named[name]), name))
    parts, others = _listed(root, {name: root / name for name in splits}, watcher)
    return "class folders", parts, problems + others


def _listed(root: Path, folders: dict[str, Path], watcher: Watcher) -> tuple[list[Part], list[str]]:
    parts: list[Part] = []
    problems: list[str] = []
    for split, folder in folders.items():
        classes = scan(folder, watcher)
        counts = {name: len(names) for name, names in classes.items()}
        start = "" if folder == root else f"{folder.name}/"
        names = [f"{start}{name}" for names in classes.values() for name in names]
        parts.append(Part(split, counts, names))
        problems += _unsorted(folder, classes)
        if empty := [name for name, count in counts.items() if not count]:
            problems.append(f"{split} has class folders without images: {some(empty)}")
    for other in parts[1:]:
        problems += _lacking(parts[0], other)
        problems += _lacking(other, parts[0])
    return parts, problems


def _lacking(part: Part, other: Part) -> Iterator[str]:
    if missing := sorted(set(other.counts) - set(part.counts)):
        yield f"{part.split} lacks classes that {other.split} has: {some(missing)}"


def _unsorted(folder: Path, classes: dict[str, list[str]]) -> Iterator[str]:
    if not classes:
        yield without_classes(folder)
    elif stray := sorted(entry.name for entry in os.scandir(folder) if is_image(entry.name)):
        yield f"{folder} has {len(stray):,} images outside of class folders ({some(stray)})"


def _packed(folders: list[Path], watcher: Watcher) -> Found:
    parts, problems = [], []
    for folder in folders:
        try:
            images = PackedImages(folder)
            damaged = store.damaged(folder, watcher=watcher)
        except InputError as error:
            problems.append(str(error))
            continue
        problems += [
            f"{folder}: images {part.start:,} to {part.stop - 1:,} are not as they were written: "
            "delete it and pack anew"
            for part in damaged
        ]
        counts = _counts(images.classes, images.labels)
        parts.append(Part(folder.name, counts, [], read=len(images)))
    return "packed copies", parts, problems


def _idx(root: Path) -> Found:
    parts, problems = [], []
    for split in PREFIXES:
        try:
            images = IdxImages(root, split)
        except InputError as error:
            problems.append(str(error))
            continue
        parts.append(Part(split, _counts(images.classes, images.labels), [], read=len(images)))
    return "IDX files", parts, problems


def _rendered(root: Path) -> Found:
    from causal_ssl.datasets.causal3dident.latents import CLASSES
    from causal_ssl.datasets.causal3dident.layout import albums

    parts, problems = [], []
    for split in ("train", "test"):
        try:
            found = albums(root, split)
        except InputError as error:
            problems.append(str(error))
            continue
        names = [f"{album.name}/{path.name}" for album in found for path in album.paths()]
        parts.append(Part(split, {CLASSES[each.index]: each.rows for each in found}, names))
    return "Causal3DIdent", parts, problems


def _counts(classes: list[str], labels: np.ndarray) -> dict[str, int]:
    counts = np.bincount(labels, minlength=len(classes)).tolist()
    return dict(zip(classes, counts, strict=True))
