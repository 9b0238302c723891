"""Classifiers are asked of images as they were trained on, by the command line."""

from dataclasses import replace
from pathlib import Path

import pytest
from greys import classifier
from helpers import assert_refused, call, evaluation
from suite_trees import class_folders

from causal_ssl.models.image_encoders import ImageEncoder

GOLDFISH, SHARK = "n01443537", "n01484850"


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    class_folders(tmp_path / "sets/imagenet-r", {GOLDFISH: [0, 1], SHARK: [1]}, suffix="jpg")
    return tmp_path / "sets"


@pytest.mark.parametrize(
    ("trained", "says"),
    [
        ({"size": 48}, "trained on images of size 48, and size is 32: give --size 48, or train"),
        (
            {"size": 32, "interpolation": "bicubic"},
            "interpolation bicubic, and interpolation is bilinear: give --interpolation bicubic",
        ),
        ({"size": 32, "interpolation": "bilinear"}, None),
        ({"size": 32}, None),
        ({}, None),
    ],
)
def test_images_are_seen_as_those_that_a_classifier_was_trained_on(
    capsys: pytest.CaptureFixture[str],
    checkpoint: Path,
    encoder: ImageEncoder,
    sets: Path,
    tmp_path: Path,
    trained: dict[str, int | str],
    says: str | None,
) -> None:
    probe, run = tmp_path / "probe", tmp_path / "run"
    probe.mkdir()
    replace(classifier(encoder), **trained).save(probe)  # type: ignore[arg-type]
    suite = ["--probe", str(probe), "--suites", "imagenet-r", "--suite-root", str(sets)]
    arguments = evaluation("robustness", checkpoint, sets, run, *suite, "--partial", "true")
    at = arguments.index("--data-root")
    arguments = arguments[:at] + arguments[at + 2 :]
    if says is None:
        assert call(capsys, arguments)[0] == 0
    else:
        assert_refused(capsys, arguments, says, run)


def test_so_does_invariance(
    capsys: pytest.CaptureFixture[str],
    checkpoint: Path,
    encoder: ImageEncoder,
    imagenet: Path,
    tmp_path: Path,
) -> None:
    probe, run = tmp_path / "probe", tmp_path / "run"
    probe.mkdir()
    replace(classifier(encoder), size=48).save(probe)
    arguments = evaluation("invariance", checkpoint, imagenet, run, "--probe", str(probe))
    assert_refused(capsys, arguments, "size is 32: give --size 48, or train a classifier", run)
