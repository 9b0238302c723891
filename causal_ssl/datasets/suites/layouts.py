"""Where the class folders of each suite lie, as its archives unpack or one folder above that."""

import os
import re
from pathlib import Path

from causal_ssl.datasets.suites.protocols import CORRUPTIONS, SEVERITIES, TEST, V2, VALIDATION
from causal_ssl.errors import InputError, unknown_name

WNID = re.compile(r"n\d{8}")
GROUPS = TEST | VALIDATION
UNPACKED = {
    "imagenet": ("val", "validation"),
    "imagenet-c": ("imagenet-c", "ImageNet-C"),
    "imagenet-r": ("imagenet-r",),
    "imagenet-a": ("imagenet-a",),
    "imagenet-sketch": ("sketch", "imagenet-sketch"),
    "objectnet": ("objectnet-1.0",),
}
"""Suite -> folders that its archives unpack into."""


def subfolders(folder: Path) -> list[str]:
    """Names of the folders in a folder, sorted, without hidden ones.

    Raises:
        InputError: it cannot be listed.
    """
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.is_dir()]
    except OSError as error:
        raise InputError(f"{folder} cannot be listed ({error.strerror}): name a folder") from error
    return sorted(name for name in names if not name.startswith("."))


def wnid_folders(name: str, root: Path) -> Path:
    """The folder of class folders named by WordNet ids: the root, or one that is unpacked in it.

    Raises:
        InputError: there is none.
    """
    for folder in (root, *(root / each for each in UNPACKED[name])):
        if folder.is_dir() and any(map(WNID.fullmatch, subfolders(folder))):
            return folder
    raise InputError(
        f"{root} has no class folders named by WordNet ids (n01440764, ...), nor has "
        f"{' or '.join(UNPACKED[name])} in it: name the folder that {name} is unpacked in"
    )


def corruption_folders(root: Path) -> tuple[dict[str, Path], tuple[str, ...]]:
    """ImageNet-C: "CORRUPTION/SEVERITY" -> folder, and the partitions that are not there.

    ROOT/gaussian_noise/1/n01440764/..., or with the archives' folders between,
    ROOT/noise/gaussian_noise/1/...

    Raises:
        InputError: there are no corruptions; one that has severities but an unknown name; one
            that is there twice.
    """
    root = next((root / n for n in UNPACKED["imagenet-c"] if (root / n).is_dir()), root)
    found: dict[str, Path] = {}
    for folder in _corruptions(root):
        if folder.name in found:
            raise InputError(
                f"{folder.name} is in {found[folder.name].parent} and in {folder.parent}: keep one"
            )
        found[folder.name] = folder
    if not found:
        raise InputError(
            f"{root} has no corruptions (gaussian_noise/1/n01440764/..., or with noise/, blur/, "
            "weather/, digital/, extra/ around them): name the folder that ImageNet-C is in"
        )
    wanted = {
        f"{name}/{severity}": found.get(name, root / name) / str(severity)
        for name in CORRUPTIONS
        for severity in SEVERITIES
    }
    there = {name: folder for name, folder in wanted.items() if folder.is_dir()}
    return there, tuple(name for name in wanted if name not in there)


def _corruptions(root: Path) -> list[Path]:
    """Folders named as corruptions, in the root and in the archives' folders."""
    groups = [name for name in subfolders(root) if name in GROUPS]
    found = []
    for folder in [root, *(root / name for name in groups)]:
        for name in subfolders(folder):
            if name in CORRUPTIONS:
                found.append(folder / name)
            elif name not in GROUPS and set(subfolders(folder / name)) & set("12345"):
                raise unknown_name(f"corruption in {folder}", name, CORRUPTIONS)
    return found


def v2_folders(root: Path) -> tuple[dict[str, Path], tuple[str, ...]]:
    """ImageNet-V2: which of the three sets -> folder of folders 0 to 999; and those missing.

    ROOT/imagenetv2-matched-frequency-format-val/0/..., or the root is such a folder itself.

    Raises:
        InputError: there is none, or two of a kind.
    """
    found: dict[str, Path] = {}
    for folder in (root, *(root / name for name in subfolders(root))):
        kind = _kind(folder.resolve().name)
        if kind is None or not any(name.isdigit() for name in subfolders(folder)):
            continue
        if kind in found:
            raise InputError(f"{found[kind]} and {folder} are both {kind}: keep one")
        found[kind] = folder
    if not found:
        raise InputError(
            f"{root} has no set of ImageNet-V2: expected folders "
            "imagenetv2-matched-frequency-format-val, imagenetv2-threshold0.7-format-val or "
            "imagenetv2-top-images-format-val with folders 0 to 999 in them"
        )
    return {kind: found[kind] for kind in V2 if kind in found}, tuple(
        kind for kind in V2 if kind not in found
    )


def _kind(name: str) -> str | None:
    """Which set of ImageNet-V2 a folder's name says it is.

    Examples:
        >>> _kind("imagenetv2-threshold0.7-format-val"), _kind("top_images"), _kind("0")
        ('threshold-0.7', 'top-images', None)
    """
    letters = re.sub(r"[^a-z0-9]", "", name.lower())
    return next((kind for kind in V2 if re.sub(r"[^a-z0-9]", "", kind) in letters), None)


def objectnet_folder(root: Path) -> Path:
    """The folder that has ObjectNet's images/ and mappings/: the root, or objectnet-1.0 in it.

    Raises:
        InputError: neither has images/.
    """
    for folder in (root, *(root / each for each in UNPACKED["objectnet"])):
        if (folder / "images").is_dir():
            return folder
    raise InputError(
        f"{root} has no images/, nor has objectnet-1.0/ in it: name the folder with ObjectNet's "
        "images/ and mappings/"
    )
