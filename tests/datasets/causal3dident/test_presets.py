"""The published laws: means, truncation, graph, what an intervention leaves alone."""

from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import kstest

from causal_ssl.datasets.causal3dident.latents import CLASSES, GROUPS, LATENTS
from causal_ssl.datasets.causal3dident.model import LatentModel
from causal_ssl.datasets.causal3dident.presets import (
    PRESETS,
    causal3dident,
    causal3dident_model,
    threedident,
)
from causal_ssl.randomness import generator_for
from causal_ssl.scm import World

Floats = NDArray[np.float64]

N = 100_000
ENVIRONMENT = ("spotlight_position", "spotlight_hue", "background_hue")
CAUSED = [column for column, latent in enumerate(LATENTS) if latent not in ENVIRONMENT]
# Of some hundred tests of true laws in this file, one fails with probability below 1e-3.
LEVEL = 1e-5

ROTATIONS = {
    "teapot": (-0.35, 0.35, 0.35),
    "hare": (0.35, -0.35, 0.35),
    "dragon": (0.35, 0.35, -0.35),
    "cow": (0.35, -0.35, -0.35),
    "armadillo": (-0.35, 0.35, -0.35),
    "horse": (-0.35, -0.35, 0.35),
    "head": (-0.35, -0.35, -0.35),
}


def published_mean(name: str, raw: Floats) -> Floats:
    """(n, 7): means of the caused latents given their causes, transcribed from the paper."""
    spot, hues = raw[:, 6] * np.pi / 2, (raw[:, 8] + raw[:, 9]) / 2
    side = {"teapot": 0, "hare": -1, "dragon": -1, "cow": 1, "armadillo": 1, "horse": -1, "head": 1}
    hue = {
        "teapot": 0,
        "hare": hues,
        "dragon": -hues,
        "cow": -0.35,
        "armadillo": 0.7,
        "horse": -0.7,
    }
    position = [side[name] * np.sin(spot), side[name] * np.cos(spot), 0 * spot]
    columns = [*position, *ROTATIONS[name], hue.get(name, 0.35)]
    return np.stack([np.broadcast_to(column, len(raw)) for column in columns], axis=1)


def mass_below(value: Floats, mean: Floats, scale: float) -> Floats:
    """The CDF of Normal(mean, scale^2) truncated to [-1, 1]: U(0, 1) if that is value's law."""
    below, above = ndtr((-1 - mean) / scale), ndtr((1 - mean) / scale)
    return (ndtr((value - mean) / scale) - below) / (above - below)


def p_value(uniform: Floats) -> float:
    return float(kstest(uniform, "uniform", method="asymp").pvalue)


@cache
def scenes_of(name: str) -> Floats:
    """(N, 10): latents under do(class = name)."""
    model = LatentModel(causal3dident_model().do(object_class=CLASSES.index(name)))
    return model.raw(model.sample(N, seed=1))[1]


@pytest.mark.parametrize("name", CLASSES)
def test_every_caused_latent_follows_its_published_law(name: str) -> None:
    raw = scenes_of(name)
    uniform = mass_below(raw[:, CAUSED], published_mean(name, raw), 0.5)
    for column, masses in zip(CAUSED, uniform.T, strict=True):
        assert p_value(masses) > LEVEL, LATENTS[column]


@pytest.mark.parametrize(("shift", "scale"), [(0.03, 0.5), (-0.03, 0.5), (0.0, 0.45), (0.0, 0.55)])
def test_the_test_sees_a_law_that_is_a_little_off(shift: float, scale: float) -> None:
    raw = scenes_of("hare")
    wrong = mass_below(raw[:, CAUSED], published_mean("hare", raw) + shift, scale)
    assert all(p_value(column) < LEVEL for column in wrong.T)


@pytest.mark.parametrize("name", CLASSES)
def test_the_test_sees_the_class(name: str) -> None:
    """The law of every other class is refused for at least one latent."""
    raw = scenes_of(name)[:10_000]
    values = raw[:, CAUSED]
    for other in set(CLASSES) - {name}:
        uniform = mass_below(values, published_mean(other, raw), 0.5)
        assert min(p_value(column) for column in uniform.T) < LEVEL


def test_the_test_sees_a_normal_that_is_not_truncated() -> None:
    raw = scenes_of("hare")
    untruncated = ndtr((raw[:, CAUSED] - published_mean("hare", raw)) / 0.5)
    assert all(p_value(column) < LEVEL for column in untruncated.T)


def test_latents_fill_the_box_without_mass_at_its_walls() -> None:
    """A normal clipped to the box instead would put several percent there."""
    raw = scenes_of("armadillo")
    assert np.abs(raw).max() < 1
    assert np.abs(raw).max(axis=0).min() > 0.99


@pytest.mark.parametrize("variable", ENVIRONMENT)
def test_the_environment_is_uniform(variable: str) -> None:
    _, raw = causal3dident().raw(causal3dident().sample(N, seed=2))
    assert p_value((raw[:, GROUPS[variable][0]] + 1) / 2) > LEVEL


def test_classes_are_equally_frequent() -> None:
    classes, _ = causal3dident().raw(causal3dident().sample(N, seed=3))
    # Standard error of a frequency p: sqrt(p (1 - p) / N); 5 of them.
    assert np.abs(np.bincount(classes) / N - 1 / 7).max() < 5 * (6 / 49 / N) ** 0.5


def test_graph() -> None:
    assert set(causal3dident_model().graph.edges) == {
        ("object_class", "object_rotation"),
        ("object_class", "object_position"),
        ("object_class", "object_hue"),
        ("spotlight_position", "object_position"),
        ("spotlight_hue", "object_hue"),
        ("background_hue", "object_hue"),
    }


class TestInterventions:
    def test_on_the_class_leave_the_environment_alone(self) -> None:
        scm = causal3dident_model()
        natural = scm.sample(1000, generator=generator_for("do"))
        under_do = scm.do(object_class=3).sample(1000, generator=generator_for("do"))
        for variable in ENVIRONMENT:
            assert torch.equal(under_do[variable], natural[variable])
        other = natural["object_class"] != 3
        for variable in ("object_rotation", "object_hue"):
            assert bool((under_do[variable] != natural[variable])[other].any(dim=1).all())
            assert torch.equal(under_do[variable][~other], natural[variable][~other])

    def test_counterfactual_is_the_intervened_sample_of_the_same_noise(self) -> None:
        scm = causal3dident_model()
        world = scm.sample(500, generator=generator_for("same"))
        moved = {
            "spotlight_position": -world["spotlight_position"],
            "object_class": torch.tensor(2),
        }
        view = scm.counterfactual(world, **moved)
        again = scm.do(**moved).sample(500, generator=generator_for("same"))
        assert_same(view, again)
        assert not torch.equal(view["object_position"], world["object_position"])

    @pytest.mark.parametrize("preset", PRESETS)
    def test_composition(self, preset: str) -> None:
        """Setting variables to the values that they have anyway changes nothing."""
        model = PRESETS[preset]()
        world = model.sample(500, seed=4)
        for chosen in (["object_class"], ["spotlight_position", "object_hue"], list(world)):
            assert_same(model.scm.counterfactual(world, **{v: world[v] for v in chosen}), world)


class TestThreeDIdent:
    def test_one_class_and_independent_uniform_latents(self) -> None:
        classes, raw = threedident().raw(threedident().sample(N, seed=5))
        assert set(classes.tolist()) == {0}
        for column in raw.T:
            assert p_value((column + 1) / 2) > LEVEL
        # Correlations of independent latents have standard error 1 / sqrt(N); 5 of them.
        assert np.abs(np.corrcoef(raw.T) - np.eye(10)).max() < 5 / N**0.5
        assert not threedident().scm.graph.edges

    def test_other_classes(self) -> None:
        classes, _ = threedident(range(7)).raw(threedident(range(7)).sample(200, seed=0))
        assert set(classes.tolist()) == set(range(7))


def assert_same(one: World, two: World) -> None:
    assert set(one) == set(two)
    for variable in one:
        assert torch.equal(one[variable], two[variable]), variable
