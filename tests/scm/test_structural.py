"""Sampling from structural causal models: laws, graphs, randomness, and Pyro's handlers."""

import networkx as nx
import pyro
import pytest
import torch
from pyro import poutine
from pyro.distributions import MultivariateNormal, Normal, Uniform
from scipy import stats
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for, global_randomness_from
from causal_ssl.scm import StructuralCausalModel, soft

A = torch.tensor([1.0, -2.0])
B = torch.tensor([[0.5, 1.0, 0.0], [-1.0, 0.0, 2.0]])
CONTENT_COV = torch.tensor([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 1.5]])
STYLE_COV = torch.tensor([[1.0, 0.4], [0.4, 0.5]])


def content_style(order: tuple[str, ...] = ("content", "style", "x")) -> StructuralCausalModel:
    """content -> style, both -> x; linear Gaussian, x without noise."""
    noise = {
        "content": MultivariateNormal(torch.zeros(3), CONTENT_COV),
        "style": MultivariateNormal(torch.zeros(2), STYLE_COV),
    }
    mechanisms = {
        "content": lambda noise: noise,
        "style": lambda content, noise: A + content @ B.T + noise,
        "x": lambda content, style: torch.cat([content, style], dim=-1),
    }
    return StructuralCausalModel(
        noise={name: noise[name] for name in order if name in noise},
        mechanisms={name: mechanisms[name] for name in order},
    )


def confounded() -> StructuralCausalModel:
    """u -> treatment, u -> outcome, treatment -> outcome."""
    return StructuralCausalModel(
        noise={name: Normal(0.0, 1.0) for name in ("u", "treatment", "outcome")},
        mechanisms={
            "u": lambda noise: noise,
            "treatment": lambda u, noise: u + noise,
            "outcome": lambda u, treatment, noise: 0.7 * treatment + 2.0 * u + noise,
        },
    )


class TestGraph:
    def test_parents_are_the_argument_names(self) -> None:
        scm = content_style()
        assert isinstance(scm.graph, nx.DiGraph)
        assert set(scm.graph.edges) == {("content", "style"), ("content", "x"), ("style", "x")}
        assert scm.variables == ("content", "style", "x")

    def test_hard_intervention_cuts_the_edges_into_the_variable(self) -> None:
        graph = content_style().do(style=0.0).graph
        assert set(graph.edges) == {("content", "x"), ("style", "x")}

    def test_soft_intervention_brings_its_own_parents(self) -> None:
        scm = confounded()
        assert set(scm.do(outcome=soft(lambda u: -u)).graph.in_edges("outcome")) == {
            ("u", "outcome")
        }
        kept = scm.do(outcome=soft(lambda factual: -factual)).graph
        assert set(kept.in_edges("outcome")) == {("u", "outcome"), ("treatment", "outcome")}


class TestSample:
    def test_linear_gaussian_moments_are_the_analytic_ones(self) -> None:
        n = 200_000
        world = content_style().sample(n, generator=generator_for("moments"))
        z = world["x"].double()
        b, c, s = B.double(), CONTENT_COV.double(), STYLE_COV.double()
        cov = torch.cat([torch.cat([c, c @ b.T], 1), torch.cat([b @ c, b @ c @ b.T + s], 1)])
        # Var of an empirical covariance entry: (cov_ij^2 + cov_ii cov_jj) / n; 5 standard errors.
        error = ((cov**2 + cov.diag()[:, None] * cov.diag()) / n).sqrt()
        assert ((z.T.cov() - cov).abs() < 5 * error).all()
        mean = torch.cat([torch.zeros(3), A]).double()
        assert ((z.mean(0) - mean).abs() < 5 * (cov.diag() / n).sqrt()).all()

    def test_world_keeps_the_noise_it_was_made_of(self) -> None:
        world = content_style().sample(7, generator=generator_for("noise"))
        assert world.n == 7
        assert set(world.noise) == {"content", "style"}
        assert torch.equal(world["content"], world.noise["content"])
        torch.testing.assert_close(
            world["style"], A + world["content"] @ B.T + world.noise["style"]
        )
        with pytest.raises(TypeError):
            world.noise["content"] = torch.zeros(7, 3)  # type: ignore[index]
        with pytest.raises(KeyError, match="did you mean 'style'"):
            world["stile"]

    def test_depends_on_the_generator_and_on_nothing_else(self) -> None:
        scm = content_style()
        torch.manual_seed(1)
        first = scm.sample(50, generator=generator_for("same"))
        torch.manual_seed(2)
        state = torch.get_rng_state()
        second = scm.sample(50, generator=generator_for("same"))
        assert torch.equal(torch.get_rng_state(), state), "the global state was touched"
        for name in first:
            assert torch.equal(first[name], second[name])
        other = scm.sample(50, generator=generator_for("other"))
        assert not torch.equal(first["content"], other["content"])

    def test_consecutive_draws_differ(self) -> None:
        generator = generator_for("stream")
        scm = content_style()
        first, second = (scm.sample(50, generator=generator)["content"] for _ in range(2))
        assert not torch.equal(first, second)

    def test_does_not_depend_on_the_order_of_definition(self) -> None:
        worlds = [
            content_style(order).sample(20, generator=generator_for("order"))
            for order in [("content", "style", "x"), ("x", "style", "content")]
        ]
        for name in ("content", "style", "x"):
            assert torch.equal(worlds[0][name], worlds[1][name])

    def test_handlers_around_sample_do_not_reach_in(self) -> None:
        scm = content_style()
        plain = scm.sample(5, generator=generator_for("block"))
        with poutine.trace() as tracer, poutine.do(data={"style": torch.zeros(2)}):
            inside = scm.sample(5, generator=generator_for("block"))
        assert torch.equal(plain["x"], inside["x"])
        assert not set(tracer.trace.nodes) - {"_INPUT", "_RETURN"}

    def test_arguments_with_defaults_are_constants(self) -> None:
        mechanisms = {f"v{k}": lambda noise, k=k: noise + 10 * k for k in range(3)}
        scm = StructuralCausalModel({name: Uniform(0.0, 1.0) for name in mechanisms}, mechanisms)
        world = scm.sample(10, generator=generator_for("defaults"))
        assert not scm.graph.edges
        assert [int(world[f"v{k}"].min() // 10) for k in range(3)] == [0, 1, 2]


class TestPyro:
    def test_trace_shows_noise_and_variables(self) -> None:
        with poutine.trace() as tracer:
            world = content_style().model(4)
        nodes = tracer.trace.nodes
        assert {"content.noise", "style.noise", "content", "style", "x"} <= set(nodes)
        assert not nodes["content.noise"]["is_observed"]
        assert nodes["style"]["infer"]["_deterministic"]
        assert torch.equal(nodes["x"]["value"], world["x"])

    def test_log_density_is_that_of_the_noise(self) -> None:
        trace = poutine.trace(content_style().model).get_trace(4)
        noise = [trace.nodes[f"{name}.noise"]["value"].numpy() for name in ("content", "style")]
        expected = sum(
            stats.multivariate_normal(cov=cov.numpy()).logpdf(values).sum()
            for cov, values in zip((CONTENT_COV, STYLE_COV), noise, strict=True)
        )
        assert float(trace.log_prob_sum()) == pytest.approx(expected, rel=1e-4)

    @pytest.mark.parametrize("n", [None, 6])
    @pytest.mark.parametrize(
        "value", [torch.tensor(3.0), torch.tensor([3.0, 4.0])], ids=["number", "event"]
    )
    def test_do_reaches_downstream(self, value: Tensor, n: int | None) -> None:
        world = pyro.do(content_style().model, data={"style": value})(n)
        batch = () if n is None else (n,)
        assert world["style"].shape == (*batch, 2)
        assert torch.equal(world["x"][..., 3:], value.expand(*batch, 2))

    def test_do_handler_agrees_with_the_method(self) -> None:
        scm, value = content_style(), torch.tensor([0.3, -1.0])
        with global_randomness_from(generator_for("handler")):
            handled = pyro.do(scm.model, data={"content": torch.ones(3), "style": value})(9)
        with global_randomness_from(generator_for("handler")):
            direct = scm.do(content=torch.ones(3), style=value).model(9)
        for name in scm.variables:
            assert torch.equal(handled[name], direct[name])

    def test_condition_on_noise(self) -> None:
        noise = torch.randn(5, 2, generator=generator_for("condition"))
        trace = poutine.trace(
            pyro.condition(content_style().model, data={"style.noise": noise})
        ).get_trace(5)
        values = {name: trace.nodes[name]["value"] for name in ("content", "style")}
        torch.testing.assert_close(values["style"], A + values["content"] @ B.T + noise)
        assert trace.nodes["style.noise"]["is_observed"]

    def test_condition_all_samples_on_one_event(self) -> None:
        noise = {"content.noise": torch.ones(3), "style.noise": torch.zeros(2)}
        world = pyro.condition(content_style().model, data=noise)(4)
        torch.testing.assert_close(world["style"], (A + torch.ones(3) @ B.T).expand(4, 2))

    def test_do_with_a_shape_that_fits_nowhere(self) -> None:
        with pytest.raises(InputError, match=r"pyro.do gives 'style' shape \(3,\).*to \(4, 2\)"):
            pyro.do(content_style().model, data={"style": torch.zeros(3)})(4)

    def test_condition_on_a_variable_is_refused(self) -> None:
        conditioned = pyro.condition(content_style().model, data={"style": torch.zeros(2)})
        with pytest.raises(InputError, match=r"condition on 'style'.*do\(style"):
            conditioned(3)

    def test_works_inside_plates_of_the_caller(self) -> None:
        scm = content_style()

        def program() -> tuple[torch.Size, torch.Size]:
            with pyro.plate("groups", 4, dim=-2), pyro.plate("members", 3, dim=-1):
                world = scm.model()
            return world["style"].shape, world["x"].shape

        assert program() == ((4, 3, 2), (4, 3, 5))

    def test_models_of_interventions_are_programs_too(self) -> None:
        scm = content_style().do(
            style=soft(
                lambda factual, step: factual + step, step=Normal(0.0, 1.0).expand([2]).to_event(1)
            )
        )
        trace = poutine.trace(scm.model).get_trace(3)
        assert trace.nodes["style.step"]["value"].shape == (3, 2)


class TestCausalEffects:
    def test_average_treatment_effect_is_the_analytic_one(self) -> None:
        n, scm = 100_000, confounded()
        outcomes = [
            scm.do(treatment=value).sample(n, generator=generator_for("ate", k))["outcome"]
            for k, value in enumerate((0.0, 1.0))
        ]
        ate = float(outcomes[1].mean() - outcomes[0].mean())
        # Var(outcome | do) = 4 + 1 in each arm, arms independent; 5 standard errors.
        assert abs(ate - 0.7) < 5 * (2 * 5 / n) ** 0.5

    def test_coupled_draws_give_the_effect_of_each_sample(self) -> None:
        scm = confounded()
        low, high = (
            scm.do(treatment=value).sample(100, generator=generator_for("coupled"))
            for value in (0.0, 1.0)
        )
        assert torch.equal(low["u"], high["u"])
        torch.testing.assert_close(high["outcome"] - low["outcome"], torch.full((100,), 0.7))

    def test_conditioning_is_not_intervening(self) -> None:
        n = 100_000
        world = confounded().sample(n, generator=generator_for("confounded"))
        t, y = world["treatment"].double(), world["outcome"].double()
        slope = float(((t - t.mean()) * y).mean() / t.var())
        # E[outcome | treatment] has slope 0.7 + 2 Cov(u, t) / Var(t) = 1.7; residual variance
        # is 1 + 4 * (1/2), Var(t) = 2; 5 standard errors.
        assert abs(slope - 1.7) < 5 * (3 / 2 / n) ** 0.5


class TestErrors:
    @staticmethod
    def law() -> Normal:
        return Normal(0.0, 1.0)

    def test_cycle_is_printed(self) -> None:
        with pytest.raises(InputError, match=r"cycle: (a -> b -> c -> a|b -> c -> a -> b|c -> a)"):
            StructuralCausalModel(
                {}, {"a": lambda c: c, "b": lambda a: a, "c": lambda b: b, "d": lambda a: a}
            )

    def test_own_parent(self) -> None:
        with pytest.raises(InputError, match="a -> a"):
            StructuralCausalModel({}, {"a": lambda a: a})

    def test_unknown_parent_with_the_nearest_name(self) -> None:
        with pytest.raises(InputError, match=r"parent of 'style' 'contnt': did you mean 'content'"):
            StructuralCausalModel(
                {"content": self.law()},
                {"content": lambda noise: noise, "style": lambda contnt: contnt},
            )

    def test_missing_noise(self) -> None:
        with pytest.raises(InputError, match=r"missing noise.*'style'"):
            StructuralCausalModel({}, {"style": lambda noise: noise})

    def test_noise_without_mechanism(self) -> None:
        with pytest.raises(InputError, match=r"no mechanism\) 'stile': did you mean 'style'"):
            StructuralCausalModel(
                {"stile": self.law(), "style": self.law()}, {"style": lambda noise: noise}
            )

    def test_noise_that_is_not_read(self) -> None:
        with pytest.raises(InputError, match=r"noise for 'x'.*no argument `noise`"):
            StructuralCausalModel(
                {"c": self.law(), "x": self.law()}, {"c": lambda noise: noise, "x": lambda c: c}
            )

    def test_noise_with_a_batch_shape(self) -> None:
        with pytest.raises(InputError, match=r"'c' has batch shape \(3,\).*to_event\(1\)"):
            StructuralCausalModel({"c": Normal(torch.zeros(3), 1.0)}, {"c": lambda noise: noise})

    def test_noise_that_is_no_distribution(self) -> None:
        with pytest.raises(InputError, match="'c' is a float"):
            StructuralCausalModel({"c": 1.0}, {"c": lambda noise: noise})  # type: ignore[dict-item]

    @pytest.mark.parametrize("name", ["noise", "factual", "generator", "two words"])
    def test_reserved_names(self, name: str) -> None:
        with pytest.raises(InputError, match=f"'{name}' cannot name a variable"):
            StructuralCausalModel({name: self.law()}, {name: lambda noise: noise})

    def test_variadic_mechanism(self) -> None:
        with pytest.raises(InputError, match=r"mechanism of 'x' takes '\*\*parents'"):
            StructuralCausalModel({}, {"x": lambda **parents: parents["c"]})

    @pytest.mark.parametrize("n", [0, -3, 2.5])
    def test_no_samples(self, n: int) -> None:
        with pytest.raises(InputError, match=f"n must be an integer of at least 1, got {n}"):
            content_style().sample(n, generator=generator_for(0))

    def test_no_generator(self) -> None:
        with pytest.raises(InputError, match=r"give a torch\.Generator"):
            content_style().sample(3, generator=None)  # type: ignore[arg-type]

    def test_mechanism_that_loses_the_samples(self) -> None:
        scm = StructuralCausalModel(
            {"c": self.law()}, {"c": lambda noise: noise, "m": lambda c: c.mean()}
        )
        with pytest.raises(InputError, match=r"mechanism of 'm' returned shape \(\) for \(5,\)"):
            scm.sample(5, generator=generator_for(0))

    def test_mechanism_that_returns_no_tensor(self) -> None:
        scm = StructuralCausalModel(
            {"c": self.law()}, {"c": lambda noise: noise, "m": lambda c: c.tolist()}
        )
        with pytest.raises(InputError, match="mechanism of 'm' returned a list"):
            scm.sample(5, generator=generator_for(0))

    def test_exceptions_inside_a_mechanism_name_the_variable(self) -> None:
        scm = StructuralCausalModel(
            {"c": self.law()}, {"c": lambda noise: noise, "m": lambda c: c @ torch.zeros(3)}
        )
        with pytest.raises(RuntimeError) as raised:
            scm.sample(5, generator=generator_for(0))
        assert any("'m'" in note for note in raised.value.__notes__)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda() -> None:
    law = MultivariateNormal(torch.zeros(3, device="cuda"), CONTENT_COV.cuda())
    scm = StructuralCausalModel({"c": law}, {"c": lambda noise: noise, "d": lambda c: 2 * c})
    state = torch.cuda.get_rng_state()
    first, second = (
        scm.sample(9, generator=generator_for("cuda", device="cuda")) for _ in range(2)
    )
    assert first["d"].is_cuda
    assert torch.equal(first["d"], second["d"])
    assert torch.equal(torch.cuda.get_rng_state(), state)
    with pytest.raises(InputError, match="generator is on cpu"):
        scm.sample(9, generator=generator_for("cuda"))
