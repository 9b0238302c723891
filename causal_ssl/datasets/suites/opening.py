"""Open a suite: find its folders, and see that they have the classes that they should."""

from collections.abc import Mapping
from pathlib import Path

from causal_ssl.datasets.images.listing import some
from causal_ssl.datasets.suites.classes import Answers, by_number, by_wnid
from causal_ssl.datasets.suites.layouts import (
    corruption_folders,
    objectnet_folder,
    subfolders,
    v2_folders,
    wnid_folders,
)
from causal_ssl.datasets.suites.objectnet import read_mappings
from causal_ssl.datasets.suites.protocols import PROTOCOLS
from causal_ssl.datasets.suites.suite import Suite
from causal_ssl.datasets.suites.transform import Transform
from causal_ssl.errors import InputError, one_of

Found = tuple[Mapping[str, Path], tuple[str, ...], Answers, frozenset[str]]
"""Partition -> folder, partitions missing, answers, class folders that are not scored."""


def open_suite(
    name: str,
    root: Path | str,
    *,
    transform: Transform | None = None,
    partial: bool = False,
) -> Suite:
    """Open a test set in its published layout.

    Args:
        name: one of `PROTOCOLS`.
        root: the folder that it was unpacked in:

            imagenet         ROOT/val/n01440764/*.JPEG, or ROOT is val
            imagenet-c       ROOT/gaussian_noise/1/n01440764/*.JPEG, or ROOT/noise/...
            imagenet-r, -a   ROOT/n01443537/*.jpg, or ROOT/imagenet-r/...
            imagenet-v2      ROOT/imagenetv2-matched-frequency-format-val/0/*.jpeg, ...
            imagenet-sketch  ROOT/n01440764/*.JPEG, or ROOT/sketch/...
            objectnet        ROOT/images/air_freshener/*.png and ROOT/mappings/, or in objectnet-1.0

        transform: in place of the protocol's, for encoders that see other sizes.
        partial: take a suite that lacks class folders; they are named in `missing_classes`.

    Raises:
        InputError: an unknown suite; no such layout; class folders that are missing, or that are
            none of the suite's.
    """
    protocol = PROTOCOLS[one_of("suite", name, PROTOCOLS)]
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root} is not a folder: name the one that {name} was unpacked in")
    folders, missing, answers, left_out = _find(name, root)
    gone: set[str] = set()
    for folder in folders.values():
        gone |= _missing_classes(folder, answers, left_out)
        if gone and not partial:
            raise InputError(
                f"{folder} lacks {len(gone):,} of {len(answers):,} class folders "
                f"({some(sorted(gone))}): unpack {name} again; a part of it is taken with "
                "partial=True"
            )
    return Suite(
        name=name,
        protocol=protocol,
        transform=transform or protocol.transform,
        folders=folders,
        missing=missing,
        answers=answers,
        missing_classes=tuple(sorted(gone)),
        left_out=tuple(sorted(left_out)),
    )


def _find(name: str, root: Path) -> Found:
    if name == "imagenet-c":
        return *corruption_folders(root), by_wnid(name), frozenset()
    if name == "imagenet-v2":
        return *v2_folders(root), by_number(), frozenset()
    if name == "objectnet":
        folder = objectnet_folder(root)
        answers, others = read_mappings(folder / "mappings")
        return {"all": folder / "images"}, (), answers, others
    return {"all": wnid_folders(name, root)}, (), by_wnid(name), frozenset()


def _missing_classes(folder: Path, answers: Answers, left_out: frozenset[str]) -> set[str]:
    """Class folders that are not there.

    Raises:
        InputError: one that is none of the suite's classes; there are none at all.
    """
    there = set(subfolders(folder))
    if unknown := sorted(there - set(answers) - left_out):
        raise InputError(
            f"{folder} has folders that are none of its {len(answers):,} classes "
            f"({some(unknown)}): remove them, or name the suite that they belong to"
        )
    if not there & set(answers):
        raise InputError(f"{folder} has no class folders: unpack the suite's archive again")
    return set(answers) - there
