"""Latent transformations: what is redrawn and how, what is held, what follows, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import gennorm, kstest

from causal_ssl.datasets.causal3dident.latents import GROUPS
from causal_ssl.datasets.causal3dident.model import SCENE_VARIABLES, LatentModel
from causal_ssl.datasets.causal3dident.presets import causal3dident, threedident
from causal_ssl.datasets.causal3dident.views import CHANGES, LatentTransformation, Redraw
from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for
from causal_ssl.scm import World, truncated_normal

MODEL = causal3dident()
WORLD = MODEL.sample(500, seed=0)
SPOTLIGHT = LatentTransformation("spotlight_position", propagate=True)


def view_of(
    change: LatentTransformation, model: LatentModel = MODEL, world: World = WORLD, seed: int = 0
) -> World:
    return change.view(model, world, generator=generator_for(seed, "view"))


def moved(view: World, world: World = WORLD) -> set[str]:
    """Variables that differ; each differs in every scene, or else in none, bit for bit."""
    differs = {v: (view[v] != world[v]).reshape(world.n, -1) for v in SCENE_VARIABLES}
    assert all(bool(d.all()) or not bool(d.any()) for d in differs.values())
    return {variable for variable, d in differs.items() if bool(d.any())}


class TestHeld:
    @pytest.mark.parametrize(
        ("change", "variables"),
        [
            ("hues", {"object_hue", "spotlight_hue", "background_hue"}),
            ("positions", {"object_position", "spotlight_position"}),
            ("rotations", {"object_rotation"}),
            (
                "rotations+hues",
                {"object_rotation", "object_hue", "spotlight_hue", "background_hue"},
            ),
            ("spotlight_position", {"spotlight_position"}),
            ("spotlight_hue+background_hue", {"spotlight_hue", "background_hue"}),
            ("all", set(GROUPS)),
        ],
    )
    def test_only_what_is_named_moves(self, change: str, variables: set[str]) -> None:
        transformation = LatentTransformation(change)
        assert set(transformation.variables) == variables
        assert moved(view_of(transformation)) == variables

    def test_raw_latents_show_it(self) -> None:
        classes, raw = MODEL.raw(WORLD)
        view_classes, view = MODEL.raw(view_of(LatentTransformation("hues")))
        assert np.array_equal(view_classes, classes)
        assert np.array_equal(view[:, :7], raw[:, :7])
        assert (view[:, 7:] != raw[:, 7:]).all()

    def test_it_is_the_same_in_every_graph(self) -> None:
        """So it can be asked of latents whose model is not known."""
        unknown = threedident(range(7))
        one = view_of(LatentTransformation("positions"))
        two = view_of(LatentTransformation("positions"), unknown, unknown.abduct(*MODEL.raw(WORLD)))
        for variable in SCENE_VARIABLES:
            assert torch.equal(one[variable], two[variable])

    def test_content_is_held_below_style(self) -> None:
        model = replace(MODEL, content={"object_class", "object_position"})
        change = LatentTransformation("spotlight_position")
        assert moved(view_of(change, model)) == {"spotlight_position"}

    def test_a_view_of_a_view_keeps_the_first_change(self) -> None:
        first = view_of(LatentTransformation("spotlight_hue"))
        second = view_of(LatentTransformation("rotations"), world=first)
        assert moved(second, first) == {"object_rotation"}
        assert moved(second) == {"object_rotation", "spotlight_hue"}


class TestPropagated:
    @pytest.mark.parametrize(
        ("change", "variables"),
        [
            ("spotlight_position", {"spotlight_position", "object_position"}),
            ("rotations", {"object_rotation"}),
            ("hues", {"object_hue", "spotlight_hue", "background_hue"}),
        ],
    )
    def test_descendants_follow(self, change: str, variables: set[str]) -> None:
        view = view_of(LatentTransformation(change, propagate=True))
        # The object follows the spotlight along x and y, of no teapot and never along z.
        differs = {v for v in SCENE_VARIABLES if not torch.equal(view[v], WORLD[v])}
        assert differs == variables

    def test_they_follow_by_their_mechanism_and_their_own_noise(self) -> None:
        view = view_of(SPOTLIGHT)
        angle = view["spotlight_position"][:, 0] * torch.pi / 2
        side = torch.tensor([0, -1, -1, 1, 1, -1, 1])[WORLD["object_class"]]
        expected = truncated_normal(
            WORLD.noise["object_position"][:, 1], side * angle.cos(), 0.5, -1, 1
        )
        torch.testing.assert_close(view["object_position"][:, 1], expected)
        assert torch.equal(view["object_position"][:, 2], WORLD["object_position"][:, 2])
        teapots = WORLD["object_class"] == 0
        assert torch.equal(view["object_position"][teapots], WORLD["object_position"][teapots])

    def test_object_hue_follows_the_lights_of_hares_and_dragons(self) -> None:
        view = view_of(LatentTransformation("background_hue", propagate=True))
        follows = (view["object_hue"] - WORLD["object_hue"])[:, 0]
        light = (view["background_hue"] - WORLD["background_hue"])[:, 0]
        classes = WORLD["object_class"]
        assert torch.equal(follows[classes == 1].sign(), light[classes == 1].sign())
        assert torch.equal(follows[classes == 2].sign(), -light[classes == 2].sign())
        assert not bool(follows[(classes != 1) & (classes != 2)].any())

    def test_what_is_drawn_does_not_depend_on_it(self) -> None:
        held = view_of(replace(SPOTLIGHT, propagate=False))
        assert torch.equal(view_of(SPOTLIGHT)["spotlight_position"], held["spotlight_position"])

    def test_a_view_is_no_factual_world(self) -> None:
        first = view_of(LatentTransformation("object_position"))
        with pytest.raises(InputError, match=r"a view already \(noise object_position.draw\)"):
            view_of(SPOTLIGHT, world=first)


class TestContent:
    def test_style_above_content_is_refused_with_the_reason(self) -> None:
        model = replace(MODEL, content={"object_class", "object_position"})
        with pytest.raises(
            InputError, match="spotlight_position is style and an ancestor of the content object_p"
        ):
            SPOTLIGHT.check(model)
        with pytest.raises(InputError, match="ask for it with content_may_follow"):
            view_of(SPOTLIGHT, model)

    def test_unless_that_is_asked_for(self) -> None:
        model = replace(MODEL, content={"object_class", "object_position"})
        allowed = view_of(replace(SPOTLIGHT, content_may_follow=True), model)
        as_style = view_of(SPOTLIGHT)
        assert torch.equal(allowed["object_position"], as_style["object_position"])

    def test_style_above_style_needs_no_asking(self) -> None:
        SPOTLIGHT.check(replace(MODEL, content={"object_class", "object_hue"}))

    @pytest.mark.parametrize("propagate", [False, True])
    def test_content_itself_is_not_changed(self, propagate: bool) -> None:
        model = replace(MODEL, content={"object_class", "object_hue"})
        change = LatentTransformation("hues", propagate=propagate, content_may_follow=True)
        with pytest.raises(InputError, match="object_hue anew, which is content in this model"):
            change.check(model)


class TestRecord:
    def test_the_draws_are_on_record_and_give_the_view(self) -> None:
        view = view_of(LatentTransformation("rotations"))
        draw = view.noise["object_rotation.draw"]
        assert draw.shape == (500, 3)
        assert torch.equal(Redraw()(WORLD["object_rotation"], draw), view["object_rotation"])

    def test_views_depend_on_the_generator_alone(self) -> None:
        change = LatentTransformation("hues")
        torch.manual_seed(0)
        one = view_of(change)
        torch.manual_seed(1)
        assert torch.equal(one["object_hue"], view_of(change)["object_hue"])
        assert moved(view_of(change, seed=1), one) == set(change.variables)


class TestRedraw:
    @pytest.mark.parametrize("redraw", [Redraw(), Redraw.normal(0.2), Redraw(1, 3), Redraw(4, 50)])
    @pytest.mark.parametrize("z", [-1.0, 0.4, 1.0])
    def test_law(self, redraw: Redraw, z: float) -> None:
        """scipy's generalised normal, truncated, by Kolmogorov-Smirnov; and not its neighbours."""
        draw = torch.rand(100_000, generator=generator_for("law"), dtype=torch.float64)
        new = redraw(torch.full_like(draw, z), draw).numpy()
        assert np.abs(new).max() <= 1
        # Twelve true laws at this level: all pass with probability above 0.999.
        assert p_value(new, z, redraw) > 1e-4
        assert p_value(new, z, replace(redraw, rate=redraw.rate * 1.5)) < 1e-4
        assert p_value(new, z, replace(redraw, alpha=redraw.alpha * 1.5)) < 1e-4

    def test_published_law_is_the_truncated_normal(self) -> None:
        z, draw = torch.rand(2, 1000, 3, generator=generator_for("z"), dtype=torch.float64)
        z = 2 * z - 1
        torch.testing.assert_close(
            Redraw()(z, draw), truncated_normal(draw, z, 1.0, -1.0, 1.0), atol=1e-12, rtol=0
        )

    @pytest.mark.parametrize("redraw", [Redraw(2, 1e-20), Redraw(1, 1e-20), Redraw(2, 1e9)])
    def test_extreme_rates_stay_finite_and_ordered(self, redraw: Redraw) -> None:
        draw = torch.linspace(0, 1, 1001, dtype=torch.float64)
        new = redraw(torch.full_like(draw, 0.25), draw)
        assert bool(new.isfinite().all())
        assert bool((new.diff() >= 0).all())
        if redraw.rate < 1:  # flat: uniform on the box
            torch.testing.assert_close(new, 2 * draw - 1, atol=1e-9, rtol=0)

    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            ({"alpha": 0.5}, "alpha must be at least 1, got 0.5"),
            ({"rate": 0.0}, "rate must be above 0, got 0"),
            ({"rate": float("nan")}, "rate must be above 0, got nan"),
        ],
    )
    def test_out_of_range(self, bad: dict[str, float], message: str) -> None:
        with pytest.raises(InputError, match=message):
            Redraw(**bad)

    def test_scale_out_of_range(self) -> None:
        with pytest.raises(InputError, match="scale must be above 0, got 0"):
            Redraw.laplace(0.0)


class TestNames:
    def test_unknown_change(self) -> None:
        with pytest.raises(InputError, match="unknown change 'hue': did you mean 'hues'"):
            LatentTransformation("positions+hue")

    def test_the_class_has_no_nearby_values(self) -> None:
        with pytest.raises(InputError, match=r"do\(object_class=...\)"):
            LatentTransformation("object_class")

    def test_every_name_is_one(self) -> None:
        for name in CHANGES:
            assert set(LatentTransformation(name).variables) == set(CHANGES[name])


def p_value(new: NDArray[np.float64], z: float, redraw: Redraw) -> float:
    law = gennorm(redraw.alpha, loc=z, scale=redraw.rate ** (-1 / redraw.alpha))
    mass = (law.cdf(new) - law.cdf(-1)) / (law.cdf(1) - law.cdf(-1))
    return float(kstest(mass, "uniform", method="asymp").pvalue)
