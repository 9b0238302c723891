"""Every suite in its published layout, scored as by hand; what does not fit is refused by name."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from suite_trees import class_folders, grey, logits_of, objectnet, read, whole

from causal_ssl.analysis.masked_accuracy import accuracy_gap, hits
from causal_ssl.analysis.robustness import alexnet, corruption_scores
from causal_ssl.datasets.images.listing import scan
from causal_ssl.datasets.suites import PROTOCOLS, Suite, SuiteImages, Transform, open_suite
from causal_ssl.datasets.suites import protocols as known
from causal_ssl.datasets.suites.classes import by_wnid, subset, wnids
from causal_ssl.errors import InputError

SMALL = Transform(crop=14, resize=16)
TENCH, GOLDFISH, SHARK = "n01440764", "n01443537", "n01484850"  # 0, 1, 2
EXTRA = {corruption for group in known.VALIDATION.values() for corruption in group}


def right_of(suite: Suite, partition: str, meaning: list[int]) -> np.ndarray:
    """What the classifier that reads its answers in pixels gets right."""
    images = suite.images(partition)
    logits = logits_of(read(images, len(images))["image"], meaning)
    return hits(logits, images.answers, mask=suite.mask)


def test_classes_are_numbered_by_the_rank_of_their_ids() -> None:
    assert (len(wnids()), list(wnids())) == (1000, sorted(wnids()))
    for suite in ("imagenet-r", "imagenet-a"):
        assert len(subset(suite)) == 200
        assert all(wnids()[index] == wnid for wnid, index in subset(suite).items())
    assert len(set(subset("imagenet-r")) & set(subset("imagenet-a"))) == 86
    assert by_wnid("imagenet-sketch")[SHARK] == by_wnid("imagenet-r")[SHARK] == (2,)


def test_corruptions_are_those_that_have_denominators() -> None:
    assert set(known.CORRUPTIONS) == set(alexnet().errors)
    assert {c for c, kind in alexnet().kinds.items() if kind == "validation"} == EXTRA


@pytest.mark.parametrize("grouped", [False, True])
def test_imagenet_c_gives_errors_and_their_ce_as_by_hand(tmp_path: Path, grouped: bool) -> None:
    # Of 4 images at severity s of fog, s - 1 are wrong; jpeg_compression has one severity.
    root = tmp_path / "ImageNet-C" if grouped else tmp_path
    fog, jpeg = (
        ("weather/fog", "digital/jpeg_compression") if grouped else ("fog", "jpeg_compression")
    )
    for severity in range(1, 6):
        told = [9] * (severity - 1) + [0, 0, 1, 1][severity - 1 :]
        images = {TENCH: told[:2], GOLDFISH: told[2:]}
        class_folders(root / fog / str(severity), images, size=(14, 14))
    class_folders(root / jpeg / "2", {TENCH: [0, 1], GOLDFISH: [1, 1]}, size=(14, 14))
    suite = open_suite(
        "imagenet-c", tmp_path, transform=Transform(crop=14, resize=None), partial=True
    )
    assert suite.partitions == (*(f"fog/{s}" for s in range(1, 6)), "jpeg_compression/2")
    assert len(suite.missing) == 19 * 5 - 6
    assert suite.mask is None
    rows = []
    for partition in suite.partitions:
        corruption, severity = partition.split("/")
        error = 1 - right_of(suite, partition, [0, 1, *range(2, 20)]).mean()
        rows.append({"corruption": corruption, "severity": int(severity), "error": error})
    assert [row["error"] for row in rows] == [0, 0.25, 0.5, 0.75, 1, 0.25]
    scores = corruption_scores(pd.DataFrame(rows), clean=0.1)
    assert scores.value("ce", "fog") == pytest.approx(
        2.5 / (0.67474 + 0.76050 + 0.84378 + 0.87260 + 0.94500)
    )
    assert scores.value("relative_ce", "fog") == pytest.approx(2 / (4.09662 - 5 * 0.4348))
    assert "jpeg_compression: severities 1, 3, 4, 5" in scores.missing
    assert "mce" not in set(scores.table["metric"])


def test_imagenet_c_files_are_taken_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "frost" / "3" / TENCH / "a.JPEG"
    grey(path, 3, (224, 224))
    suite = open_suite("imagenet-c", tmp_path, partial=True)
    assert suite.images("frost/3")[0]["image"].shape == (3, 224, 224)
    grey(path, 3, (64, 64))
    with pytest.raises(
        InputError, match=r"a\.JPEG: 64 x 64 pixels are too few for centre crop 224"
    ):
        suite.images("frost/3").batch(np.array([0]))


@pytest.mark.parametrize("inner", ["", "imagenet-r"])
def test_imagenet_r_lets_its_200_classes_compete_alone(tmp_path: Path, inner: str) -> None:
    # Class 0 is none of ImageNet-R's; it is everyone's second choice, and class 1 the third.
    told = {GOLDFISH: [0, 1, 2], SHARK: [0, 2]}
    class_folders(tmp_path / "r" / inner, told, suffix="jpg")
    suite = open_suite("imagenet-r", tmp_path / "r", transform=SMALL, partial=True)
    assert suite.mask is not None
    assert int(suite.mask.sum()) == 200
    right = right_of(suite, "all", [0, 1, 2])
    assert right.tolist() == [True, True, False, False, True]
    # Clean images of the same classes alone, the same classes competing.
    clean = {TENCH: [0], GOLDFISH: [1, 0], SHARK: [2, 2]}
    class_folders(tmp_path / "clean" / "val", clean)
    imagenet = open_suite("imagenet", tmp_path / "clean", transform=SMALL, partial=True)
    images = imagenet.images("all")
    same = suite.classes[images.answers[:, 0]]
    assert same.tolist() == [False, True, True, True, True]
    batch = images.batch(np.flatnonzero(same))
    clean_right = hits(logits_of(batch["image"], [0, 1, 2]), batch["answers"], mask=suite.mask)
    gap = accuracy_gap(clean_right, right)
    assert (gap.clean.value, gap.shifted.value) == (1.0, 0.6)


def test_imagenet_a_and_sketch_number_their_classes_alike(tmp_path: Path) -> None:
    stingray = "n01498041"  # 6
    for name, inner in (("imagenet-a", "imagenet-a"), ("imagenet-sketch", "sketch")):
        class_folders(tmp_path / inner, {stingray: [1, 0]})
        suite = open_suite(name, tmp_path, transform=SMALL, partial=True)
        assert suite.images("all").answers.tolist() == [[6], [6]]
        # Class 8 is none of ImageNet-A's, the first of those that compete is 6.
        assert right_of(suite, "all", [8, 6]).tolist() == [True, name == "imagenet-a"]
        assert (suite.mask is None) == (name == "imagenet-sketch")


def test_imagenet_v2_maps_folders_by_their_numbers(tmp_path: Path) -> None:
    folder = tmp_path / "imagenetv2-matched-frequency-format-val"
    whole(folder, [str(index) for index in range(1000)], "jpeg")
    grey(folder / "10" / "a.jpeg.png", 1)
    suite = open_suite("imagenet-v2", tmp_path, transform=SMALL)
    assert (suite.partitions, suite.missing) == (
        ("matched-frequency",),
        ("threshold-0.7", "top-images"),
    )
    images = suite.images("matched-frequency")
    assert len(images) == 1001
    names = [images.path(row).parent.name for row in range(len(images))]
    assert images.answers[:, 0].tolist() == [int(name) for name in names]
    assert open_suite("imagenet-v2", folder, transform=SMALL).partitions == suite.partitions
    assert suite.denominator(images) == (
        "1,001 images: new images drawn one of three ways, 1000 classes competing; 10,000 are "
        "published"
    )


def test_objectnet_scores_overlapping_classes_with_several_answers(tmp_path: Path) -> None:
    told = {"chair": [0, 1, 2], "tv": [1, 2], "plate": [3], "spoon_rest": [0, 0]}
    objectnet(tmp_path / "objectnet-1.0", told)
    suite = open_suite("objectnet", tmp_path, transform=Transform(crop=14, resize=16, border=2))
    assert suite.answers == {"chair": (5, 7), "tv": (2,), "plate": (9,)}
    assert suite.left_out == ("spoon_rest",)
    images = suite.images("all")
    assert len(images) == 6
    assert sorted(map(tuple, np.unique(images.answers, axis=0))) == [(2, -1), (5, 7), (9, -1)]
    # Answers 0, 1, 2, 3 mean folding chair, television, rocking chair, plate.
    found = right_of(suite, "all", [7, 2, 5, 9])
    assert found.tolist() == [True, False, True, True, False, True]
    assert suite.classes.nonzero()[0].tolist() == [2, 5, 7, 9]
    assert suite.mask is None


def test_objectnets_border_is_cut_off(tmp_path: Path) -> None:
    root = objectnet(tmp_path, {"chair": [3], "tv": [0], "plate": [0]})
    framed = torch.full((34, 44, 3), 255, dtype=torch.uint8)
    framed[2:-2, 2:-2] = 36
    from PIL import Image

    Image.fromarray(framed.numpy()).save(root / "images" / "chair" / "0.png")
    transform = Transform(crop=16, resize=16, border=PROTOCOLS["objectnet"].transform.border)
    suite = open_suite("objectnet", root, transform=transform)
    assert (suite.images("all")[0]["image"] == 36).all()


def test_a_whole_suite_opens_and_one_that_lacks_classes_does_not(tmp_path: Path) -> None:
    whole(tmp_path / "r", sorted(subset("imagenet-r")), "jpg")
    suite = open_suite("imagenet-r", tmp_path / "r", transform=SMALL)
    assert (len(suite.images("all")), suite.missing_classes) == (200, ())
    shutil.rmtree(tmp_path / "r" / SHARK)
    with pytest.raises(InputError, match=rf"r lacks 1 of 200 class folders \({SHARK}\): unpack"):
        open_suite("imagenet-r", tmp_path / "r")
    part = open_suite("imagenet-r", tmp_path / "r", transform=SMALL, partial=True)
    assert part.missing_classes == (SHARK,)
    assert (int(part.classes.sum()), int(part.mask.sum())) == (199, 200)  # type: ignore[union-attr]
    assert part.denominator(part.images("all")).endswith("are published; 1 class is missing")
    (tmp_path / "r" / GOLDFISH / "a.jpg").unlink()
    with pytest.raises(InputError, match=f"r has no images of {GOLDFISH}: unpack"):
        part.images("all")


def test_folders_of_other_classes_are_refused(tmp_path: Path) -> None:
    class_folders(tmp_path / "r", {GOLDFISH: [0], TENCH: [0]})
    with pytest.raises(InputError, match=rf"none of its 200 classes \({TENCH}\): remove"):
        open_suite("imagenet-r", tmp_path / "r", partial=True)
    class_folders(tmp_path / "top-images", {"999": [0], "1000": [0]})
    with pytest.raises(InputError, match=r"none of its 1,000 classes \(1000\)"):
        open_suite("imagenet-v2", tmp_path / "top-images", partial=True)
    root = objectnet(tmp_path / "objectnet", {"chair": [0], "tv": [0], "plate": [0], "cup": [0]})
    with pytest.raises(InputError, match=r"none of its 3 classes \(cup\)"):
        open_suite("objectnet", root)


def test_what_is_no_suite_is_refused_with_the_layout(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown suite 'imagenet-d'"):
        open_suite("imagenet-d", tmp_path)
    with pytest.raises(InputError, match=r"gone is not a folder: name the one that imagenet-c"):
        open_suite("imagenet-c", tmp_path / "gone")
    expected = {
        "imagenet": "no class folders named by WordNet ids .* nor has val or validation in it",
        "imagenet-c": "has no corruptions",
        "imagenet-r": "no class folders named by WordNet ids",
        "imagenet-v2": "has no set of ImageNet-V2",
        "objectnet": "has no images/",
    }
    for name, message in expected.items():
        with pytest.raises(InputError, match=message):
            open_suite(name, tmp_path)


def test_misnamed_and_doubled_corruptions_are_refused(tmp_path: Path) -> None:
    class_folders(tmp_path / "fogg" / "1", {TENCH: [0]}, size=(14, 14))
    with pytest.raises(InputError, match=r"unknown corruption in .* 'fogg': did you mean 'fog'"):
        open_suite("imagenet-c", tmp_path, partial=True)
    (tmp_path / "fogg").rename(tmp_path / "fog")
    shutil.copytree(tmp_path / "fog", tmp_path / "weather" / "fog")
    with pytest.raises(InputError, match=r"fog is in .* keep one"):
        open_suite("imagenet-c", tmp_path, partial=True)


def test_mappings_that_do_not_fit_are_named(tmp_path: Path) -> None:
    root = objectnet(tmp_path, {"chair": [0], "tv": [0], "plate": [0]})
    path = root / "mappings" / "objectnet_to_imagenet_1k.json"
    whole_text = path.read_text()
    path.write_text(whole_text.replace("television", "televison"))
    with pytest.raises(
        InputError, match=r"objectnet_to_imagenet_1k\.json 'televison': did you mean"
    ):
        open_suite("objectnet", root)
    path.write_text(whole_text[:20])
    with pytest.raises(InputError, match=r"objectnet_to_imagenet_1k\.json is no JSON"):
        open_suite("objectnet", root)
    path.unlink()
    with pytest.raises(InputError, match=r"1k\.json cannot be read .* has it in mappings/"):
        open_suite("objectnet", root)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    class_folders(tmp_path / "val", {TENCH: [0, 1]})
    path = tmp_path / "val" / TENCH / "1.JPEG"
    path.write_bytes(path.read_bytes()[:200])
    images = open_suite("imagenet", tmp_path, transform=SMALL, partial=True).images("all")
    with pytest.raises(InputError, match=rf"{path} cannot be decoded \(.+\): take it from the"):
        images.batch(np.arange(2))
    assert images.batch(np.array([0]))["image"].shape == (1, 3, 14, 14)


def test_images_are_in_the_order_of_the_listing(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "val", {TENCH: [3, 4], SHARK: [5]})
    images = open_suite("imagenet", tmp_path, transform=SMALL, partial=True).images("all")
    assert isinstance(images, SuiteImages)
    listed = [name for names in scan(folder).values() for name in names]
    assert [str(images.path(row).relative_to(folder)) for row in range(3)] == listed
    batch = images.batch(np.array([2, 0]))
    assert batch["index"].tolist() == [2, 0]
    assert batch["answers"].tolist() == [[2], [0]]
    levels = batch["image"].double().mean(dim=(1, 2, 3))
    assert (levels / 12).round().tolist() == [5, 3]


def test_a_link_to_nowhere_is_named(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "val", {TENCH: [0]})
    (folder / TENCH / "gone.JPEG").symlink_to(tmp_path / "unmounted.JPEG")
    images = open_suite("imagenet", tmp_path, transform=SMALL, partial=True).images("all")
    with pytest.raises(InputError, match=r"gone.JPEG cannot be read \(No such.*: take it from the"):
        images.digest()
