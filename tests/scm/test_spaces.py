"""Latent spaces and random covariances."""

import pytest
import torch
from pyro.distributions import MultivariateNormal

from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for, global_randomness_from
from causal_ssl.scm import Rn, wishart_covariance
from causal_ssl.scm.spaces import Gaussian


def test_normal_has_the_covariance_asked_for() -> None:
    n, cov = 200_000, torch.tensor([[2.0, -0.7, 0.0], [-0.7, 0.5, 0.1], [0.0, 0.1, 1.0]])
    with global_randomness_from(generator_for("normal")):
        x = Rn(3).normal(cov).sample((n,)).double()
    cov = cov.double()
    # Standard error of a covariance entry of a Gaussian; 5 of them.
    error = ((cov**2 + cov.diag()[:, None] * cov.diag()) / n).sqrt()
    assert ((x.T.cov() - cov).abs() < 5 * error).all()


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
@pytest.mark.parametrize("expanded", [(), (5,)])
def test_gaussian_is_pyros_draw_for_draw(shape: tuple[int, ...], expanded: tuple[int, ...]) -> None:
    loc, factor = torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 0.0], [0.5, 2.0]])
    draws = []
    for law in (Gaussian, MultivariateNormal):
        with global_randomness_from(generator_for("draw")):
            draws.append(law(loc, scale_tril=factor).expand(expanded).sample(shape))
    torch.testing.assert_close(draws[0], draws[1])


def test_gaussian_with_a_batch_of_factors() -> None:
    law = Gaussian(torch.zeros(3, 2), scale_tril=torch.eye(2).repeat(3, 1, 1))
    assert law.sample((4,)).shape == (4, 3, 2)


def test_near_singular_wishart_draws_have_a_normal() -> None:
    for seed in range(200):
        Rn(5).normal(wishart_covariance(5, generator_for("wishart", seed)))


def test_wishart_moments() -> None:
    n, d = 20_000, 3
    draws = torch.stack(
        [wishart_covariance(d, generator_for("moments"))]
        + [wishart_covariance(d, g) for g in [generator_for("many")] for _ in range(n - 1)]
    )
    # E = d I; Var of a diagonal entry 2 d, off the diagonal d; 5 standard errors.
    error = 5 * (d * (1 + torch.eye(d)) / n).sqrt()
    assert ((draws.mean(0) - d * torch.eye(d)).abs() < error).all()
    assert bool((torch.linalg.eigvalsh(draws) > 0).all())


@pytest.mark.parametrize(
    ("cov", "message"),
    [
        (torch.eye(3), r"shape \(3, 3\): expected \(2, 2\)"),
        (torch.tensor([[1.0, 2.0], [2.0, 1.0]]), "smallest eigenvalue -1"),
        (torch.tensor([[1.0, 0.5], [0.0, 1.0]]), "not symmetric"),
        (torch.full((2, 2), torch.nan), "not symmetric positive"),
    ],
)
def test_bad_covariances(cov: torch.Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Rn(2).normal(cov)


def test_dimensions_below_one() -> None:
    with pytest.raises(InputError, match="dim must be at least 1, got 0"):
        Rn(0)
    with pytest.raises(InputError, match="dim must be at least 1, got 0"):
        wishart_covariance(0, generator_for(0))
