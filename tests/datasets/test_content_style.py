"""The content/style process: the stated laws, switches, views, closed forms, and its files."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from causal_ssl.datasets.content_style import ContentStyle, ContentStyleConfig
from causal_ssl.errors import InputError
from causal_ssl.randomness import derived_seed, generator_for

# A lighter search than the paper's: these tests are not about conditioning.
BASE = ContentStyleConfig(mixing_candidates=20)
DEPENDENT = replace(BASE, p_change=0.75, statistical=True, causal=True)


@pytest.fixture(scope="module")
def dependent() -> ContentStyle:
    return ContentStyle.draw(DEPENDENT, seed=3)


def assert_covariance(x: Tensor, expected: Tensor) -> None:
    """Empirical covariance within 5 standard errors: sqrt((cov_ij^2 + cov_ii cov_jj) / n)."""
    error = ((expected**2 + expected.diag()[:, None] * expected.diag()) / len(x)).sqrt()
    assert bool(((x.double().T.cov() - expected).abs() < 5 * error).all())


class TestLaws:
    def test_content_has_its_own_covariance(self, dependent: ContentStyle) -> None:
        """Not style's, as in the public code."""
        sample = dependent.sample(100_000, generator=generator_for("content"))
        assert_covariance(sample.content, dependent.content_cov)
        assert not torch.allclose(dependent.content_cov, dependent.style_cov)

    def test_the_three_covariances_are_separate_draws(self) -> None:
        worlds = [ContentStyle.draw(DEPENDENT, seed=seed) for seed in range(300)]
        traces = torch.tensor(
            [[w.content_cov.trace(), w.style_cov.trace(), w.change_cov.trace()] for w in worlds]
        )
        # Independent: correlations have standard error 1/sqrt(300); 5 of them.
        off_diagonal = traces.T.corrcoef() - torch.eye(3)
        assert bool((off_diagonal.abs() < 5 / 300**0.5).all())

    def test_style_given_content(self, dependent: ContentStyle) -> None:
        sample = dependent.sample(100_000, generator=generator_for("style"))
        mean = dependent.offset + sample.content.double() @ dependent.weight.T
        assert_covariance(sample.style - mean, dependent.style_cov)
        assert_covariance(sample.style, dependent.total_style_cov)

    def test_content_and_style_together(self, dependent: ContentStyle) -> None:
        sample = dependent.sample(100_000, generator=generator_for("latents"))
        latents = torch.cat([sample.content, sample.style], dim=1)
        assert_covariance(latents, dependent.latent_cov)

    def test_observation_is_the_mixture_of_content_then_style(
        self, dependent: ContentStyle
    ) -> None:
        sample = dependent.sample(1000, generator=generator_for("x"))
        z = dependent.mixing.inverse(sample.x)
        torch.testing.assert_close(
            z, torch.cat([sample.content, sample.style], 1), atol=1e-3, rtol=0
        )

    def test_without_switches_everything_is_standard(self) -> None:
        world = ContentStyle.draw(BASE, seed=0)
        for cov in (world.content_cov, world.style_cov, world.change_cov):
            assert torch.equal(cov, torch.eye(5, dtype=torch.float64))
        assert not world.offset.any()
        assert not world.weight.any()
        sample = world.sample(50_000, generator=generator_for("standard"))
        z = torch.cat([sample.content, sample.style], dim=1)
        assert_covariance(z, torch.eye(10, dtype=torch.float64))

    def test_graph(self, dependent: ContentStyle) -> None:
        assert set(dependent.scm.graph.edges) == {
            ("content", "style"),
            ("content", "x"),
            ("style", "x"),
        }


class TestViews:
    def test_content_is_shared_and_style_changes_where_said(self, dependent: ContentStyle) -> None:
        views = dependent.sample_views(20_000, generator=generator_for("views"))
        assert torch.equal(views.changed, views.style1 != views.style2)
        latents = [dependent.mixing.inverse(x.double()) for x in (views.x1, views.x2)]
        for z, style in zip(latents, (views.style1, views.style2), strict=True):
            torch.testing.assert_close(z[:, :5].float(), views.content, atol=1e-3, rtol=0)
            torch.testing.assert_close(z[:, 5:].float(), style, atol=1e-3, rtol=0)
        rate = views.changed.double().mean()
        assert abs(float(rate) - 0.75) < 5 * (0.75 * 0.25 / views.changed.numel()) ** 0.5

    def test_changes_have_their_covariance(self) -> None:
        world = ContentStyle.draw(replace(DEPENDENT, p_change=1.0), seed=3)
        views = world.sample_views(100_000, generator=generator_for("changes"))
        assert_covariance(views.style2 - views.style1, world.change_cov)

    def test_dtypes_and_shapes(self) -> None:
        config = replace(BASE, n_content=2, n_style=3)
        views = ContentStyle.draw(config, seed=0).sample_views(7, generator=generator_for("v"))
        assert views.x1.shape == views.x2.shape == (7, 5)
        assert views.content.shape == (7, 2)
        assert views.style1.shape == views.style2.shape == views.changed.shape == (7, 3)
        assert views.x1.dtype == views.style2.dtype == torch.float32
        assert views.changed.dtype == torch.bool

    def test_depend_on_the_generator_alone(self, dependent: ContentStyle) -> None:
        torch.manual_seed(0)
        one = dependent.sample_views(30, generator=generator_for("alone"))
        torch.manual_seed(1)
        state = torch.get_rng_state()
        two = dependent.sample_views(30, generator=generator_for("alone"))
        assert torch.equal(torch.get_rng_state(), state)
        for name in ("x1", "x2", "content", "style1", "style2", "changed"):
            assert torch.equal(getattr(one, name), getattr(two, name))


class TestClosedForms:
    @pytest.mark.parametrize("statistical", [False, True])
    def test_style_r2_from_content_against_regression(self, statistical: bool) -> None:
        world = ContentStyle.draw(replace(BASE, causal=True, statistical=statistical), seed=1)
        sample = world.sample(100_000, generator=generator_for("r2"))
        design = torch.cat([sample.content, torch.ones(len(sample.x), 1)], dim=1).double()
        style = sample.style.double()
        residual = style - design @ torch.linalg.lstsq(design, style).solution
        r2 = 1 - residual.var(0) / style.var(0)
        exact = world.style_r2_from_content_per_coordinate()
        # Standard error of R2 is at most 2 sqrt(R2) (1 - R2) / sqrt(n) < 0.8 / sqrt(n).
        assert bool(((r2 - exact).abs() < 5 * 0.8 / len(style) ** 0.5).all())
        assert world.style_r2_from_content() == pytest.approx(float(exact.mean()))

    def test_zero_without_causal_dependence(self) -> None:
        world = ContentStyle.draw(replace(BASE, statistical=True), seed=1)
        assert world.style_r2_from_content() == 0.0

    @pytest.mark.parametrize(
        ("statistical", "mean", "sd"), [(True, 0.748, 0.101), (False, 0.781, 0.053)]
    )
    def test_over_worlds_as_measured_independently(
        self, statistical: bool, mean: float, sd: float
    ) -> None:
        config = replace(BASE, causal=True, statistical=statistical)
        r2 = torch.tensor(
            [ContentStyle.draw(config, seed=s).style_r2_from_content() for s in range(200)]
        )
        # Two estimates from 200 worlds each; 5 standard errors of their difference.
        assert abs(float(r2.mean()) - mean) < 5 * sd * (2 / 200) ** 0.5


class TestSeeds:
    def test_parameters_are_functions_of_seed_and_name(self) -> None:
        settings = [
            replace(BASE, p_change=p, statistical=s, causal=c)
            for p, s, c in [(1.0, False, False), (0.75, True, False), (0.75, True, True)]
        ]
        plain, statistical, both = (ContentStyle.draw(config, seed=5) for config in settings)
        assert torch.equal(plain.mixing.weights, both.mixing.weights)
        assert torch.equal(statistical.content_cov, both.content_cov)
        assert torch.equal(statistical.change_cov, both.change_cov)
        other = ContentStyle.draw(settings[2], seed=6)
        for name in ("content_cov", "style_cov", "change_cov", "offset", "weight"):
            assert not torch.allclose(getattr(both, name), getattr(other, name))
        assert not torch.allclose(both.mixing.weights, other.mixing.weights)
        assert derived_seed(5, "offset") != derived_seed(5, "weight")

    def test_worlds_of_a_seed_share_no_memory(self) -> None:
        one = ContentStyle.draw(BASE, seed=7)
        one.mixing.weights.zero_()
        assert ContentStyle.draw(BASE, seed=7).mixing.weights.any()

    def test_names_have_streams_of_their_own(self) -> None:
        world = ContentStyle.draw(DEPENDENT, seed=0)
        assert not torch.allclose(world.style_cov, world.change_cov)


class TestKeeping:
    def test_saved_world_samples_the_same(self, dependent: ContentStyle, tmp_path: Path) -> None:
        dependent.save(tmp_path / "world.pt")
        loaded = ContentStyle.load(tmp_path / "world.pt")
        assert loaded.config == dependent.config
        assert loaded.seed == dependent.seed
        one, two = (
            world.sample_views(50, generator=generator_for("kept")) for world in (dependent, loaded)
        )
        for name in ("x1", "x2", "content", "style1", "style2", "changed"):
            assert torch.equal(getattr(one, name), getattr(two, name))
        assert loaded.style_r2_from_content() == dependent.style_r2_from_content()

    def test_travels_to_other_processes(self, dependent: ContentStyle) -> None:
        expected = dependent.sample(20, generator=generator_for("pickle")).x
        copy = pickle.loads(pickle.dumps(dependent))
        assert torch.equal(copy.sample(20, generator=generator_for("pickle")).x, expected)

    def test_moving_to_where_it_is_changes_nothing(self, dependent: ContentStyle) -> None:
        moved = dependent.to("cpu")
        one, two = (w.sample(9, generator=generator_for("to")).x for w in (dependent, moved))
        assert torch.equal(one, two)

    def test_files_of_something_else(self, dependent: ContentStyle, tmp_path: Path) -> None:
        path = tmp_path / "world.pt"
        state = dependent.state_dict()
        torch.save({k: v for k, v in state.items() if k != "offset"}, path)
        with pytest.raises(InputError, match="lacks offset"):
            ContentStyle.load(path)
        torch.save({**state, "ofset": 1}, path)
        with pytest.raises(InputError, match="'ofset': did you mean 'offset'"):
            ContentStyle.load(path)
        torch.save({**state, "config": {**state["config"], "n_styl": 5}}, path)
        with pytest.raises(InputError, match="'n_styl': did you mean 'n_style'"):
            ContentStyle.load(path)
        torch.save({**state, "offset": torch.zeros(4)}, path)
        with pytest.raises(InputError, match=r"offset has shape \(4,\): expected \(5,\)"):
            ContentStyle.load(path)
        with pytest.raises(InputError, match="No such file"):
            ContentStyle.load(tmp_path / "nowhere.pt")


@pytest.mark.parametrize(
    "bad",
    [
        {"n_content": 0},
        {"n_style": -1},
        {"p_change": 0.0},
        {"p_change": 1.5},
        {"p_change": float("nan")},
        {"mixing_layers": 0},
        {"mixing_candidates": 0},
        {"mixing_rank": 0},
        {"mixing_rank": 30_000},
        {"mixing_slope": 0.0},
    ],
    ids=str,
)
def test_options_out_of_range(bad: dict[str, float]) -> None:
    ((name, value),) = bad.items()
    with pytest.raises(InputError, match=f"{name} must be .*, got {value}"):
        ContentStyleConfig(**bad)  # type: ignore[arg-type]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda(dependent: ContentStyle) -> None:
    world = dependent.to("cuda")
    views = world.sample_views(1000, generator=generator_for("cuda", device="cuda"))
    assert views.x2.is_cuda
    again = world.sample_views(1000, generator=generator_for("cuda", device="cuda"))
    assert torch.equal(views.x2, again.x2)
    torch.testing.assert_close(
        world.mixing.inverse(views.x1)[:, :5], views.content, atol=1e-3, rtol=0
    )
