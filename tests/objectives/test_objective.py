"""What every objective promises: replicas, permutations, precision, gradients, clear refusals."""

import pytest
import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.objectives import (
    AlignMaxEnt,
    BarlowTwins,
    Bilinear,
    Family,
    InfoNCE,
    Objective,
    ReLIC,
    VICReg,
)

OBJECTIVES = {
    "infonce": InfoNCE("neg_squared_l2"),
    "infonce_cosine": InfoNCE("cosine", tau=0.2, symmetric=True),
    "infonce_l3": InfoNCE("neg_l3"),
    "nt_xent": InfoNCE("cosine", tau=0.2, negatives="both_views"),
    "cpc": Family(Bilinear(4).double(), regulariser="none"),
    "family": Family("inner", contrast="both_views", regulariser="alignment"),
    "relic": ReLIC("neg_squared_l2"),
    "relic_js": ReLIC("cosine", tau=0.2, divergence="js"),
    "align_maxent": AlignMaxEnt(),
    "barlow_twins": BarlowTwins(),
    "vicreg": VICReg(),
}
every_objective = pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)


def outputs(*shape: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Two related views in (0, 1), where every objective is defined."""
    generator = torch.Generator().manual_seed(0)
    u = torch.randn(*shape, generator=generator, dtype=torch.float64)
    v = u + 0.5 * torch.randn(*shape, generator=generator, dtype=torch.float64)
    return [u.sigmoid().to(dtype), v.sigmoid().to(dtype)]


@every_objective
def test_replicas_get_the_terms_and_gradients_that_they_get_alone(objective: Objective) -> None:
    together = [view.requires_grad_() for view in outputs(2, 3, 10, 4)]
    terms = objective(together)
    terms["loss"].sum().backward()
    assert all(term.shape == (2, 3) for term in terms.values())
    for i, j in ((0, 0), (1, 2)):
        alone = [view[i, j].detach().clone().requires_grad_() for view in together]
        own = objective(alone)
        own["loss"].backward()
        for name in own:
            assert torch.allclose(own[name], terms[name][i, j], rtol=1e-10), name
        for one, all_of_them in zip(alone, together, strict=True):
            assert torch.allclose(one.grad, all_of_them.grad[i, j], rtol=1e-9, atol=1e-14)


@every_objective
def test_the_order_of_the_batch_does_not_matter(objective: Objective) -> None:
    views = outputs(12, 4)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    before, after = objective(views), objective([view[order] for view in views])
    assert all(torch.allclose(before[name], after[name], rtol=1e-11) for name in before)
    mismatched = objective([views[0], views[1][order]])
    assert mismatched["loss"] > before["loss"]


@every_objective
def test_gradients_match_finite_differences(objective: Objective) -> None:
    views = [view.requires_grad_() for view in outputs(2, 7, 4)]
    # A second backward pass recomputes what the first one had kept: equal up to rounding.
    assert torch.autograd.gradcheck(lambda u, v: objective([u, v])["loss"], views, nondet_tol=1e-12)


@every_objective
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_narrow_outputs_are_widened_before_anything_is_computed(
    objective: Objective, dtype: torch.dtype
) -> None:
    narrow = outputs(16, 4, dtype=dtype)
    exact = objective([view.double() for view in narrow])["loss"].item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = objective(narrow)["loss"]
    assert value.dtype == torch.float32
    # float32 rounding, against 1e-2 for a matrix product in bfloat16.
    assert value.item() == pytest.approx(exact, rel=1e-4, abs=1e-4)


@every_objective
def test_the_gradient_returns_in_the_type_of_the_outputs(objective: Objective) -> None:
    views = [view.requires_grad_() for view in outputs(16, 4, dtype=torch.bfloat16)]
    objective(views)["loss"].backward()
    assert all(view.grad is not None and view.grad.dtype == torch.bfloat16 for view in views)


@every_objective
def test_no_gradient_reaches_detached_targets_and_one_reaches_both_online_views(
    objective: Objective,
) -> None:
    views = [view.requires_grad_() for view in outputs(10, 4)]
    objective(views)["loss"].backward()
    assert all(view.grad.abs().sum() > 0 for view in views)
    objective(outputs(10, 4), target=[view.detach() for view in views])
    with torch.no_grad():
        assert not objective(views)["loss"].requires_grad


@every_objective
def test_inputs_are_left_as_they_were(objective: Objective) -> None:
    views = [view.requires_grad_() for view in outputs(10, 4)]
    before = [view.detach().clone() for view in views]
    objective(views)["loss"].backward()
    assert all(torch.equal(old, new.detach()) for old, new in zip(before, views, strict=True))


@every_objective
def test_shapes_that_do_not_fit_are_named(objective: Objective) -> None:
    u, v = outputs(10, 4)
    with pytest.raises(InputError, match=r"\(10, 4\), \(9, 4\)"):
        objective([u, v[:9]])
    with pytest.raises(InputError, match=r"\(10, 4\), \(10, 3\)"):
        objective([u, v[:, :3]])
    with pytest.raises(InputError, match="1 views"):
        objective([u])
    with pytest.raises(InputError, match="give a list"):
        objective(torch.stack([u, v]))
    with pytest.raises(InputError, match="both networks"):
        objective([u, v], target=[u[:9], v[:9]])
    with pytest.raises(InputError, match="both networks"):
        objective([u, v], target=[u])
    with pytest.raises(InputError, match="at least 2 samples"):
        objective([u[:1], v[:1]])


@pytest.mark.parametrize("objective", [AlignMaxEnt(), BarlowTwins(), VICReg()])
def test_objectives_for_two_views_refuse_a_third_and_a_batch_of_negatives(
    objective: Objective,
) -> None:
    u, v = outputs(10, 4)
    with pytest.raises(InputError, match="3 views"):
        objective([u, v, u])
    with pytest.raises(InputError, match="no batch of negatives"):
        objective([u, v], negatives=u)


@every_objective
@pytest.mark.parametrize("n_views", [2, 3])
def test_views_that_are_not_used_can_be_left_out_and_others_cannot(
    objective: Objective, n_views: int
) -> None:
    if objective.max_views is not None and n_views > objective.max_views:
        pytest.skip("compares two views")
    networks = [[*outputs(6, 4), *outputs(6, 4)][k : k + n_views] for k in (0, 1)]
    used = objective.views_used(n_views)
    whole = objective(online=networks[0], target=networks[1])
    without = [
        [view if k in one else None for k, view in enumerate(views)]
        for views, one in zip(networks, used, strict=True)
    ]
    found = objective(online=without[0], target=without[1])
    assert all(torch.equal(whole[name], found[name]) for name in whole)
    with pytest.raises(InputError, match="online lacks view"):
        objective(online=[None, *networks[0][1:]], target=networks[1])
    with pytest.raises(InputError, match="target lacks view"):
        objective(online=networks[0], target=[*networks[1][:-1], None])
    with pytest.raises(InputError, match="online lacks view"):
        objective(online=[*networks[0][:-1], None])
