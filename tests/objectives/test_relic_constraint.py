"""The constrained form of ReLIC: invariance <= rho, its multiplier found by dual ascent."""

import pytest
import torch
from torch import Tensor

from causal_ssl.objectives import ReLIC


def outputs(*shape: int, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(2)]


def test_one_step_of_the_ascent() -> None:
    views = outputs(8, 3)
    objective = ReLIC("inner", rho=0.1, dual_rate=0.5, initial_multiplier=2.0)
    terms = objective(views)
    excess = terms["invariance"] - 0.1
    assert excess > 0
    assert terms["multiplier"] == 2
    assert torch.allclose(terms["loss"], terms["contrastive"] + 2 * excess)
    following = objective(views)["multiplier"]
    assert following.item() == pytest.approx(2 + 0.5 * excess.item(), rel=1e-6)


def test_the_multiplier_never_falls_below_zero() -> None:
    objective = ReLIC("inner", rho=100.0, dual_rate=1.0)
    objective(outputs(8, 3))
    assert objective.multiplier == 0


def test_evaluation_leaves_the_multiplier_alone() -> None:
    objective = ReLIC("inner", rho=0.1).eval()
    objective(outputs(8, 3))
    assert objective.multiplier == 1


def test_each_replica_has_its_own_multiplier() -> None:
    views = outputs(3, 8, 3)
    together = ReLIC("inner", rho=0.1)
    together(views)
    assert together.multiplier.shape == (3,)
    for replica in range(3):
        alone = ReLIC("inner", rho=0.1)
        alone([view[replica] for view in views])
        assert torch.allclose(alone.multiplier, together.multiplier[replica])


def test_a_resumed_objective_goes_on_where_it_stopped() -> None:
    views = outputs(3, 8, 3)
    objective = ReLIC("inner", rho=0.1)
    objective(views)
    resumed = ReLIC("inner", rho=0.1)
    resumed.load_state_dict(objective.state_dict())
    ours, theirs = objective(views), resumed(views)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_gradient_treats_the_multiplier_as_a_constant() -> None:
    u, v = (view.requires_grad_() for view in outputs(8, 3))
    ReLIC("inner", rho=0.1, initial_multiplier=3.0)([u, v])["loss"].backward()
    constrained = u.grad.clone()
    u.grad = None
    ReLIC("inner", alpha=3.0)([u, v])["loss"].backward()
    assert torch.allclose(constrained, u.grad, rtol=1e-12)


def test_dual_ascent_ends_at_the_bound() -> None:
    # One parameter, the strength of style in the outputs, which something else pulls towards 1.
    (content, style1), (style2, _) = outputs(16, 3), outputs(16, 3, seed=1)

    def trained(**options: float) -> float:
        objective = ReLIC("inner", **options)
        strength = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
        optimiser = torch.optim.SGD([strength], lr=0.02)
        for _ in range(400):
            terms = objective([torch.cat([content, strength * s], -1) for s in (style1, style2)])
            optimiser.zero_grad()
            (terms["loss"] + 5 * (strength - 1).square()).backward()
            optimiser.step()
        return terms["invariance"].item()

    free = trained(alpha=0.0)
    assert trained(rho=free / 4, dual_rate=0.5) == pytest.approx(free / 4, rel=0.02)


def test_a_plain_relic_saves_no_multiplier() -> None:
    assert ReLIC(alpha=1.0).state_dict() == {}
