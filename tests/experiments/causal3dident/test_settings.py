"""Names in the study's options are those of the parts that they stand for."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import truncnorm

from causal_ssl.datasets.causal3dident.latents import GROUPS
from causal_ssl.datasets.causal3dident.presets import causal3dident
from causal_ssl.datasets.causal3dident.views import LatentTransformation
from causal_ssl.experiments.catalogue import from_preset, presets
from causal_ssl.experiments.causal3dident import config, evaluation, page_tables, published
from causal_ssl.experiments.causal3dident.caveats import caveats
from causal_ssl.experiments.causal3dident.evaluation import Labelled
from causal_ssl.experiments.causal3dident.settings import SETTINGS
from causal_ssl.experiments.causal3dident.summary import finding, references, summarise
from causal_ssl.experiments.image_study.config import RANDOM
from causal_ssl.models.image_encoders import TRUNKS
from causal_ssl.views.augmentations import stacks


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.name)
def test_every_setting_is_an_augmentation_or_a_change_that_there_is(setting):
    if setting.change:
        assert not setting.augmentation
        assert LatentTransformation(setting.change).variables
    else:
        assert f"DA: {stacks.get(setting.augmentation).title}" == setting.title


def test_help_names_what_there_is():
    assert set(config.ENCODERS) == set(TRUNKS)


def test_presets_are_valid_and_the_large_ones_have_all_settings():
    assert presets("causal3dident") == ["quick", "standard", "paper"]
    assert from_preset("causal3dident", "quick") == config.Causal3DIdentStudy()
    for name in ("standard", "paper"):
        assert set(from_preset("causal3dident", name).settings) == set(SETTINGS)
    paper = from_preset("causal3dident", "paper")
    assert (paper.size, paper.object_scale, paper.steps, paper.batch_size) == (
        224,
        1.5,
        200_000,
        512,
    )


def test_the_published_table_has_every_row_and_variable():
    table = published.table()
    rows = table.groupby("method")["setting"].nunique()
    assert rows.to_dict() == {"infonce": 12, "barlow_twins": 8}
    assert set(table["variable"]) == {"class", *GROUPS}
    assert table["reference"].between(0, 1).all()


def test_what_the_class_alone_tells_is_what_its_law_says():
    """Of a rotation angle: means m or -m, of three classes and four, and variance v about them."""
    law = truncnorm((-1 - 0.35) / 0.5, (1 - 0.35) / 0.5, loc=0.35, scale=0.5)
    between = law.mean() ** 2 * (1 - 1 / 7**2)
    model = causal3dident()
    images = Labelled(*model.raw(model.sample(6000, seed=0)), n_fit=1500)
    scored = evaluation.score(
        evaluation.class_alone(images), images, alphas=(0.1,), gammas=(0.01, 0.1), cv=3, shuffles=0
    )
    found = {row["variable"]: row["value"] for row in scored}
    assert found["class"] == 1
    # The standard error of an angle's is 0.010, of the mean of three 0.006; 5 of them.
    expected = between / (between + law.var())
    assert found["object_rotation"] == pytest.approx(expected, abs=0.03)
    for root in ("spotlight_position", "spotlight_hue", "background_hue"):
        assert -0.03 < found[root] < 0.01
    # A published encoder of class and little else: LT: change rotations + hues, SimCLR.
    paper = published.table().query("setting == 'lt_rotations_hues' and method == 'infonce'")
    paper = paper.set_index("variable")["reference"]
    for caused in ("object_rotation", "object_hue"):
        assert found[caused] == pytest.approx(paper[caused], abs=0.05)


def test_shuffled_pairs_reach_what_chance_does_and_intact_ones_are_read():
    random = np.random.default_rng(0)
    classes = random.integers(7, size=3000)
    raw = random.uniform(-1, 1, size=(3000, 10))
    images = Labelled(classes, raw, n_fit=1000)
    scored = evaluation.score(
        np.column_stack([raw, np.eye(7)[classes]]), images, alphas=(0.1,), gammas=(0.03,), cv=3
    )
    assert [row["variable"] for row in scored] == 2 * ["class", *GROUPS]
    intact, shuffled = scored[: len(scored) // 2], scored[len(scored) // 2 :]
    assert all(row["value"] > 0.7 for row in intact)
    accuracy, *others = shuffled
    assert accuracy["metric"] == "accuracy_permuted"
    # 2,000 images are scored: five binomial standard errors.
    assert accuracy["value"] == pytest.approx(1 / 7, abs=5 * math.sqrt(6 / 49 / 2000))
    for row in others:
        assert row["metric"] == "r2_kernel_ridge_permuted"
        # Ridge fitted to noise is worse than the mean, not better.
        assert -0.5 < row["value"] < 0.02
    assert (images.object_class == classes).all()


def rows(method, accuracy, hue, setting="lt_hues", seed=0, layer="final", ending=""):
    common = {"setting": setting, "method": method, "seed": seed, "layer": layer}
    common |= {"reference": math.nan, "reference_std": math.nan}
    error = math.sqrt(accuracy * (1 - accuracy) / 400)
    classes = {"metric": f"accuracy{ending}", "variable": "class", "value": accuracy}
    hues = {"metric": f"r2_kernel_ridge{ending}", "variable": "object_hue", "value": hue}
    return [
        {**common, **classes, "standard_error": error},
        {**common, **hues, "standard_error": math.nan},
    ]


CLASS_ALONE = rows(config.CLASS_ALONE, 1.0, 0.31, setting="", layer="")


def test_the_finding_counts_encoders_above_the_untrained_one():
    table = pd.DataFrame(
        CLASS_ALONE
        + rows(RANDOM, 0.5, 0.9, setting="")
        + rows("relic", 0.75, 0.1)
        + rows("relic", 0.14, 0.0, ending="_permuted")
        + rows("infonce", 0.6, 0.8)
    )
    scores = {score.method: score for score in summarise(table) if score.variable == "class"}
    # Errors .025 and .0217: .25 is 7.6 of their hypotenuse; .025 and .0245: .1 is 2.9.
    assert scores["relic"].gain.errors == pytest.approx(
        0.25 / math.hypot(0.025, 0.021651), rel=1e-3
    )
    assert 2.8 < scores["infonce"].gain.errors < 2.9
    said = finding(summarise(table), {"lt_hues": "LT"}, {"relic": "ReLIC", "infonce": "InfoNCE"})
    assert said[0].endswith("the untrained encoder (0.50) for 1 of 2 encoders.")
    assert "ReLIC, LT: class 0.75 (+7.6 standard errors), R² of the object's hue 0.10" in said[1]
    assert said[1].endswith("(untrained 0.90, from the class alone 0.31).")


def test_a_gain_is_measured_against_the_spread_of_untrained_encoders():
    untrained = (0.40, 0.50, 0.60)
    table = pd.DataFrame(
        CLASS_ALONE
        + [
            row
            for seed, accuracy in enumerate(untrained)
            for row in rows(RANDOM, accuracy, 0.9, setting="", seed=seed)
        ]
        + [row for seed, a in enumerate((0.74, 0.76)) for row in rows("relic", a, 0.1, seed=seed)]
    )
    score = next(score for score in summarise(table) if score.variable == "class")
    assert (score.untrained, score.untrained_spread) == pytest.approx((0.5, 0.1))
    binomial = 0.75 * 0.25 / 400 + (0.4 * 0.6 + 0.5 * 0.5 + 0.6 * 0.4) / 3 / 400
    # Standard deviations .1 of three untrained encoders and .02 / sqrt(2) of two trained ones.
    assert score.gain.error == pytest.approx(math.sqrt(binomial + 0.01 / 3 + 2e-4 / 2), rel=1e-3)
    assert score.gain.errors == pytest.approx(0.25 / score.gain.error)
    said = finding(summarise(table), {"lt_hues": "LT"}, {"relic": "ReLIC"})
    assert "that of untrained encoders (0.50 ± 0.10 over 3 seeds) for 0 of 1" in said[0]
    one = next(s for s in summarise(table[table["seed"] == 0]) if s.variable == "class")
    assert one.gain.error == pytest.approx(math.sqrt((0.74 * 0.26 + 0.4 * 0.6) / 400), rel=1e-3)


SAID = pd.DataFrame(
    [
        {"method": config.CLASS_ALONE, "metric": "r2", "variable": name, "value": 0.3}
        for name in GROUPS
    ]
    + [{"method": "relic", "metric": "r2", "seed": 0, "layer": "final", "views": "rendered"}]
)
"""What caveats read of a table."""


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ({}, "images and the spread over the weights of 5 untrained encoders."),
        ({"seeds": 2}, "the weights of 2 trained encoders and 5 untrained encoders."),
        ({"untrained_seeds": 1}, "holds the sampling of the scored images."),
    ],
)
def test_what_errors_are_made_of_is_said(values, ends):
    found = caveats(config.Causal3DIdentStudy(**values), SAID)
    assert any(said.endswith(ends) for said in found)
    assert ("A single seed" in found[-1]) == ("seeds" not in values)


def test_what_scores_are_read_against_is_of_their_layer():
    table = pd.DataFrame(
        CLASS_ALONE
        + [
            row
            for layer, accuracy in (("final", 0.2), ("intermediate", 0.4))
            for method, setting in ((RANDOM, ""), ("relic", "lt_hues"))
            for row in (
                *rows(method, accuracy, 0.9, setting=setting, layer=layer),
                *rows(method, accuracy / 2, 0.0, setting, layer=layer, ending="_permuted"),
            )
        ]
    )
    beside = references(table, "intermediate")
    means = {
        title: found.groupby("variable")["value"].mean().to_dict()
        for title, found in beside.items()
    }
    assert means == {
        "untrained encoder": {"class": 0.4, "object_hue": 0.9},
        "class alone": {"class": 1.0, "object_hue": 0.31},
        "shuffled pairs": {"class": 0.2, "object_hue": 0.0},
    }
    # Of the trained encoder and of the untrained one.
    assert len(beside["shuffled pairs"]) == 4


def test_the_finding_does_not_count_means_over_seeds_as_encoders():
    every = [
        row
        for seed in (0, 1)
        for row in (
            *rows(RANDOM, 0.5, 0.9, setting="", seed=seed),
            *rows("relic", 0.75, 0.1, seed=seed),
        )
    ]
    scores = summarise(pd.DataFrame(CLASS_ALONE + every))
    said = finding(scores, {"lt_hues": "LT"}, {"relic": "ReLIC"})
    assert said[0].endswith("for 1 of 1 settings and methods, each the mean of 2 seeds.")


def test_what_differs_from_the_paper_is_said_of_images_of_ones_own_alone():
    rendered = " ".join(caveats(config.Causal3DIdentStudy(), SAID))
    assert "0.30 (object hue)" in rendered
    for said in ("n train 8000", "object scale 3.0", "batch size 128", "this project's own"):
        assert said in rendered
    given = " ".join(caveats(config.Causal3DIdentStudy(data_root="sets/zenodo"), SAID))
    assert "batch size 128" in given
    assert "those of sets/zenodo" in given
    for said in ("n train", "object scale", "this project's own"):
        assert said not in given
    paper = " ".join(caveats(from_preset("causal3dident", "paper"), SAID))
    assert "Other settings" not in paper


def test_several_seeds_are_shown_with_their_deviation():
    every = [
        row
        for seed, accuracy in enumerate((0.6, 0.7, 0.8))
        for row in (
            *rows(RANDOM, 0.5, 0.9, setting="", seed=seed),
            *rows("relic", accuracy, 0.1, seed=seed),
        )
    ]
    shown = [
        next(s for s in summarise(pd.DataFrame(CLASS_ALONE + some)) if s.variable == "class")
        for some in (every, every[:4])
    ]
    assert page_tables._ours(shown[0]).text == "0.70 ± 0.10"
    assert page_tables._ours(shown[1]).text == "0.60"
    assert page_tables._ours(shown[1]).detail == f"{shown[1].gain.errors:+.1f} s.e."
