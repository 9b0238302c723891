"""`causal-ssl evaluate linear --choose-on imagenet-c`: ReLIC's way to choose a classifier."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import assert_refused, call, evaluation
from PIL import Image

from causal_ssl.analysis.robustness import alexnet
from causal_ssl.datasets.suites import Transform, open_suite
from causal_ssl.datasets.suites.classes import wnids
from causal_ssl.experiments.evaluation.classifier import load_classifier
from causal_ssl.experiments.packing import pack_splits
from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.training import images as training


def arguments_of(checkpoint: Path, root: Path, out: Path, *more: str) -> list[str]:
    short = ["--batch-sizes", "48", "--rates", "0.1", "1", "--choose-on", "imagenet-c"]
    return evaluation("linear", checkpoint, root, out, *short, "--epochs", "60", *more)


@pytest.fixture
def corrupted(imagenet: Path, tmp_path: Path) -> Path:
    """SETS/imagenet-c: of every class one image, under the four validation corruptions."""
    rng = np.random.default_rng(1)
    for corruption in ("speckle_noise", "gaussian_blur", "spatter", "saturate"):
        for severity in range(1, 6):
            for folder in (imagenet / "train").iterdir():
                image = Image.open(folder / f"{folder.name}_{severity}.JPEG").resize((32, 32))
                noise = rng.normal(0, 10 * severity, (32, 32, 3))
                pixels = (np.asarray(image) + noise).clip(0, 255).astype(np.uint8)
                path = tmp_path / "sets/imagenet-c/extra" / corruption / str(severity)
                (path / folder.name).mkdir(parents=True)
                Image.fromarray(pixels).save(path / folder.name / "a.JPEG")
    return tmp_path / "sets"


def test_what_chose_is_among_the_inputs_and_another_is_refused(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    corrupted: Path,
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    arguments = arguments_of(checkpoint, imagenet, run, "--suite-root", str(corrupted))
    assert call(capsys, arguments)[0] == 0
    assert "validation corruptions" in json.loads((run / "inputs.json").read_text())
    assert call(capsys, arguments)[0] == 0
    Image.new("RGB", (32, 32)).save(next(corrupted.rglob("n01443537/a.JPEG")))
    status, _, err = call(capsys, arguments)
    assert status == 2
    assert "holds an evaluation of another validation corruptions: name another --out" in err


def test_corruptions_are_seen_at_the_size_that_packed_training_images_are(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    corrupted: Path,
    tmp_path: Path,
) -> None:
    """Of 32 px packed the centre of 28 is seen: ImageNet-C, a centre already, whole at 28."""
    pack_splits(imagenet, tmp_path / "packed", 32, workers=1)
    arguments = arguments_of(
        checkpoint, tmp_path / "packed", tmp_path / "run", "--suite-root", str(corrupted)
    )
    at = arguments.index("--size")
    assert call(capsys, arguments[:at] + arguments[at + 2 :])[0] == 0
    made = (tmp_path / "run/features").glob("imagenet-c-*.json")
    seen = {json.loads(path.read_text())["how"] for path in made}
    assert seen == {str(Transform(28, 28))}


def test_validation_corruptions_choose_by_their_mce(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    encoder: ImageEncoder,
    corrupted: Path,
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    arguments = arguments_of(checkpoint, imagenet, run, "--suite-root", str(corrupted))
    status, said, _ = call(capsys, arguments)
    assert status == 0
    table = pd.read_csv(run / "table.csv")
    choices = table[table.metric == "choice_mce"].set_index("setting")["value"]
    assert len(choices) == 2
    chosen = table.set_index("metric").loc["linear_top1", "setting"]
    assert choices[chosen] == choices.min() < choices.max()
    found, suite = (
        load_classifier(run),
        open_suite(
            "imagenet-c", corrupted / "imagenet-c", transform=Transform(32, None), partial=True
        ),
    )
    shares = []
    for corruption in ("speckle_noise", "gaussian_blur", "spatter", "saturate"):
        wrong = 0.0
        for severity in range(1, 6):
            images = suite.images(f"{corruption}/{severity}")
            seen = torch.from_numpy(training.features(encoder, images).intermediate)
            told = found.logits(seen).argmax(dim=1).tolist()
            answers = [found.classes.index(wnids()[answer]) for answer in images.answers[:, 0]]
            wrong += sum(a != b for a, b in zip(told, answers, strict=True)) / len(answers)
        shares.append(wrong / 5 / alexnet().errors[corruption])
    assert choices[chosen] == pytest.approx(sum(shares) / 4)
    mce = f"(mCE {25 * sum(shares):.1f} % on ImageNet-C's validation corruptions"
    assert f"{mce}, of 6 of its 1,000 classes)" in said


def test_validation_corruptions_that_are_not_whole_are_refused(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    corrupted: Path,
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    arguments = arguments_of(checkpoint, imagenet, run)
    assert_refused(capsys, arguments, "give --suite-root, or --choose-on held-out", run)
    arguments += ["--suite-root", str(corrupted)]
    gone = corrupted / "imagenet-c/extra/spatter"
    (gone / "4").rename(corrupted / "4")
    assert_refused(capsys, arguments, "imagenet-c lacks spatter/4: ", run)
    (corrupted / "4").rename(gone / "4")
    for folder in (corrupted / "imagenet-c").glob("extra/*/*/n03000684"):
        shutil.rmtree(folder)
    assert_refused(capsys, arguments, "has 5 classes, and not the training images' 6: n0300", run)
