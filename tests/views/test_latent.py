"""Assumption 3.2: a random subset of style dimensions changes, with the submatrix covariance."""

import pytest
import torch

from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for
from causal_ssl.scm import Rn, StructuralCausalModel, World
from causal_ssl.views import style_change

COV = torch.tensor([[2.0, 0.9, -0.5], [0.9, 1.0, 0.3], [-0.5, 0.3, 1.5]])


def views(p_change: float, n: int) -> tuple[World, World]:
    scm = StructuralCausalModel(
        {"style": Rn(3).normal(torch.eye(3))}, {"style": lambda noise: noise}
    )
    world = scm.sample(n, generator=generator_for("world"))
    view = scm.counterfactual(
        world, style=style_change(p_change, COV), generator=generator_for("view")
    )
    return world, view


def test_each_dimension_changes_independently_with_the_probability_given() -> None:
    n, p = 100_000, 0.3
    _, view = views(p, n)
    changed = view.noise["style.changed"].double()
    assert ((changed.mean(0) - p).abs() < 5 * (p * (1 - p) / n) ** 0.5).all()
    # Independent: a correlation has standard error 1/sqrt(n).
    off_diagonal = changed.T.corrcoef() - torch.eye(3)
    assert (off_diagonal.abs() < 5 / n**0.5).all()


def test_unchanged_dimensions_are_bit_identical_and_changed_ones_move() -> None:
    world, view = views(0.5, 1000)
    moved = view["style"] != world["style"]
    assert torch.equal(moved, view.noise["style.changed"].bool())


@pytest.mark.parametrize("subset", [(0,), (0, 1), (1, 2), (0, 1, 2)])
def test_changes_of_a_subset_have_its_submatrix_covariance(subset: tuple[int, ...]) -> None:
    world, view = views(0.5, 400_000)
    mask = torch.zeros(3).index_fill(0, torch.tensor(subset), 1.0)
    of_subset = (view.noise["style.changed"] == mask).all(dim=1)
    step = (view["style"] - world["style"])[of_subset][:, list(subset)].double()
    cov = COV[list(subset)][:, list(subset)].double()
    # Standard error of a covariance entry of a Gaussian; 5 of them.
    error = ((cov**2 + cov.diag()[:, None] * cov.diag()) / len(step)).sqrt()
    assert ((step.T.cov().view(cov.shape) - cov).abs() < 5 * error).all()
    assert (step.mean(0).abs() < 5 * (cov.diag() / len(step)).sqrt()).all()


def test_all_dimensions_change_with_certainty() -> None:
    _, view = views(1.0, 1000)
    assert bool((view.noise["style.changed"] == 1).all())


@pytest.mark.parametrize("p_change", [0.0, -0.1, 1.1, float("nan")])
def test_probability_out_of_range(p_change: float) -> None:
    with pytest.raises(InputError, match=f"p_change must be above 0 and at most 1, got {p_change}"):
        style_change(p_change, COV)


def test_covariance_that_is_none() -> None:
    with pytest.raises(InputError, match="positive definite"):
        style_change(0.5, -COV)
