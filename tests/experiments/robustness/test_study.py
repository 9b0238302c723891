"""A small robustness study, whole: its tables, its report, and that interruptions do no harm."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from study_runs import bars, run, write_bars

from causal_ssl.datasets.images.centres import Centres, centres
from causal_ssl.errors import InputError
from causal_ssl.experiments import cells
from causal_ssl.experiments.image_study import jobs as image_jobs
from causal_ssl.experiments.image_study.config import RANDOM
from causal_ssl.experiments.robustness import evaluation, images, plan
from causal_ssl.experiments.robustness.config import Budget, RobustnessStudy
from causal_ssl.experiments.robustness.evaluation import Scored, corrupted
from causal_ssl.models.image_encoders import image_encoder
from causal_ssl.models.weights import load_encoder
from causal_ssl.training.images import features

CORRUPTIONS = ("fog", "contrast")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of IDX files: 96 training images and 60 test images."""
    return write_bars(tmp_path_factory.mktemp("bars"))


@pytest.fixture(scope="module")
def config(data: Path) -> RobustnessStudy:
    budget = Budget(
        data_root=str(data), epochs=2, batch_size=32, learning_rate=0.005, n_linear=60, n_test=40
    )
    return RobustnessStudy(
        methods=("relic", "supervised"),
        corruptions=CORRUPTIONS,
        severities=(1, 5),
        fashion_mnist=budget,
        checkpoint_every=3,
        device="cpu",
    )


@pytest.fixture(scope="module")
def finished(config: RobustnessStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("studies") / "finished"
    run(config, out)
    return out


@pytest.fixture(scope="module")
def table(finished: Path) -> pd.DataFrame:
    return pd.read_csv(finished / "table.csv").fillna({"corruption": ""})


def test_every_encoder_is_asked_for_every_corruption_and_severity(
    config: RobustnessStudy, table: pd.DataFrame
) -> None:
    asked = {(c.method, -1 if c.alpha is None else c.alpha, c.seed) for c in plan.cells(config)}
    ways = {(RANDOM, -1), ("relic", 0), ("relic", 1), ("supervised", -1)}
    assert asked == {(*way, seed) for way in ways for seed in (0, 1)}
    errors = table[(table["metric"] == "error") & table["severity"].notna()].fillna({"alpha": -1})
    for key, own in errors.groupby(["method", "alpha", "seed"]):
        assert key in asked
        found = set(zip(own["corruption"], own["severity"], strict=True))
        assert found == {(name, s) for name in CORRUPTIONS for s in (1, 5)}
    assert len(errors) == len(asked) * 4
    assert errors["value"].between(errors["low"], errors["high"]).all()
    assert set(errors["n"]) == {40}


def test_by_itself_the_supervised_encoder_has_an_mce_of_exactly_one(table: pd.DataFrame) -> None:
    own = table[(table["method"] == "supervised") & (table["metric"] == "mce_by_supervised")]
    assert own["value"].tolist() == [1.0, 1.0]


def test_others_are_divided_by_the_supervised_encoder_of_their_seed(table: pd.DataFrame) -> None:
    errors = table[(table["metric"] == "error") & table["severity"].notna()]
    for seed in (0, 1):
        own = errors[errors["seed"] == seed]
        sums = {
            name: rows.groupby("corruption")["value"].sum()
            for name, rows in (
                ("relic", own[(own["method"] == "relic") & (own["alpha"] == 1)]),
                ("supervised", own[own["method"] == "supervised"]),
            )
        }
        found = table.query(
            "method == 'relic' and alpha == 1 and seed == @seed and metric == 'mce_by_supervised'"
        )
        expected = (sums["relic"] / sums["supervised"]).mean()
        assert found["value"].tolist() == [pytest.approx(expected)]


def test_encoders_of_one_seed_begin_alike_whatever_the_method_and_alpha(
    config: RobustnessStudy,
) -> None:
    plans = [
        images.planned(config, cell, n_images=96, n_classes=3)
        for cell in plan.cells(config)
        if cell.seed == 1
    ]
    first, *others = (
        image_encoder(what.training.encoder, seed=1).trunk.state_dict() for what in plans
    )
    assert len(others) == 3
    for other in others:
        assert all((other[name] == first[name]).all() for name in first)
    shared = {(p.training.steps, p.training.batch_size, p.training.optimiser) for p in plans}
    assert len(shared) == 1


def test_at_alpha_zero_relic_is_infonce(config: RobustnessStudy, finished: Path) -> None:
    """From the same seed the same steps, until rounding has grown."""
    train = images.images_of(finished, config, "fashion_mnist").train
    cell = plan.Cell("infonce", 0, "fashion_mnist")
    what = images.planned(config, cell, n_images=96, n_classes=3)
    _, logs = image_jobs.train(
        finished.parent, config, cell, what.training, train, what.views, report=lambda state: None
    )
    infonce = pd.DataFrame(logs["metrics"]).query("metric == 'loss'")["value"].to_numpy()
    history = pd.read_csv(finished / "history.csv").query("term == 'loss' and seed == 0")
    curves = {a: own["value"].to_numpy() for a, own in history.groupby("alpha")}
    np.testing.assert_allclose(curves[0.0][:3], infonce[:3], rtol=1e-5)
    assert abs(curves[1.0] - infonce)[:3].max() > 0.01


def test_what_is_scored_is_the_encoder_that_was_kept(
    config: RobustnessStudy, finished: Path, table: pd.DataFrame
) -> None:
    encoder = load_encoder(finished / "encoders" / "fashion_mnist-relic-alpha1-seed1.pt")
    material = images.material_of(finished, config, "fashion_mnist")
    again = evaluation.score(
        lambda seen: features(encoder, seen).intermediate,
        material.train,
        material.test,
        corruptions=["contrast"],
        severities=[5],
        seed=1,
    )[-1]
    own = table.query("alpha == 1 and seed == 1 and corruption == 'contrast' and severity == 5")
    assert own["value"].tolist() == [again["value"]]


def test_published_numbers_stand_beside_alpha_one_alone(table: pd.DataFrame) -> None:
    beside = table.dropna(subset=["reference"])
    assert set(zip(beside["method"], beside["alpha"].fillna(-1), strict=True)) == {
        ("relic", 1.0),
        ("supervised", -1.0),
    }
    mce = beside[(beside["method"] == "relic") & (beside["metric"] == "mce_by_supervised")]
    assert set(mce["reference_printed"]) == {0.764}
    assert beside["severity"].isna().all()


def test_the_report_holds_its_pictures_and_says_that_two_seeds_answer_nothing(
    finished: Path,
) -> None:
    page = (finished / "report.html").read_text()
    for name in ("penalty", "corruptions_fashion_mnist", "images_fashion_mnist"):
        assert (finished / "figures" / f"{name}.png").exists(), name
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "cannot say whether the invariance penalty buys robustness" in page


def test_a_finished_run_is_left_alone(config: RobustnessStudy, finished: Path) -> None:
    assert "complete already" in run(config, finished)


def test_an_interrupted_run_ends_with_the_same_table(
    config: RobustnessStudy, finished: Path, tmp_path: Path
) -> None:
    """Without a trained and an untrained cell, and with the training folder of a finished one."""
    out = tmp_path / "interrupted"
    shutil.copytree(finished, out)
    for name in ("relic-alpha1-seed1", f"{RANDOM}-seed0"):
        cells.path(out, f"fashion_mnist-{name}").unlink()
    (out / "table.csv").unlink()
    (out / "training" / "fashion_mnist-supervised-seed0" / "logs").mkdir(parents=True)
    run(config, out)
    assert (out / "table.csv").read_bytes() == (finished / "table.csv").read_bytes()
    assert list((out / "training").iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"methods": ("relik", "supervised")}, "did you mean 'relic'"),
        ({"methods": ("relic", "supervise")}, "unknown method 'supervise': did you mean 'supervi"),
        ({"methods": ("relic",)}, "add supervised, by whose errors"),
        ({"alphas": (1.0,)}, "add 0, the same training without the penalty"),
        ({"corruptions": ("fogg",)}, "did you mean 'fog'"),
        ({"corruptions": ("spatter", "saturate")}, "for validation and enter no mean: add one"),
        ({"methods": ("random", "supervised")}, "leave out random"),
        ({"severities": (0,)}, "severities must be at least 1"),
        ({"fashion_mnist": Budget(data_root="/nowhere")}, "dataset-fashion-mnist"),
    ],
    ids=[
        "method",
        "misspelt baseline",
        "no baseline",
        "no alpha 0",
        "corruption",
        "validation",
        "random",
        "severity",
        "folder",
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_made(
    config: RobustnessStudy, tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(replace(config, **changed), tmp_path / "refused")
    assert not (tmp_path / "refused").exists()


def test_grey_images_stay_grey_and_coloured_ones_do_not() -> None:
    random = np.random.default_rng(0)
    grey = torch.from_numpy(random.integers(0, 256, (2, 1, 28, 28), dtype=np.uint8))
    grey = grey.expand(-1, 3, -1, -1).contiguous()
    found = corrupted(grey, "gaussian_noise", 3)
    assert (found == found[:, :1]).all()
    assert (found != grey).any()
    colours = torch.from_numpy(random.integers(0, 256, (2, 3, 28, 28), dtype=np.uint8))
    found = corrupted(colours, "gaussian_noise", 3)
    assert (found != found[:, :1]).any()


def test_a_representation_without_the_noise_pixels_errs_less_under_noise_than_all_pixels_do() -> (
    None
):
    """Four columns hold the bars, the others next to nothing, which standardising makes as large.

    Of 300 images, an error's standard deviation is below 0.03, that of a difference below 0.041.
    """
    sets = []
    for seed, n in ((10, 600), (11, 300)):
        pixels, labels = bars(n, seed)
        pixels[:, :, 4:] = 100 + pixels[:, :, 4:] % 2
        sets.append(_Some(np.repeat(pixels[:, None], 3, axis=1).astype(np.uint8), labels))
    train = centres(sets[0], 600, size=28, seed=0)
    test = Scored.of(centres(sets[1], 300, size=28, seed=0))

    def all_pixels(seen: Any) -> np.ndarray:
        shown = seen if isinstance(seen, torch.Tensor) else Scored.of(seen).images
        return shown[:, 0].flatten(1).float().numpy() / 255

    def without_noise(seen: Any) -> np.ndarray:
        return all_pixels(seen).reshape(-1, 28, 28)[:, :, :4].reshape(-1, 28 * 4)

    found = {of: _rows(of, train, test) for of in (all_pixels, without_noise)}
    assert all(rows["linear_top1"] > 0.95 for rows in found.values())
    assert found[without_noise]["error"] < found[all_pixels]["error"] - 5 * 0.041


def _rows(represent: Callable[[Any], np.ndarray], train: Centres, test: Scored) -> dict[str, float]:
    rows = evaluation.score(
        represent, train, test, corruptions=["gaussian_noise"], severities=[1], seed=0
    )
    return {row["metric"]: row["value"] for row in rows}


class _Some:
    """Images of classes 0, 1, ... as data sets have them."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray) -> None:
        self.pixels, self.labels, self.size = pixels, labels, pixels.shape[-1]
        self.classes, self.skipped = [str(k) for k in np.unique(labels)], []

    def __len__(self) -> int:
        return len(self.labels)

    def batch(
        self, indices: np.ndarray, generator: torch.Generator | None = None
    ) -> dict[str, torch.Tensor]:
        return {"image": torch.from_numpy(self.pixels[indices])}
