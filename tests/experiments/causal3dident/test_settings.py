"""Names in the study's options are those of the parts that they stand for."""

import math

import pandas as pd
import pytest
from scipy.stats import truncnorm

from causal_ssl import methods
from causal_ssl.datasets.causal3dident.latents import GROUPS
from causal_ssl.datasets.causal3dident.views import LatentTransformation
from causal_ssl.experiments.catalogue import from_preset, presets
from causal_ssl.experiments.causal3dident import config, pages, published
from causal_ssl.experiments.causal3dident.caveats import caveats
from causal_ssl.experiments.causal3dident.class_alone import r2_from_class
from causal_ssl.experiments.causal3dident.settings import SETTINGS
from causal_ssl.experiments.causal3dident.summary import finding, summarise
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
    assert set(config.METHODS.split(", ")) == set(methods.names())
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
    found = r2_from_class()
    # The standard error of an angle's is 0.0022; 5 of them.
    expected = between / (between + law.var())
    assert found["object_rotation"] == pytest.approx(expected, abs=0.011)
    for root in ("spotlight_position", "spotlight_hue", "background_hue"):
        assert found[root] < 0.001
    # A published encoder of class and little else: LT: change rotations + hues, SimCLR.
    paper = published.table().query("setting == 'lt_rotations_hues' and method == 'infonce'")
    paper = paper.set_index("variable")["reference"]
    for caused in ("object_rotation", "object_hue"):
        assert found[caused] == pytest.approx(paper[caused], abs=0.02)


def rows(method, accuracy, hue, setting="lt_hues", seed=0):
    common = {"setting": setting, "method": method, "seed": seed, "layer": "final"}
    error = math.sqrt(accuracy * (1 - accuracy) / 400)
    missing = {"reference": math.nan, "reference_std": math.nan}
    return [
        {**common, **missing, "variable": "class", "value": accuracy, "standard_error": error},
        {**common, **missing, "variable": "object_hue", "value": hue, "standard_error": math.nan},
    ]


def test_the_finding_counts_encoders_above_the_untrained_one():
    table = pd.DataFrame(
        rows(config.RANDOM, 0.5, 0.9, setting="")
        + rows("relic", 0.75, 0.1)
        + rows("infonce", 0.6, 0.8)
    )
    scores = {score.method: score for score in summarise(table) if score.variable == "class"}
    # Errors .025 and .0217: .25 is 7.6 of their hypotenuse; .025 and .0245: .1 is 2.9.
    assert scores["relic"].gain == pytest.approx(0.25 / math.hypot(0.025, 0.021651), rel=1e-3)
    assert 2.8 < scores["infonce"].gain < 2.9
    said = finding(summarise(table), {"lt_hues": "LT"}, {"relic": "ReLIC", "infonce": "InfoNCE"})
    assert said[0].endswith("(0.50) for 1 of 2 encoders.")
    assert "ReLIC, LT: class 0.75 (+8 standard errors), R² of the object's hue 0.10" in said[1]
    assert said[1].endswith("(untrained 0.90, from the class alone 0.31).")


def test_the_finding_does_not_count_means_over_seeds_as_encoders():
    every = [
        row
        for seed in (0, 1)
        for row in (
            *rows(config.RANDOM, 0.5, 0.9, setting="", seed=seed),
            *rows("relic", 0.75, 0.1, seed=seed),
        )
    ]
    scores = summarise(pd.DataFrame(every))
    said = finding(scores, {"lt_hues": "LT"}, {"relic": "ReLIC"})
    assert said[0].endswith("for 1 of 1 settings and methods, each the mean of 2 seeds.")


def test_what_differs_from_the_paper_is_said_of_images_of_ones_own_alone():
    table = pd.DataFrame({"views": ["rendered"]})
    rendered = " ".join(caveats(config.Causal3DIdentStudy(), table))
    for said in ("n train 8000", "object scale 3.0", "batch size 128", "this project's own"):
        assert said in rendered
    given = " ".join(caveats(config.Causal3DIdentStudy(data="sets/zenodo"), table))
    assert "batch size 128" in given
    assert "those of sets/zenodo" in given
    for said in ("n train", "object scale", "this project's own"):
        assert said not in given
    paper = " ".join(caveats(from_preset("causal3dident", "paper"), table))
    assert "Other settings" not in paper


def test_several_seeds_are_shown_with_their_deviation():
    every = [
        row
        for seed, accuracy in enumerate((0.6, 0.7, 0.8))
        for row in (
            *rows(config.RANDOM, 0.5, 0.9, setting="", seed=seed),
            *rows("relic", accuracy, 0.1, seed=seed),
        )
    ]
    accuracy = next(s for s in summarise(pd.DataFrame(every)) if s.variable == "class")
    assert pages._ours(accuracy).text == "0.70 ± 0.10"
    alone = next(s for s in summarise(pd.DataFrame(every[:4])) if s.variable == "class")
    assert pages._ours(alone).text == "0.60"
