"""`causal-ssl evaluate knn`, by the command line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import assert_refused, call, evaluation
from sklearn.neighbors import KNeighborsClassifier

from causal_ssl.experiments.evaluation.config import OnSplits
from causal_ssl.experiments.evaluation.images import open_split
from causal_ssl.models.image_encoders import ImageEncoder, image_encoder
from causal_ssl.models.weights.runs import save_encoder
from causal_ssl.training import images as training


def arguments_of(checkpoint: Path, root: Path, out: Path, *more: str) -> list[str]:
    return evaluation("knn", checkpoint, root, out, "--k", "9", *more)


def test_accuracy_is_that_of_the_features_by_another_implementation(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    encoder: ImageEncoder,
    tmp_path: Path,
) -> None:
    status, out, _ = call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "run"))
    assert status == 0
    train, val = (
        open_split(OnSplits(data_root=str(imagenet), size=32), split) for split in ("train", "val")
    )
    fit, score = (training.features(encoder, split.seen).intermediate for split in (train, val))
    neighbours = KNeighborsClassifier(
        9, metric="cosine", weights=lambda distances: np.exp((1 - distances) / 0.1)
    )
    expected = neighbours.fit(fit, train.labels).score(score, val.labels)
    table = pd.read_csv(tmp_path / "run" / "table.csv").set_index("metric")
    assert table.loc["knn_top1", "value"] == pytest.approx(expected)
    assert table.loc["knn_top1", ["n", "setting", "variable"]].tolist() == [24, "k=9 T=0.1", "val"]
    assert table.loc["knn_top1", "low"] < expected < table.loc["knn_top1", "high"]
    assert f"k = 9, T = 0.1: top-1 {100 * expected:.1f} %" in out
    inputs = json.loads((tmp_path / "run" / "inputs.json").read_text())
    assert inputs.keys() == {"encoder", "train images", "val images"}
    assert {"config.yaml", "environment.json"} <= {p.name for p in (tmp_path / "run").iterdir()}


def test_a_run_of_another_encoder_or_of_other_options_is_not_continued(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert call(capsys, arguments_of(checkpoint, imagenet, out))[0] == 0
    save_encoder(tmp_path / "other.pt", image_encoder("conv4", seed=1), {})
    status, _, err = call(capsys, arguments_of(tmp_path / "other.pt", imagenet, out))
    assert status == 2
    assert "holds an evaluation of another encoder: name another --out" in err
    status, _, err = call(capsys, arguments_of(checkpoint, imagenet, out, "--k", "5"))
    assert status == 2
    assert "k: 9 there, 5 asked" in err


def test_several_k_and_temperatures_are_rows_of_one_table(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    shared = ["--features", str(tmp_path / "features")]
    several = [*shared, "--k", "1", "20", "--temperature", "0.1", "0.5"]
    status, out, _ = call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "all", *several))
    assert status == 0
    tables = []
    for k in ("1", "20"):
        for temperature in ("0.1", "0.5"):
            one = [*shared, "--k", k, "--temperature", temperature]
            folder = tmp_path / f"{k}-{temperature}"
            assert call(capsys, arguments_of(checkpoint, imagenet, folder, *one))[0] == 0
            tables.append(pd.read_csv(folder / "table.csv"))
            assert f"k = {k}, T = {temperature}: top-1" in out
    together = pd.read_csv(tmp_path / "all" / "table.csv")
    pd.testing.assert_frame_equal(together, pd.concat(tables, ignore_index=True))


def test_a_run_is_repeated_from_its_config_file(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert call(capsys, arguments_of(checkpoint, imagenet, one))[0] == 0
    again = ["--config", str(one / "config.yaml"), "--checkpoint", str(checkpoint)]
    again += ["--data-root", str(imagenet), "--workers", "0", "--device", "cpu"]
    assert call(capsys, ["evaluate", "knn", *again, "--out", str(other)])[0] == 0
    assert (one / "table.csv").read_text() == (other / "table.csv").read_text()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--checkpoint", "nowhere.pt"], "nowhere.pt"),
        (["--checkpoint", ""], "no encoder: give --checkpoint"),
        (["--data-root", "nowhere"], "nowhere is not a folder"),
        (["--data-root", ""], "no images: give --data-root"),
        (["--k", "49"], "k = 49 neighbours among 48 training images: lower k"),
        (["--k", "3", "49", "1"], "k = 49 neighbours among 48 training images: lower k"),
        (["--k", "3", "3"], "--k names 3 more than once"),
        (["--temperature", "0"], "temperature must be above 0, got 0"),
        (["--presets", "x"], "unknown option --presets: did you mean --preset?"),
        (["--preset", "standart"], "unknown preset 'standart': did you mean 'standard'?"),
        (["--interpolation", "bicubik"], "unknown --interpolation 'bicubik': did you mean"),
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


def test_a_single_class_is_refused(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    for split in ("train", "val"):
        shutil.copytree(imagenet / split / "n02102040", tmp_path / "data" / split / "all")
    status, _, err = call(capsys, arguments_of(checkpoint, tmp_path / "data", tmp_path / "run"))
    assert status == 2
    assert "has training images of one class, 'all'" in err


def test_an_unknown_evaluation_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = call(capsys, ["evaluate", "kn"])
    assert status == 2
    assert "unknown evaluation 'kn': did you mean 'knn'?" in err
