"""A small Causal3DIdent study, whole: its table, its report, and that interruptions do no harm."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from study_runs import run

from causal_ssl.datasets.causal3dident.dataset import Causal3DIdent
from causal_ssl.datasets.causal3dident.latents import CLASSES
from causal_ssl.datasets.causal3dident.rendering.raster import available
from causal_ssl.errors import InputError
from causal_ssl.experiments import cells
from causal_ssl.experiments.causal3dident import plan
from causal_ssl.experiments.causal3dident.config import CLASS_ALONE, Causal3DIdentStudy
from causal_ssl.experiments.causal3dident.published import VARIABLES
from causal_ssl.experiments.image_study.config import RANDOM
from causal_ssl.experiments.image_study.pictures import FILE, load

pytestmark = pytest.mark.skipif(
    available() is not None, reason=f"the raster backend: {available()}"
)

CONFIG = Causal3DIdentStudy(
    settings=("lt_hues", "da_rotation"),
    methods=("relic", "barlow_twins"),
    untrained_seeds=3,
    n_train=48,
    n_test=72,
    n_fit=40,
    size=16,
    steps=6,
    batch_size=16,
    checkpoint_every=3,
    backend="raster",
    device="cpu",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("studies") / "finished"
    run(CONFIG, out)
    return out


@pytest.fixture(scope="module")
def table(finished: Path) -> pd.DataFrame:
    return pd.read_csv(finished / "table.csv")


def test_every_encoder_is_asked_for_every_variable_at_both_layers(table):
    encoders = {(cell.setting, cell.method) for cell in plan.cells(CONFIG)}
    assert len(encoders) == 2 * 2 + 2
    intact = table[~table["metric"].str.endswith("_permuted")].fillna({"setting": "", "layer": ""})
    asked = intact.groupby(["setting", "method", "seed", "layer"])["variable"]
    assert {key[:2] for key in asked.groups} == encoders
    # Four encoders and the untrained ones, of two layers; the class alone has none.
    assert len(asked.groups) == (4 + CONFIG.untrained_seeds) * 2 + 1
    assert all(sorted(variables) == sorted(VARIABLES) for _, variables in asked)


def test_every_score_has_its_level_of_chance(table):
    shuffled = table["metric"].str.endswith("_permuted")
    keys = ["setting", "method", "seed", "layer", "variable"]
    # The class alone has seven distinct points, whose shuffled pairs say nothing of chance.
    assert len(table[table["method"] != CLASS_ALONE]) == 2 * shuffled.sum()
    assert len(table[shuffled].drop_duplicates(keys)) == shuffled.sum()
    assert table.loc[shuffled, "reference"].isna().all()
    # 32 images score: a chance R2 is at most some of their noise.
    r2 = table[shuffled & (table["variable"] != "class")].groupby("variable")["value"].mean()
    assert (r2 < 0.2).all()


def test_the_class_alone_is_scored_on_the_images_at_hand(table):
    alone = table[(table["method"] == CLASS_ALONE) & (table["metric"] == "accuracy")]
    assert alone["value"].tolist() == [1.0]
    assert alone["layer"].isna().all()


def test_untrained_encoders_of_several_seeds_differ(table):
    own = table[(table["method"] == RANDOM) & (table["metric"] == "r2_kernel_ridge")]
    seeds = own[own["variable"] == "object_position"].groupby("layer")["value"].nunique()
    assert seeds.to_dict() == {"final": 3, "intermediate": 3}


def test_published_numbers_stand_beside_the_rows_that_they_are_about(table):
    beside = table.dropna(subset=["reference"])
    # No ReLIC and no rotations in the paper's Barlow Twins table; its numbers are of the output.
    kinds = set(zip(beside["setting"], beside["method"], beside["layer"], strict=True))
    assert kinds == {("lt_hues", "barlow_twins", "final")}
    by_variable = beside.set_index("variable")
    assert by_variable.loc["object_position", "reference"] == 0.56
    assert by_variable.loc["object_position", "reference_std"] == 0.20


def test_the_table_says_where_views_come_from(table):
    found = dict(zip(table["setting"], table["views"], strict=True))
    assert found["lt_hues"] == "rendered"
    assert found["da_rotation"] == "augmentation"


def test_the_report_holds_its_pictures_and_asks_for_nothing_from_outside(finished):
    page = (finished / "report.html").read_text()
    for name in ("scores_final", "scores_intermediate", "classes", "graph", "views", "loss"):
        assert (finished / "figures" / f"{name}.png").exists(), name
    assert "http://" not in page.replace("http://www.w3.org", "")
    for said in ("untrained, 3 seeds", "class alone", "shuffled pairs"):
        assert said in page
    assert "Exact counterfactuals: LT: change hues" in page


def test_a_finished_run_is_left_alone(finished):
    before = (finished / "table.csv").stat().st_mtime_ns
    assert "complete already" in run(CONFIG, finished)
    assert (finished / "table.csv").stat().st_mtime_ns == before


def test_an_interrupted_run_ends_with_the_same_table(finished, tmp_path):
    """Without a trained and an untrained cell, and without an image that they need; with the
    training folder of a cell that was finished and not yet tidied up."""
    out = tmp_path / "interrupted"
    shutil.copytree(finished, out)
    for name in ("lt_hues-relic-seed0", f"{RANDOM}-seed0"):
        cells.path(out, name).unlink()
    (out / "table.csv").unlink()
    (out / "training" / "lt_hues-barlow_twins-seed0" / "logs").mkdir(parents=True)
    image = next((out / "data" / "trainset").glob("images_*/*.png"))
    pixels = image.read_bytes()
    image.unlink()
    run(CONFIG, out)
    assert image.read_bytes() == pixels
    assert (out / "table.csv").read_bytes() == (finished / "table.csv").read_bytes()
    assert list((out / "training").iterdir()) == []


def test_views_in_the_report_come_from_where_those_trained_on_do(finished, tmp_path):
    """A testset without counterfactuals, whose views would have to be drawn, changes nothing."""
    data, out = tmp_path / "data", tmp_path / "again"
    shutil.copytree(finished / "data", data)
    assert not (data / "testset" / "counterfactuals").exists()
    run(replace(CONFIG, data_root=str(data), settings=("lt_hues",), methods=("relic",)), out)
    kept, before = (load(root / FILE) for root in (out, finished))
    views = Causal3DIdent(finished / "data", "train", size=CONFIG.size)
    assert (kept["lt_hues 1"] == before["lt_hues 1"]).all()
    trainset = {image.tobytes() for image in views.pixels(np.arange(len(views)))}
    assert all(image.tobytes() in trainset for image in kept["image"])


def test_images_rendered_before_give_the_same_scores(finished, table, tmp_path):
    config = replace(
        CONFIG, data_root=str(finished / "data"), settings=("lt_hues",), methods=("relic",)
    )
    run(config, tmp_path / "again")
    again = pd.read_csv(tmp_path / "again" / "table.csv")
    keys = ["setting", "method", "seed", "layer", "metric", "variable"]
    same = table.merge(again, on=keys, suffixes=("", "_new"))
    assert len(same) == len(again)
    pd.testing.assert_series_equal(same["value"], same["value_new"], check_names=False)


def test_images_of_a_single_class_are_refused(finished, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(finished / "data", data)
    for index in range(1, len(CLASSES)):
        latents = data / "testset" / f"raw_latents_{index}.npy"
        np.save(latents, np.load(latents)[:0])
        for image in (data / "testset" / f"images_{index}").iterdir():
            image.unlink()
    config = replace(CONFIG, data_root=str(data), n_test=8, n_fit=4)
    with pytest.raises(InputError, match="in its testset are of one class"):
        run(config, tmp_path / "refused")
    assert not (tmp_path / "refused").exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"settings": ("lt_hue",)}, "did you mean 'lt_hues'"),
        ({"methods": ("supcon",)}, "needs groups"),
        ({"methods": ("simsiam",)}, "unknown method"),
        ({"n_fit": 72}, "leave some for scoring"),
        ({"batch_size": 64}, "exceeds n_train"),
        ({"data_root": "/nowhere"}, "has no trainset"),
        ({"settings": ("lt_hues", "lt_hues")}, "more than once"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_made(tmp_path, values, message):
    with pytest.raises(InputError, match=message):
        run(replace(CONFIG, **values), tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
