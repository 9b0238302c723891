"""A small methods study, whole: its tables, its report, and that interruptions do no harm."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import idx
from study_runs import bars, run, write_bars

from causal_ssl import methods
from causal_ssl.errors import InputError
from causal_ssl.experiments import cells
from causal_ssl.experiments.image_study import pictures as image_pictures
from causal_ssl.experiments.image_study.config import RANDOM
from causal_ssl.experiments.image_study.splits import splits
from causal_ssl.experiments.methods import evaluation, jobs, pictures, plan
from causal_ssl.experiments.methods.config import RAW, MethodsStudy
from causal_ssl.experiments.methods.evaluation import Represented
from causal_ssl.experiments.methods.images import pixels, represented
from causal_ssl.models.image_encoders import image_encoder
from causal_ssl.models.weights import load_encoder

METRICS = {"linear_top1", "knn_top1", "rank_me"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of IDX files: 96 training images and 60 test images."""
    return write_bars(tmp_path_factory.mktemp("bars"))


@pytest.fixture(scope="module")
def config(data: Path) -> MethodsStudy:
    return MethodsStudy(
        methods=("relic", "supervised"),
        seeds=2,
        data_root=str(data),
        epochs=2,
        batch_size=32,
        checkpoint_every=3,
        n_linear=48,
        device="cpu",
    )


@pytest.fixture(scope="module")
def finished(config: MethodsStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("studies") / "finished"
    run(config, out)
    return out


@pytest.fixture(scope="module")
def table(finished: Path) -> pd.DataFrame:
    return pd.read_csv(finished / "table.csv")


def test_every_representation_is_asked_for_every_metric(
    config: MethodsStudy, table: pd.DataFrame
) -> None:
    asked = {(cell.method, cell.seed) for cell in plan.cells(config)}
    assert asked == {(RAW, 0), *((m, s) for m in (RANDOM, "relic", "supervised") for s in (0, 1))}
    found = {key: set(rows["metric"]) for key, rows in table.groupby(["method", "seed"])}
    assert found == dict.fromkeys(asked, METRICS)
    accuracies = table[table["variable"] == "class"]
    assert accuracies["value"].between(0, 1).all()
    expected = np.sqrt(accuracies["value"] * (1 - accuracies["value"]) / 60)
    np.testing.assert_allclose(accuracies["standard_error"], expected)
    assert set(accuracies["n_score"]) == {60}
    fitted = accuracies.groupby("metric")["n_fit"].unique().map(list).to_dict()
    assert fitted == {"linear_top1": [48], "knn_top1": [96]}


def test_what_is_scored_is_the_encoder_that_was_kept(
    config: MethodsStudy, finished: Path, table: pd.DataFrame
) -> None:
    encoder = load_encoder(finished / "encoders" / "relic-seed1.pt")
    train, test = (
        represented(encoder, split, device="cpu") for split in jobs.images_of(config).whole(28)
    )
    again = {row["metric"]: row["value"] for row in evaluation.score(train, test, n_linear=48)}
    own = table[(table["method"] == "relic") & (table["seed"] == 1)]
    found = dict(zip(own["metric"], own["value"], strict=True))
    assert again == pytest.approx(found)


def test_training_starts_from_the_weights_of_the_untrained_encoder_of_its_seed(
    config: MethodsStudy,
) -> None:
    """Of every method, whatever its head: differences are taken seed by seed."""
    images = jobs.images_of(config).train
    trunks = [
        image_encoder(jobs.planned(config, name, 1, images).training.encoder, seed=1).trunk
        for name in methods.pretraining_names()
    ]
    first, *others = (trunk.state_dict() for trunk in trunks)
    assert others
    for other in others:
        assert all((other[name] == first[name]).all() for name in first)


def test_raw_pixels_are_one_channel_of_grey_images(config: MethodsStudy) -> None:
    images = jobs.images_of(config).whole(28)[1]
    raw = pixels(images)
    assert raw.shape == (60, 28 * 28)
    image = images.batch(np.arange(60))["image"]
    np.testing.assert_array_equal(np.round(raw * 255), image[:, 0].flatten(1))


def test_published_numbers_stand_beside_linear_accuracy_and_say_of_what(
    table: pd.DataFrame,
) -> None:
    beside = table.dropna(subset=["reference"])
    assert set(beside["metric"]) == {"linear_top1"}
    own = beside[beside["method"] == "relic"].iloc[0]
    assert own["reference"] == pytest.approx(0.703)
    assert own["reference_data"] == "ImageNet, ResNet-50, 1000 epochs"
    assert "2010.07922" in own["source"]
    assert not set(beside["method"]) & {RAW, RANDOM}


def test_losses_and_plans_of_every_method_are_kept(finished: Path) -> None:
    history = pd.read_csv(finished / "history.csv")
    assert set(zip(history["method"], history["seed"], strict=True)) == {
        (method, seed) for method in ("relic", "supervised") for seed in (0, 1)
    }
    assert history["step"].max() == 6
    plans = pd.read_csv(finished / "plans.csv").set_index(["method", "what"])
    assert plans.loc[("relic", "batch")].tolist() == ["4096", "32"]
    assert plans.loc[("relic", "optimiser")].tolist() == ["lars", "adam"]


def test_the_report_holds_its_pictures_and_asks_for_nothing_from_outside(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    for name in ("methods", "views", "loss"):
        assert (finished / "figures" / f"{name}.png").exists(), name
    assert "http://" not in page.replace("http://www.w3.org", "")
    for said in ("raw pixels", "untrained encoder", "another data set", "not a ranking"):
        assert said in page


def test_views_in_the_report_are_of_images_of_every_class(
    config: MethodsStudy, finished: Path
) -> None:
    kept = image_pictures.load(finished / image_pictures.FILE)
    assert list(kept) == ["image", "view 1", "view 2"]  # of ReLIC, which has two
    assert {images.shape for images in kept.values()} == {(pictures.SHOWN, 28, 28, 3)}
    images = jobs.images_of(config).train
    every = images.batch(np.arange(96))["image"].permute(0, 2, 3, 1).numpy()
    places = [int((every == image).all(axis=(1, 2, 3)).argmax()) for image in kept["image"]]
    assert (every[places] == kept["image"]).all()
    assert images.labels[places].tolist() == [0, 1, 2] * (pictures.SHOWN // 3)
    assert all((kept["view 1"] != kept["view 2"]).any(axis=(1, 2, 3)))


def test_a_finished_run_is_left_alone(config: MethodsStudy, finished: Path) -> None:
    before = (finished / "table.csv").stat().st_mtime_ns
    assert "complete already" in run(config, finished)
    assert (finished / "table.csv").stat().st_mtime_ns == before


def test_an_interrupted_run_ends_with_the_same_table(
    config: MethodsStudy, finished: Path, tmp_path: Path
) -> None:
    """Without a trained and an untrained cell, and with the training folder of a finished one."""
    out = tmp_path / "interrupted"
    shutil.copytree(finished, out)
    for name in ("relic-seed1", f"{RANDOM}-seed0"):
        cells.path(out, name).unlink()
    (out / "table.csv").unlink()
    (out / "training" / "supervised-seed0" / "logs").mkdir(parents=True)
    run(config, out)
    assert (out / "table.csv").read_bytes() == (finished / "table.csv").read_bytes()
    assert list((out / "training").iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"methods": ("relik",)}, "did you mean 'relic'"),
        ({"methods": ("supcon",)}, "has no recipe for images"),
        ({"methods": ("relic", "relic")}, "names relic more than once"),
        ({"batch_size": 97}, "96 images for a batch of 97"),
        ({"epochs": 0.1}, "epochs must be at least 0.5, got 0.1"),
        ({"data_root": "/nowhere"}, "dataset-fashion-mnist"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_made(
    config: MethodsStudy, tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(replace(config, **changed), tmp_path / "refused")
    assert not (tmp_path / "refused").exists()


def test_images_of_a_single_class_are_refused(tmp_path: Path) -> None:
    images, _ = bars(4, seed=0)
    for prefix in ("train", "t10k"):
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx(images))
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(np.zeros(4)))
    with pytest.raises(InputError, match=r"all 4 training images in .* are of one class"):
        splits(str(tmp_path), size=28)


def test_scores_are_those_of_features_whose_answer_is_known() -> None:
    random = np.random.default_rng(0)
    labels = {"train": random.integers(4, size=900), "test": random.integers(4, size=600)}
    perfect: Callable[[str], Represented] = lambda of: Represented(  # noqa: E731
        np.eye(4)[labels[of]] + 0.01 * random.normal(size=(len(labels[of]), 4)), labels[of]
    )
    noise: Callable[[str], Represented] = lambda of: Represented(  # noqa: E731
        random.normal(size=(len(labels[of]), 4)), labels[of]
    )
    for make, expected, slack in ((perfect, 1.0, 0.0), (noise, 0.25, 5 * 0.25 / 600**0.5 * 3**0.5)):
        rows = evaluation.score(make("train"), make("test"), n_linear=500)
        found = {row["metric"]: row["value"] for row in rows}
        assert found["linear_top1"] == pytest.approx(expected, abs=slack)
        assert found["knn_top1"] == pytest.approx(expected, abs=slack)
        assert 3.5 < found["rank_me"] <= 4.0
