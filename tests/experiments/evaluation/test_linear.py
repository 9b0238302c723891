"""`causal-ssl evaluate linear`, by the command line."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import assert_refused, call, evaluation
from torch.nn import functional as F

from causal_ssl.cli import main
from causal_ssl.experiments.catalogue import preset
from causal_ssl.experiments.evaluation.classifier import load_classifier
from causal_ssl.experiments.evaluation.config import OnSplits
from causal_ssl.experiments.evaluation.features import kept_features
from causal_ssl.experiments.evaluation.images import Shown, open_split
from causal_ssl.experiments.evaluation.linear import crops
from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.models.weights.digest import weights_digest
from causal_ssl.training import images as training


def arguments_of(checkpoint: Path, root: Path, out: Path, *more: str) -> list[str]:
    short = ["--epochs", "4", "--batch-sizes", "48", "--rates", "0.1", "1", "--held-out", "0.25"]
    return evaluation("linear", checkpoint, root, out, *short, *more)


def test_accuracy_is_that_of_torchs_sgd_on_the_same_features(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    encoder: ImageEncoder,
    tmp_path: Path,
) -> None:
    """One rate and one batch of all images: no order and no choice, so a loop of torch's own."""
    out = tmp_path / "run"
    one = ["--rates", "0.5", "--schedule", "constant"]
    assert call(capsys, arguments_of(checkpoint, imagenet, out, *one))[0] == 0
    asked = OnSplits(data_root=str(imagenet), size=32)
    train, val = (open_split(asked, split) for split in ("train", "val"))
    fit, score = (
        torch.from_numpy(training.features(encoder, split.seen).intermediate)
        for split in (train, val)
    )
    head = torch.nn.Linear(fit.shape[1], 6)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    sgd = torch.optim.SGD(head.parameters(), lr=0.5, momentum=0.9, nesterov=True)
    for _ in range(4):
        sgd.zero_grad()
        F.cross_entropy(head(fit), torch.from_numpy(train.labels)).backward()
        sgd.step()
    found = load_classifier(out)
    assert torch.allclose(found.weights, head.weight, atol=1e-5)
    told = head(score).topk(5).indices == torch.from_numpy(val.labels)[:, None]
    table = pd.read_csv(out / "table.csv").set_index("metric")
    assert table.loc["linear_top1", "value"] == pytest.approx(float(told[:, 0].float().mean()))
    assert table.loc["linear_top5", "value"] == pytest.approx(float(told.any(1).float().mean()))
    assert table.loc["linear_top1", "n"] == 24
    assert found.classes == tuple(train.classes)
    assert found.encoder == weights_digest(encoder)
    assert (found.size, found.interpolation) == (32, "bilinear")


def test_the_grid_and_what_was_chosen_are_in_the_table(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    grid = ["--epochs", "2", "4", "--batch-sizes", "12", "36"]
    status, out, _ = call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "run", *grid))
    assert status == 0
    table = pd.read_csv(tmp_path / "run" / "table.csv")
    choices = table[table.metric == "choice_top1"].set_index("setting")["value"]
    assert len(choices) == 8
    reported = table.set_index("metric").loc["linear_top1", "setting"]
    assert choices[reported] == choices.max()
    assert f"{reported}: top-1" in out


def test_augmented_epochs_are_new_crops_and_are_removed_in_the_end(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[np.ndarray] = []
    whole = crops.kept_features

    def kept(*args: object, **kwargs: object) -> np.ndarray:
        seen.append(np.array(whole(*args, **kwargs)))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(crops, "kept_features", kept)
    augment = ["--augment", "true", "--rates", "0.5"]
    assert call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "run", *augment))[0] == 0
    assert [epoch.shape for epoch in seen] == [(48, 256)] * 4
    assert not np.array_equal(seen[0], seen[1])
    kinds = {path.name.split("-")[0] for path in (tmp_path / "run" / "features").glob("*.npy")}
    assert kinds == {"train", "val"}


def test_crops_of_the_refit_are_told_as_such(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    augment = ["--augment", "true", "--rates", "0.5", "1"]
    status, said, _ = call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "run", *augment))
    assert status == 0
    begun = re.findall(r"^crops of epoch (\d.*): 48 images$", said, flags=re.MULTILINE)
    assert begun == ["0", "1", "2", "3", *(f"{epoch}, refit" for epoch in range(4))]
    table = (tmp_path / "run" / "table.csv").read_text()
    assert ",24,," in table, "n is a whole number"


class Killed(Exception):
    pass


def crops_until(monkeypatch: pytest.MonkeyPatch, last: int | None) -> list[str]:
    """Names of the epochs that crops are asked for from now on; killed with those of the last."""
    asked: list[str] = []

    def kept(subject: object, shown: Shown, *args: object, **kwargs: object) -> np.ndarray:
        features = kept_features(subject, shown, *args, **kwargs)  # type: ignore[arg-type]
        asked.append(shown.name)
        if len(asked) == last:
            raise Killed
        return features

    monkeypatch.setattr(crops, "kept_features", kept)
    return asked


@pytest.mark.parametrize("last", [3, 6])  # in the grid; while the chosen one is trained again
def test_a_killed_augmented_run_computes_no_epoch_twice_and_ends_as_one_that_was_not(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    last: int,
) -> None:
    """Both keep features in one folder, where the whole run removes its crops alone."""
    more = ["--augment", "true", "--features", str(tmp_path / "features")]
    killed = crops_until(monkeypatch, last)
    with pytest.raises(Killed):
        main(arguments_of(checkpoint, imagenet, tmp_path / "killed", *more))
    left = set((tmp_path / "features").glob("crops-*/crops-*.npy"))
    assert len(left) == 1
    whole = crops_until(monkeypatch, None)
    assert call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "whole", *more))[0] == 0
    assert set((tmp_path / "features").glob("crops-*/crops-*.npy")) == left
    rest = crops_until(monkeypatch, None)
    assert call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "killed", *more))[0] == 0
    assert killed[:-1] + rest == whole == [f"crops-{epoch}" for epoch in (0, 1, 2, 3) * 2]
    assert not list((tmp_path / "features").glob("crops-*"))
    first, second = (load_classifier(tmp_path / name) for name in ("killed", "whole"))
    assert torch.equal(first.weights, second.weights)
    tables = [(tmp_path / name / "table.csv").read_text() for name in ("killed", "whole")]
    assert tables[0] == tables[1]
    assert not (tmp_path / "killed" / "training").exists()


def test_crops_of_an_epoch_are_the_same_however_the_run_came_to_it(
    imagenet: Path,
) -> None:
    split = open_split(OnSplits(data_root=str(imagenet), size=32), "train")
    stack = crops.stack_of(32, "bilinear")
    rows = np.arange(16, 32)
    one, again, later = (
        crops.Crops(split.images, stack, 0, epoch).batch(rows)["image"] for epoch in (3, 3, 4)
    )
    assert one.shape == (16, 3, 32, 32)
    assert torch.equal(one, again)
    assert not torch.equal(one, later)


def test_nearest_neighbours_and_linear_share_features(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared = ["--features", str(tmp_path / "features")]
    assert call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "one", *shared))[0] == 0
    monkeypatch.setattr("causal_ssl.experiments.evaluation.images.decode", None)
    knn = evaluation("knn", checkpoint, imagenet, tmp_path / "other", *shared, "--k", "3")
    assert call(capsys, knn)[0] == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--rates", "0"], "rates must be above 0, got 0"),
        (["--momentum", "1"], "momentum must be below 1, got 1"),
        (["--held-out", "0.9"], "--held-out must be at most 0.5, got 0.9"),
        (["--held-out", "1e-6"], "held_out = 1e-06 of 48 training samples leaves none"),
        (["--schedule", "cosin"], "unknown --schedule 'cosin': did you mean 'cosine'?"),
        (["--preset", "relic"], "unknown preset 'relic': did you mean 'relic-paper'?"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_made(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    tmp_path: Path,
    change: list[str],
    says: str,
) -> None:
    run = tmp_path / "run"
    assert_refused(capsys, [*arguments_of(checkpoint, imagenet, run), *change], says, run)


@pytest.mark.parametrize(
    ("classes", "says"),
    [(1, "has training images of one class, 'n01443537'"), (2, "has no training images of n0300")],
)
def test_a_list_that_lacks_classes_is_refused_before_anything_is_computed(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    tmp_path: Path,
    classes: int,
    says: str,
) -> None:
    names = sorted(each.name for each in (imagenet / "train").iterdir())[:classes]
    images = tmp_path / "list.txt"
    images.write_text("".join(f"{name}_{k}.JPEG\n" for name in names for k in range(8)))
    arguments = arguments_of(checkpoint, imagenet, tmp_path / "run", "--subset", str(images))
    status, _, err = call(capsys, arguments)
    assert (status, len(err.splitlines())) == (2, 1)
    assert f"{images} {says}" in err
    assert not (tmp_path / "run").exists()


def test_the_papers_protocols_are_as_published() -> None:
    paper = preset("evaluation-linear", "relic-paper")
    assert (paper["epochs"], paper["batch_sizes"], paper["weight_decays"]) == ([80], [1024], [0.0])
    assert (paper["momentum"], paper["augment"], paper["interpolation"]) == (0.9, True, "bicubic")
    sweep = preset("evaluation-linear", "relic-robustness-sweep")
    assert sweep["epochs"] == [30, 50, 60, 90]
    assert sorted(sweep["rates"]) == [0.01, 0.05, 0.1, 0.2, 0.3, 0.4]
    assert sweep["batch_sizes"] == [1024, 2048, 4096]
