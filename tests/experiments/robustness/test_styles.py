"""Causal3DIdent in the robustness study: rendered under do(S = s), and scored there."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from study_runs import run

from causal_ssl.datasets.causal3dident.latents import GROUPS
from causal_ssl.datasets.causal3dident.rendering.raster import available
from causal_ssl.errors import InputError
from causal_ssl.experiments import cells
from causal_ssl.experiments.robustness import images, styles
from causal_ssl.experiments.robustness.config import Rendered, RobustnessStudy

CONFIG = RobustnessStudy(
    datasets=("causal3dident",),
    methods=("relic", "supervised"),
    seeds=1,
    corruptions=("fog",),
    severities=(3,),
    causal3dident=Rendered(
        epochs=1,
        batch_size=16,
        n_train=32,
        n_test=24,
        backend="raster",
        styles=("object_hue",),
        values=(0.5,),
        n_style=14,
    ),
    device="cpu",
)

rendering = pytest.mark.skipif(available() is not None, reason=f"the raster backend: {available()}")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("studies") / "finished"
    run(CONFIG, out)
    return out


@pytest.mark.parametrize("variable", GROUPS)
def test_under_do_a_variable_is_s_and_all_others_have_laws_of_their_own(variable: str) -> None:
    recipe = styles.recipe_of(Rendered(n_style=400), (variable, -0.8))
    classes, raw = recipe.model.raw(recipe.model.sample(400, seed=0))
    for name, columns in GROUPS.items():
        own = raw[:, list(columns)]
        assert (own == -0.8).all() == (name == variable)
        if name != variable:
            assert (own.std(0) > 0.2).all()
    # Of seven equally likely classes: a count of 400 / 7, and five standard deviations of 7.
    assert abs(np.bincount(classes, minlength=7) - 400 / 7).max() < 35


def test_values_that_differ_late_have_folders_and_images_of_their_own(tmp_path: Path) -> None:
    found = [styles.recipe_of(Rendered(), ("object_hue", s)) for s in (0.1234567, 0.1234568, 0.5)]
    assert len({recipe.seed for recipe in found}) == 3
    names = [recipe.model.name.rpartition("do")[2] for recipe in found]
    assert names == [f"(object_hue = {s})" for s in ("0.1234567", "0.1234568", "0.5")]
    assert len({styles.folder(tmp_path, ("object_hue", s)) for s in (0.1234567, 0.1234568)}) == 2


def test_what_a_variable_causes_follows_it_and_what_causes_it_does_not() -> None:
    """Of armadillos and cows, say, the object's hue moves with the background's."""
    hue, background = GROUPS["object_hue"][0], GROUPS["background_hue"][0]
    moved = {}
    for variable, other in (("background_hue", hue), ("object_hue", background)):
        means = []
        for s in (-0.8, 0.8):
            recipe = styles.recipe_of(Rendered(), (variable, s))
            classes, raw = recipe.model.raw(recipe.model.sample(4000, seed=0))
            means.append([raw[classes == k, other].mean() for k in range(7)])
        moved[variable] = np.abs(np.subtract(*means)).max()
    # Of some 570 draws of deviation below 0.6: five standard deviations of a difference are 0.18.
    assert moved["background_hue"] > 0.18 > moved["object_hue"]


def test_a_missing_folder_of_scenes_is_refused_with_what_to_do_about_scenes(tmp_path: Path) -> None:
    given = replace(CONFIG.causal3dident, data_root=str(tmp_path / "gone"))
    with pytest.raises(InputError, match=r"no folder .*gone: name that of a Causal3D") as caught:
        images.check(replace(CONFIG, causal3dident=given), "causal3dident")
    assert "fashion" not in str(caught.value).lower()


@rendering
def test_every_encoder_is_asked_under_every_intervention(finished: Path) -> None:
    table = pd.read_csv(finished / "table.csv")
    under_do = table[table["metric"] == "error_under_do"]
    for _, own in under_do.fillna({"alpha": -1}).groupby(["method", "alpha"]):
        found = set(zip(own["style"], own["s"], own["n"], strict=True))
        assert found == {("object_hue", 0.5, 14)}
    assert len(under_do) == 4
    means = table[table["metric"] == "mean_error_under_do"]
    assert means["value"].mean() == pytest.approx(under_do["value"].mean())


@rendering
def test_scored_images_are_the_scenes_under_the_intervention(finished: Path) -> None:
    material = images.material_of(finished, CONFIG, "causal3dident")
    found = {style: len(scored.images) for style, scored in material.styles.items()}
    assert found == {("object_hue", 0.5): 14}
    folder = finished / "styles" / "object_hue=0.5" / "testset"
    raw = np.concatenate([np.load(path) for path in sorted(folder.glob("raw_latents_*.npy"))])
    assert len(raw) == 14
    assert (raw[:, GROUPS["object_hue"][0]] == 0.5).all()
    assert material.test.images.shape == (24, 3, 48, 48)


@rendering
def test_the_report_shows_images_and_errors_under_interventions(finished: Path) -> None:
    for name in ("styles_causal3dident", "images_styles_causal3dident"):
        assert (finished / "figures" / f"{name}.png").exists(), name
    assert "Under do(S = s) all coordinates" in (finished / "report.html").read_text()


@rendering
def test_an_interrupted_run_renders_what_is_missing_and_ends_with_the_same_table(
    finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "interrupted"
    shutil.copytree(finished, out)
    cells.path(out, "causal3dident-random-seed0").unlink()
    (out / "table.csv").unlink()
    shutil.rmtree(out / "styles" / "object_hue=0.5")
    run(CONFIG, out)
    assert (out / "table.csv").read_bytes() == (finished / "table.csv").read_bytes()
