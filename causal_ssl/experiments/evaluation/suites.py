"""Test sets as evaluations open them, and what an encoder is shown of them."""

from dataclasses import replace
from pathlib import Path

from causal_ssl.datasets.suites import PROTOCOLS, Suite, SuiteImages, open_suite
from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.config import Evaluation
from causal_ssl.experiments.evaluation.images import SIZE, WHOLE, Shown

CLEAN = "imagenet"


def suite_folder(root: str, name: str) -> Path:
    """Where a test set is: in a folder of its name below the root, or in the root itself.

    Raises:
        InputError: no root was named, or it is no folder.
    """
    if not root:
        raise InputError("no test sets: give --suite-root, the folder that they are unpacked in")
    folder = Path(root)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: name the one that test sets are unpacked in")
    return folder / name if (folder / name).is_dir() else folder


def opened(asked: Evaluation, name: str, folder: Path, *, partial: bool) -> Suite:
    """A test set with its protocol's transform, in the size that was asked for.

    ImageNet-C is published as centres of 224 pixels: of another size, these are resized whole, so
    that they show what clean images of that size show.

    Raises:
        InputError: see `open_suite`.
    """
    usual = PROTOCOLS[name].transform
    size = asked.size or SIZE
    if usual.resize is None:
        resize = None if size == SIZE else size
    else:
        resize = round(size * WHOLE / SIZE)
    transform = replace(
        usual,
        crop=size,
        resize=resize,
        interpolation=asked.interpolation,  # type: ignore[arg-type]
    )
    return open_suite(name, folder, transform=transform, partial=partial)


def shown(suite: Suite, partition: str) -> tuple[SuiteImages, Shown]:
    """The images of a partition; clean ones are called as splits are, whose features they are.

    Raises:
        InputError: see `Suite.images`.
    """
    images = suite.images(partition)
    name = "val" if suite.name == CLEAN else f"{suite.name}-{partition.replace('/', '-')}"
    return images, Shown(name, images, images, str(suite.transform))
