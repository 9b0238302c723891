"""Interventions and counterfactuals: what follows, what stays, what is refused."""

import pytest
import torch
from pyro.distributions import Bernoulli, MultivariateNormal, Normal

from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for
from causal_ssl.scm import StructuralCausalModel, World, soft

B = torch.tensor([[0.5, 1.0, 0.0], [-1.0, 0.0, 2.0]])
STEP = MultivariateNormal(torch.zeros(2), torch.tensor([[1.0, 0.6], [0.6, 2.0]]))


def model() -> StructuralCausalModel:
    r"""Every role an intervention on style can leave or change.

    content -> style -> x -> label      bystander
         \______________^
    """
    vector = {"content": 3, "style": 2, "bystander": 2}
    return StructuralCausalModel(
        noise={
            **{name: Normal(torch.zeros(d), 1.0).to_event(1) for name, d in vector.items()},
            "label": Normal(0.0, 0.1),
        },
        mechanisms={
            "content": lambda noise: noise,
            "bystander": lambda noise: noise.exp(),
            "style": lambda content, noise: content @ B.T + noise,
            "x": lambda content, style: torch.cat([content, style.tanh()], dim=-1),
            "label": lambda x, noise: x.sum(-1) + noise,
        },
    )


def late() -> StructuralCausalModel:
    """style and zoom, unrelated."""
    law = Normal(torch.zeros(2), 1.0).to_event(1)
    names = ("style", "zoom")
    return StructuralCausalModel(dict.fromkeys(names, law), {n: lambda noise: noise for n in names})


@pytest.fixture
def world() -> World:
    return model().sample(500, generator=generator_for("world"))


class TestHard:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (2, torch.full((6, 2), 2.0)),
            (-0.5, torch.full((6, 2), -0.5)),
            (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0]).expand(6, 2)),
            (torch.arange(12.0).view(6, 2), torch.arange(12.0).view(6, 2)),
        ],
        ids=["integer", "number", "event", "per sample"],
    )
    def test_value_and_descendants(self, value: torch.Tensor, expected: torch.Tensor) -> None:
        drawn = model().do(style=value).sample(6, generator=generator_for("hard"))
        assert torch.equal(drawn["style"], expected)
        assert torch.equal(drawn["x"][:, 3:], expected.tanh())

    def test_non_descendants_are_untouched(self) -> None:
        plain = model().sample(50, generator=generator_for("coupled"))
        done = model().do(style=1.0).sample(50, generator=generator_for("coupled"))
        assert torch.equal(plain["content"], done["content"])
        assert torch.equal(plain["bystander"], done["bystander"])
        for name, noise in plain.noise.items():
            assert torch.equal(noise, done.noise[name])

    def test_scalar_variable_takes_one_value_a_sample(self) -> None:
        values = torch.arange(4.0)
        drawn = model().do(label=values).sample(4, generator=generator_for("scalar"))
        assert torch.equal(drawn["label"], values)

    def test_the_model_keeps_its_own_copy_of_the_value(self) -> None:
        value = torch.tensor([1.0, 2.0])
        done = model().do(style=value)
        value.zero_()
        drawn = done.sample(2, generator=generator_for("copy"))
        assert torch.equal(drawn["style"], torch.tensor([[1.0, 2.0]] * 2))

    def test_interventions_compose_and_the_last_wins(self) -> None:
        both = model().do(style=1.0).do(content=2.0).do(style=3.0)
        drawn = both.sample(3, generator=generator_for("compose"))
        assert torch.equal(
            drawn["x"], torch.tensor([2.0, 2.0, 2.0, *[torch.tensor(3.0).tanh()] * 2]).expand(3, 5)
        )


class TestSoft:
    def test_of_parents(self) -> None:
        done = model().do(style=soft(lambda bystander: -bystander))
        drawn = done.sample(20, generator=generator_for("parents"))
        assert torch.equal(drawn["style"], -drawn["bystander"])

    def test_of_the_factual_value_in_do(self) -> None:
        """`factual` is what the replaced mechanism gives: own noise, parents as they are."""
        plain = model().sample(20, generator=generator_for("factual"))
        done = model().do(style=soft(lambda factual: factual + 1))
        drawn = done.sample(20, generator=generator_for("factual"))
        assert torch.equal(drawn["style"], plain["style"] + 1)

    def test_fresh_noise_shifts_no_other_draw(self) -> None:
        """A variable that sorts after "style.step" meets the same noise with and without it."""
        plain = late().sample(20, generator=generator_for("late"))
        jitter = soft(lambda factual, step: factual + step, step=STEP)
        drawn = late().do(style=jitter).sample(20, generator=generator_for("late"))
        assert torch.equal(drawn["zoom"], plain["zoom"])
        torch.testing.assert_close(drawn["style"], plain["style"] + drawn.noise["style.step"])

    def test_fresh_noise_follows_its_law_and_is_on_record(self) -> None:
        n, scm = 100_000, model()
        world = scm.sample(n, generator=generator_for("fresh"))
        jitter = soft(lambda factual, step: factual + step, step=STEP)
        view = scm.counterfactual(world, style=jitter, generator=generator_for("jitter"))
        moved = (view["style"] - world["style"]).double()
        torch.testing.assert_close(moved.float(), view.noise["style.step"], atol=1e-5, rtol=0)
        cov = STEP.covariance_matrix.double()
        # Standard error of a covariance entry: sqrt((cov_ij^2 + cov_ii cov_jj) / n); 5 of them.
        error = ((cov**2 + cov.diag()[:, None] * cov.diag()) / n).sqrt()
        assert ((moved.T.cov() - cov).abs() < 5 * error).all()
        # Independent of the world: correlation with the own noise has standard error 1/sqrt(n).
        both = torch.cat([view.noise["style.step"], world.noise["style"]], dim=1)
        assert (both.T.corrcoef()[:2, 2:].abs() < 5 / n**0.5).all()

    def test_noise_defaults_to_the_variables_own_law_drawn_anew(self, world: World) -> None:
        redraw = soft(lambda content, noise: content @ B.T + noise)
        view = model().counterfactual(world, style=redraw, generator=generator_for("redraw"))
        fresh = view["style"] - world["content"] @ B.T
        own = world.noise["style"]
        # Unit variance and no correlation with the own noise: 5 standard errors on 1000 numbers.
        assert abs(float(fresh.var()) - 1) < 5 * (2 / own.numel()) ** 0.5
        assert abs(float((fresh * own).mean())) < 5 / own.numel() ** 0.5
        assert torch.equal(view.noise["style"], own)

    def test_same_generator_same_view(self, world: World) -> None:
        jitter = soft(lambda factual, step: factual + step, step=STEP)
        torch.manual_seed(0)
        state = torch.get_rng_state()
        views = [
            model().counterfactual(world, style=jitter, generator=generator_for("again"))
            for _ in range(2)
        ]
        assert torch.equal(views[0]["label"], views[1]["label"])
        assert torch.equal(torch.get_rng_state(), state)

    def test_counterfactual_and_interventional_laws_agree(self) -> None:
        """The marginal of a counterfactual over worlds is p^do."""
        n, scm = 50_000, model()
        jitter = soft(lambda factual, step: 0.5 * factual + step, step=STEP)
        world = scm.sample(n, generator=generator_for("law"))
        one = scm.counterfactual(world, style=jitter, generator=generator_for("law", 1))["x"]
        two = scm.do(style=jitter).sample(n, generator=generator_for("law", 2))["x"]
        # Two independent means: 5 standard errors each coordinate.
        error = ((one.var(0) + two.var(0)) / n).sqrt()
        assert ((one.mean(0) - two.mean(0)).abs() < 5 * error).all()
        assert ((one.var(0) / two.var(0)).log().abs() < 5 * (4 / n) ** 0.5 * 1.5).all()

    def test_soft_on_soft_keeps_both_noises_apart(self) -> None:
        jitter = soft(lambda factual, step: factual + step, step=STEP)
        twice = model().do(style=jitter).do(style=jitter)
        assert {"style.step", "style.step'"} <= set(twice.noise)
        drawn = twice.sample(10, generator=generator_for("twice"))
        assert not torch.equal(drawn.noise["style.step"], drawn.noise["style.step'"])


class TestCounterfactual:
    def test_descendants_follow_and_the_rest_is_the_same_tensor(self, world: World) -> None:
        other = model().counterfactual(world, style=world["style"] + 1)
        for name in ("content", "bystander"):
            assert other[name] is world[name]
        torch.testing.assert_close(other["x"][:, 3:], (world["style"] + 1).tanh())
        torch.testing.assert_close(
            other["label"] - other["x"].sum(-1), world.noise["label"], atol=1e-5, rtol=0
        )
        for name in world.noise:
            assert other.noise[name] is world.noise[name]

    @pytest.mark.parametrize("name", ["content", "style", "x", "label", "bystander"])
    def test_under_the_factual_value_it_is_the_factual_world(self, world: World, name: str) -> None:
        other = model().counterfactual(world, **{name: world[name]})
        for variable in world:
            assert torch.equal(other[variable], world[variable])

    def test_under_the_identity_it_is_the_factual_world(self, world: World) -> None:
        other = model().counterfactual(world, style=soft(lambda factual: factual))
        assert all(torch.equal(other[v], world[v]) for v in world)

    def test_without_interventions_it_is_the_factual_world(self, world: World) -> None:
        other = model().counterfactual(world)
        assert all(other[v] is world[v] for v in world)

    def test_mechanisms_upstream_are_not_run_again(self, world: World) -> None:
        calls: list[str] = []
        scm = StructuralCausalModel(
            noise={"a": Normal(0.0, 1.0)},
            mechanisms={
                "a": lambda noise: calls.append("a") or noise,
                "b": lambda a: calls.append("b") or 2 * a,
                "c": lambda b: calls.append("c") or b + 1,
            },
        )
        drawn = scm.sample(3, generator=generator_for("calls"))
        scm.do(b=0.0)  # learns the shapes
        calls.clear()
        scm.counterfactual(drawn, b=0.0)
        assert calls == ["c"]

    def test_in_an_intervened_model(self) -> None:
        done = model().do(style=1.0)
        drawn = done.sample(5, generator=generator_for("done"))
        other = done.counterfactual(drawn, content=drawn["content"] + 1)
        assert torch.equal(other["style"], drawn["style"]), "do(style) cut content -> style"
        torch.testing.assert_close(other["x"][:, :3], drawn["content"] + 1)

    def test_factual_is_the_worlds_value_even_below_another_intervention(
        self, world: World
    ) -> None:
        other = model().counterfactual(world, content=0.0, style=soft(lambda factual: factual))
        assert torch.equal(other["style"], world["style"])

    def test_of_a_counterfactual(self, world: World) -> None:
        step = soft(lambda factual: factual + 1)
        twice = model().counterfactual(model().counterfactual(world, style=step), style=step)
        torch.testing.assert_close(twice["style"], world["style"] + 2)


class TestErrors:
    def test_unknown_variable(self) -> None:
        with pytest.raises(InputError, match="'stile': did you mean 'style'"):
            model().do(stile=1.0)

    def test_nan(self, world: World) -> None:
        value = world["style"].clone()
        value[3, 1] = torch.nan
        with pytest.raises(InputError, match=r"do\(style=...\) has 1 NaN among 1000"):
            model().counterfactual(world, style=value)
        with pytest.raises(InputError, match="NaN"):
            model().do(style=float("nan"))

    @pytest.mark.parametrize("shape", [(3,), (500, 3), (2, 500, 2), (500, 1)])
    def test_wrong_shape(self, world: World, shape: tuple[int, ...]) -> None:
        with pytest.raises(InputError, match=rf"do\(style=...\) has shape \({shape[0]}.*\(2,\)"):
            model().counterfactual(world, style=torch.zeros(shape))

    def test_number_of_values_is_not_the_number_of_samples(self) -> None:
        with pytest.raises(InputError, match=r"do\(style=...\) gives 4 values.*to 3 sample"):
            model().do(style=torch.zeros(4, 2)).sample(3, generator=generator_for(0))

    def test_neither_number_nor_tensor(self) -> None:
        with pytest.raises(InputError, match=r"do\(style=...\) is a list"):
            model().do(style=[1.0, 2.0])  # type: ignore[arg-type]

    def test_soft_with_the_wrong_event_shape(self, world: World) -> None:
        with pytest.raises(InputError, match=r"'style' returned shape \(500, 1\).*\(500, 2\)"):
            model().counterfactual(world, style=soft(lambda factual: factual[:, :1]))

    def test_a_model_does_not_become_stricter_by_being_intervened_on(self) -> None:
        law = {"cause": Normal(0.0, 1.0)}
        table = {"cause": lambda noise: noise, "table": lambda cause: torch.outer(cause, cause)}
        scm = StructuralCausalModel(law, table)  # the shape of an event is the number of samples
        done = scm.do(cause=1.0)
        assert scm.sample(3, generator=generator_for(0))["table"].shape == (3, 3)
        with pytest.raises(InputError, match=r"shape \(3, 3\).*'table' has event shape \(2,\)"):
            done.sample(3, generator=generator_for(0))

    def test_soft_that_closes_a_cycle(self) -> None:
        with pytest.raises(InputError, match=r"cycle: (style -> x -> style|x -> style -> x)"):
            model().do(style=soft(lambda x: x[..., :2]))

    def test_soft_that_reads_the_unknown(self) -> None:
        with pytest.raises(InputError, match="intervention on 'style' 'contnt': did you mean"):
            model().do(style=soft(lambda contnt: contnt))

    def test_soft_noise_that_is_not_read(self) -> None:
        with pytest.raises(InputError, match=r"step=.*does not read"):
            soft(lambda factual: factual, step=STEP)

    def test_soft_noise_named_like_a_variable(self) -> None:
        with pytest.raises(InputError, match="named like the variable 'content'"):
            model().do(style=soft(lambda content: content[..., :2], content=STEP))

    def test_soft_noise_where_there_is_none(self) -> None:
        with pytest.raises(InputError, match="'x' has no noise of its own"):
            model().do(x=soft(lambda noise: noise))

    def test_soft_noise_with_a_batch_shape(self) -> None:
        with pytest.raises(InputError, match="'flip' has batch shape"):
            soft(lambda factual, flip: factual * flip, flip=Bernoulli(torch.full((2,), 0.5)))

    def test_fresh_noise_without_generator(self, world: World) -> None:
        with pytest.raises(InputError, match="generator is None"):
            model().counterfactual(world, style=soft(lambda noise: noise))

    def test_world_of_another_model(self, world: World) -> None:
        with pytest.raises(InputError, match="lacks the variable 'x'"):
            model().counterfactual(
                World({v: world[v] for v in world if v != "x"}, world.noise), content=0.0
            )
        with pytest.raises(InputError, match="lacks the exogenous noise of 'bystander'"):
            model().counterfactual(World(world, {}), content=0.0)
