"""A list selects the images or classes that it names, and each line must name one."""

from pathlib import Path

import numpy as np
import pytest
from pictures import CLASSES, picture

from causal_ssl.datasets.images.folders import ImageFolder
from causal_ssl.datasets.images.subsets import lists_classes
from causal_ssl.errors import InputError


def chosen(root: Path, *lines: str) -> ImageFolder:
    path = root / "list.txt"
    path.write_text("\n".join(lines) + "\n")
    return ImageFolder(root / "train", size=8, subset=path)


@pytest.mark.parametrize("with_class", [True, False])
def test_images_by_name_keep_all_classes(root: Path, with_class: bool) -> None:
    names = [f"{CLASSES[2]}_1.JPEG", "", f"{CLASSES[0]}_3.JPEG", f"  {CLASSES[0]}_0.JPEG\r"]
    if with_class:
        names = [f"{name.strip()[:9]}/{name.strip()}" if name else "" for name in names]
    images = chosen(root, *names)
    assert [path.name for path in images.paths] == [
        *(f"{CLASSES[0]}_0.JPEG", f"{CLASSES[0]}_3.JPEG", f"{CLASSES[2]}_1.JPEG")
    ]
    assert images.classes == list(CLASSES)
    assert images.labels.tolist() == [0, 0, 2]
    assert images.batch(np.array([2]))["label"].tolist() == [2]


def test_classes_are_numbered_anew(root: Path) -> None:
    images = chosen(root, CLASSES[2], CLASSES[1])
    assert images.classes == [CLASSES[1], CLASSES[2]]
    assert images.labels.tolist() == [0] * 4 + [1] * 4
    assert all(path.parent.name in CLASSES[1:] for path in images.paths)
    held_out = ImageFolder(root / "val", size=8, subset=root / "list.txt")
    assert held_out.classes == images.classes


def test_the_kind_of_a_list_is_told(root: Path) -> None:
    chosen(root, CLASSES[2])
    assert lists_classes(root / "list.txt", CLASSES)
    (root / "list.txt").write_text(f"{CLASSES[2]}_1.JPEG\n")
    assert not lists_classes(root / "list.txt", CLASSES)


def test_lines_that_name_nothing_are_refused_with_their_number(root: Path) -> None:
    with pytest.raises(InputError, match=r"line 3 of .*list.txt names no image .*'n0_7.JPEG'; giv"):
        chosen(root, f"{CLASSES[2]}_1.JPEG", "", "n0_7.JPEG")
    with pytest.raises(InputError, match=r"line 2 of .* names no class .*'n01440764_1.JPEG'"):
        chosen(root, CLASSES[1], f"{CLASSES[0]}_1.JPEG")
    with pytest.raises(InputError, match=r"line 1 of .* names no image .*'n0144/n01440764_1.JPEG'"):
        chosen(root, f"n0144/{CLASSES[0]}_1.JPEG")
    with pytest.raises(InputError, match=r"line 2 of .* names 'n01440764_1.JPEG' again"):
        chosen(root, f"{CLASSES[0]}_1.JPEG", f"{CLASSES[0]}_1.JPEG")
    with pytest.raises(InputError, match=r"lists nothing"):
        chosen(root, "", " ")
    with pytest.raises(InputError, match=r"the list gone.txt cannot be read \(No such file"):
        ImageFolder(root / "train", size=8, subset="gone.txt")


def test_a_name_in_several_classes_needs_its_class(root: Path) -> None:
    for name in CLASSES[:2]:
        picture(0).save(root / "train" / name / "0.png")
    with pytest.raises(InputError, match=r"several images are named '0.png': write CLASS/0.png"):
        chosen(root, "0.png")
    assert len(chosen(root, f"{CLASSES[0]}/0.png", f"{CLASSES[1]}/0.png")) == 2
