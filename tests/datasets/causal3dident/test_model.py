"""Latent models: one's own graph, what is refused, raw latents, abduction, the record."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from causal_ssl.datasets.causal3dident.latents import GROUPS
from causal_ssl.datasets.causal3dident.mechanisms import (
    TruncatedNormal,
    Uniform,
    UniformClass,
    uniform_noise,
)
from causal_ssl.datasets.causal3dident.model import SCENE_VARIABLES, LatentModel
from causal_ssl.datasets.causal3dident.presets import PRESETS, causal3dident, threedident
from causal_ssl.errors import InputError
from causal_ssl.scm import StructuralCausalModel


def scm_with(**mechanisms: Any) -> StructuralCausalModel:
    """Independent uniform latents, but for the mechanisms given; None drops a variable."""
    own: dict[str, Any] = {"object_class": UniformClass(), **{v: Uniform() for v in GROUPS}}
    own = {v: f for v, f in (own | mechanisms).items() if f is not None}
    widths = {"object_class": (), **{v: (len(columns),) for v, columns in GROUPS.items()}}
    return StructuralCausalModel({v: uniform_noise(*widths.get(v, (1,))) for v in own}, own)


def reversed_hues() -> LatentModel:
    """object hue -> background hue, against the published direction."""
    follows = TruncatedNormal(lambda object_hue: 0.8 * object_hue, scale=0.3)
    return LatentModel(scm_with(background_hue=follows), content={"object_class", "object_hue"})


class TestOwnGraph:
    def test_is_sampled_as_declared(self) -> None:
        model = reversed_hues()
        assert list(model.scm.graph.edges) == [("object_hue", "background_hue")]
        assert set(model.style) == set(SCENE_VARIABLES) - {"object_class", "object_hue"}
        classes, raw = model.raw(model.sample(5000, seed=0))
        assert classes.shape == (5000,)
        assert raw.shape == (5000, 10)
        correlation = np.corrcoef(raw.T)
        assert correlation[7, 9] > 0.5
        # Between independent latents: 5 standard errors of 1 / sqrt(n).
        assert abs(correlation[7, 8]) < 5 / 5000**0.5

    def test_functions_do_as_mechanisms(self) -> None:
        model = LatentModel(scm_with(object_hue=lambda noise: noise / 2))
        assert 0 <= model.raw(model.sample(100, seed=0))[1][:, 7].max() <= 0.5

    def test_of_an_intervened_model(self) -> None:
        model = causal3dident()
        teapots = replace(model, scm=model.scm.do(object_class=0))
        assert set(teapots.raw(teapots.sample(50, seed=0))[0]) == {0}


class TestRefused:
    def test_a_variable_that_no_scene_has(self) -> None:
        with pytest.raises(InputError, match="scene variable 'objct_hue': did you mean 'object"):
            LatentModel(scm_with(objct_hue=Uniform()))

    def test_a_scene_variable_missing(self) -> None:
        with pytest.raises(InputError, match="lacks the scene variable object_hue, spotlight_hue"):
            LatentModel(scm_with(object_hue=None, spotlight_hue=None))

    def test_content_that_is_no_scene_variable(self) -> None:
        with pytest.raises(InputError, match="content variable 'class': did you mean"):
            LatentModel(scm_with(), content={"class"})

    def test_content_that_is_one_name(self) -> None:
        with pytest.raises(InputError, match="content='object_class': expected a collection"):
            LatentModel(scm_with(), content="object_class")

    def test_values_out_of_the_box(self) -> None:
        with pytest.raises(InputError, match=r"object_hue of row \d+ is .*a number in \[-1, 1\]"):
            LatentModel(scm_with(object_hue=lambda noise: 3 * noise))

    def test_values_that_are_no_number(self) -> None:
        with pytest.raises(InputError, match="spotlight_hue of row 0 is nan"):
            LatentModel(scm_with(spotlight_hue=lambda noise: noise * torch.nan))

    @pytest.mark.parametrize(
        ("variable", "wrong", "shape"),
        [
            ("object_position", lambda noise: noise[:, :2], r"\(256, 2\): expected \(n, 3\)"),
            ("object_hue", lambda noise: noise[:, 0], r"\(256,\): expected \(n, 1\)"),
        ],
    )
    def test_values_of_another_width(self, variable: str, wrong: Any, shape: str) -> None:
        with pytest.raises(InputError, match=f"'{variable}' has shape {shape}"):
            LatentModel(scm_with(**{variable: wrong}))

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            (lambda noise: noise, r"type float64: expected \(256,\) integers"),
            (lambda noise: noise[:, None].long(), r"shape \(256, 1\)"),
            (lambda noise: (noise * 0).long() + 7, "class 7 of row 0: expected 0 to 6"),
        ],
    )
    def test_classes_that_are_none(self, wrong: Any, message: str) -> None:
        with pytest.raises(InputError, match=message):
            LatentModel(scm_with(object_class=wrong))


class TestSamples:
    def test_are_a_function_of_the_seed(self) -> None:
        model = causal3dident()
        torch.manual_seed(0)
        one = model.raw(model.sample(50, seed=7))
        torch.manual_seed(1)
        two, other = (model.raw(causal3dident().sample(50, seed=seed)) for seed in (7, 8))
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
        assert not np.isin(one[1], other[1]).any()

    def test_raw_latents_hold_the_worlds_values_bit_for_bit(self) -> None:
        model = causal3dident()
        world = model.sample(20, seed=0)
        classes, raw = model.raw(world)
        assert classes.dtype == np.int64
        assert raw.dtype == np.float64
        assert classes.tolist() == world["object_class"].tolist()
        for variable, columns in GROUPS.items():
            assert np.array_equal(raw[:, columns], world[variable].numpy())


class TestAbduction:
    @pytest.mark.parametrize("model", [causal3dident(), threedident(range(7)), reversed_hues()])
    def test_finds_the_noise_behind_given_latents(self, model: LatentModel) -> None:
        world = model.sample(1000, seed=0)
        again = model.abduct(*model.raw(world))
        for variable in SCENE_VARIABLES:
            assert torch.equal(again[variable], world[variable])
            if variable != "object_class":
                torch.testing.assert_close(
                    again.noise[variable], world.noise[variable], atol=1e-13, rtol=0
                )

    def test_counterfactuals_are_those_of_the_world_itself(self) -> None:
        model = causal3dident()
        world = model.sample(200, seed=0)
        again = model.abduct(*model.raw(world))
        moved = {"spotlight_position": -world["spotlight_position"]}
        one, two = (model.scm.counterfactual(w, **moved) for w in (world, again))
        torch.testing.assert_close(one["object_position"], two["object_position"])
        assert not torch.allclose(one["object_position"], world["object_position"])

    def test_needs_mechanisms_that_can_be_inverted(self) -> None:
        model = LatentModel(scm_with(object_hue=lambda noise: noise))
        with pytest.raises(InputError, match="mechanism of 'object_hue' has no `abduct`"):
            model.abduct(*model.raw(model.sample(5, seed=0)))

    def test_refuses_what_is_no_scene(self) -> None:
        with pytest.raises(InputError, match=r"background_hue of row 1 is 1\.5"):
            causal3dident().abduct([0, 1], [[0.0] * 10, [0.0] * 9 + [1.5]])
        with pytest.raises(InputError, match=r"shape \(1,\).*expected \(2,\)"):
            causal3dident().abduct([0], np.zeros((2, 10)))
        with pytest.raises(InputError, match="class 4 is never drawn"):
            threedident().abduct([0, 4], np.zeros((2, 10)))


class TestRecord:
    @pytest.mark.parametrize("preset", PRESETS)
    def test_is_plain_data(self, preset: str) -> None:
        record = PRESETS[preset]().record()
        assert json.loads(json.dumps(record)) == record
        assert record["name"] == preset
        assert set(record["content"]).isdisjoint(record["style"])

    def test_holds_the_published_parameters(self) -> None:
        record = causal3dident().record()
        assert ["spotlight_position", "object_position"] in record["graph"]
        assert record["mechanisms"]["object_rotation"] == "TruncatedNormal"
        parameters = record["parameters"]
        assert parameters["mechanism.object_rotation.scale"] == 0.5
        assert parameters["mechanism.object_rotation.mean.constant"][0] == [-0.35, 0.35, 0.35]

    def test_tells_models_apart(self) -> None:
        class Half(nn.Module):
            def forward(self, noise: Tensor) -> Tensor:
                return noise / 2

        model = causal3dident()
        others = [
            replace(model, content={"object_class", "object_hue"}),
            replace(model, scm=model.scm.do(object_class=0)),
            replace(model, scm=model.scm.do(object_class=1)),
            LatentModel(scm_with(), name=model.name),
            LatentModel(scm_with(object_hue=Half()), name=model.name),
            threedident(),
            threedident([1]),
        ]
        records = [json.dumps(m.record()) for m in (model, *others)]
        assert len(set(records)) == len(records)
