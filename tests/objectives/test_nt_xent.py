"""NT-Xent: against cross_entropy on a matrix built by hand, with targets, groups, and in blocks."""

from itertools import combinations
from math import log

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from causal_ssl.objectives import Bilinear, InfoNCE, Objective, chunks
from causal_ssl.objectives.bounded import SMALLEST_TAU

SIMILARITIES = ["cosine", "inner", "neg_squared_l2", "neg_l1", "bilinear"]
LABELS = torch.tensor([4, -2, 4, 9, 9, 4, 7])
W = torch.randn(3, 3, generator=torch.Generator().manual_seed(9), dtype=torch.float64)


def outputs(n_views: int, *shape: int, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(n_views)]


def both_views(similarity: str, **options: object) -> InfoNCE:
    if similarity != "bilinear":
        return InfoNCE(similarity, negatives="both_views", **options)
    learned = Bilinear(3).double()
    learned.load_state_dict({"weight": W})
    return InfoNCE(learned, negatives="both_views", **options)


def phi(name: str, u: Tensor, v: Tensor) -> Tensor:
    if name == "cosine":
        return torch.cosine_similarity(u[:, None], v[None], dim=-1)
    if name in ("inner", "bilinear"):
        return u @ (torch.eye(3, dtype=u.dtype) if name == "inner" else W) @ v.T
    return -((u[:, None] - v[None]).abs() ** (2 if name == "neg_squared_l2" else 1)).sum(-1)


def dense_matrix(name: str, tau: float, online: list[Tensor], target: list[Tensor]) -> Tensor:
    """(2n, 2n - 1): the positive first, then the rest of both views in order, without the self."""
    (u, v), (a, b) = online, target
    logits = phi(name, torch.cat([u, v]), torch.cat([a, b])) / tau
    n, rows = len(u), []
    for i, row in enumerate(logits):
        other = (i + n) % (2 * n)
        rest = [j for j in range(2 * n) if j not in (i, other)]
        rows.append(row[[other, *rest]])
    return torch.stack(rows)


def by_cross_entropy(
    name: str, tau: float, online: list[Tensor], target: list[Tensor] | None = None
) -> Tensor:
    matrix = dense_matrix(name, tau, online, online if target is None else target)
    return F.cross_entropy(matrix, torch.zeros(len(matrix), dtype=torch.int64))


def grouped_by_loops(name: str, tau: float, positives: str, online, target) -> Tensor:
    labels = LABELS.tolist() * 2
    logits = phi(name, torch.cat(online), torch.cat(target)) / tau
    total = torch.zeros((), dtype=logits.dtype)
    for i, row in enumerate(logits):
        rest = [j for j in range(len(row)) if j != i]
        log_q = (row - row[rest].logsumexp(0))[[j for j in rest if labels[j] == labels[i]]]
        total = total - (log_q.logsumexp(0) if positives == "group_mass" else log_q.mean())
    return total / len(logits)


def same_with_gradients(ours: Tensor, expected: Tensor, leaves: list[Tensor]) -> None:
    assert torch.allclose(ours, expected, rtol=1e-11)
    for one, other in zip(
        torch.autograd.grad(ours, leaves), torch.autograd.grad(expected, leaves), strict=True
    ):
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("tau", [0.1, 2.0])
def test_it_is_cross_entropy_on_the_matrix_of_2n_by_2n_minus_1(similarity: str, tau: float) -> None:
    views = [view.requires_grad_() for view in outputs(2, 7, 3)]
    loss = both_views(similarity, tau=tau)(views)["loss"]
    same_with_gradients(loss, by_cross_entropy(similarity, tau, views), views)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_all_candidates_come_from_the_target_network(similarity: str) -> None:
    views = [view.requires_grad_() for view in outputs(4, 7, 3)]
    loss = both_views(similarity, tau=0.5)(views[:2], target=views[2:])["loss"]
    same_with_gradients(loss, by_cross_entropy(similarity, 0.5, views[:2], views[2:]), views)


def test_a_target_of_equal_outputs_changes_the_gradient_alone() -> None:
    u, v = (view.requires_grad_() for view in outputs(2, 7, 3))
    alone = both_views("cosine", tau=0.1)([u, v])["loss"]
    beside = both_views("cosine", tau=0.1)([u, v], target=[u.detach(), v.detach()])["loss"]
    assert torch.allclose(alone, beside, rtol=1e-12)
    one, other = (torch.autograd.grad(loss, u)[0] for loss in (alone, beside))
    assert not torch.allclose(one, other, rtol=1e-2)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("positives", ["group_mass", "group_mean_log"])
@pytest.mark.parametrize("with_target", [False, True])
def test_groups_have_positives_in_both_views(
    similarity: str, positives: str, with_target: bool
) -> None:
    views = [view.requires_grad_() for view in outputs(4 if with_target else 2, 7, 3)]
    online, target = views[:2], views[-2:]
    objective = both_views(similarity, tau=0.5, positives=positives)
    loss = objective(online, target if with_target else None, groups=LABELS)["loss"]
    expected = grouped_by_loops(similarity, 0.5, positives, online, target)
    same_with_gradients(loss, expected, views)


@pytest.mark.parametrize("positives", ["group_mass", "group_mean_log"])
def test_groups_of_one_are_instances(positives: str) -> None:
    views = outputs(2, 7, 3)
    grouped = both_views("cosine", positives=positives)(views, groups=torch.arange(7))["loss"]
    assert torch.allclose(grouped, both_views("cosine")(views)["loss"], rtol=1e-12)


def test_three_views_average_over_their_pairs() -> None:
    views = outputs(3, 7, 3)
    expected = sum(by_cross_entropy("cosine", 0.2, [*pair]) for pair in combinations(views, 2)) / 3
    assert torch.allclose(both_views("cosine", tau=0.2)(views)["loss"], expected, rtol=1e-12)


def test_chance_can_be_taken_off() -> None:
    views = [torch.ones(7, 3)] * 2
    assert both_views("cosine")(views)["loss"].item() == pytest.approx(log(13))
    sizes = torch.tensor([3, 1, 3, 2, 2, 3, 1])
    mass = both_views("cosine", positives="group_mass")(views, groups=LABELS)["loss"]
    assert mass.item() == pytest.approx(-((2 * sizes - 1) / 13).log().mean().item())
    for positives in ("instance", "group_mass", "group_mean_log"):
        objective = both_views("cosine", positives=positives, subtract_log_candidates=True)
        groups = None if positives == "instance" else LABELS
        assert objective(views, groups=groups)["loss"].item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("tau", [1.0, SMALLEST_TAU, SMALLEST_TAU / 2, 1e-4])
def test_any_temperature_gives_finite_values_and_gradients_in_float32(tau: float) -> None:
    """Logits up to 1e4; at and below the smallest tau that needs no shift, on either path."""
    apart = [view.float() for view in outputs(2, 7, 3)]
    opposite = [apart[0], -apart[0]]  # the positive is the worst candidate
    for pair in (apart, opposite, [apart[0], apart[0]]):
        leaves = [view.clone().requires_grad_() for view in pair]
        loss = both_views("cosine", tau=tau)(leaves)["loss"]
        exact = by_cross_entropy("cosine", tau, [view.double() for view in pair])
        # A cosine is known to 1e-7.
        assert loss.item() == pytest.approx(exact.item(), rel=1e-5, abs=1e-6 / tau)
        assert loss >= 0
        assert all(grad.isfinite().all() for grad in torch.autograd.grad(loss, leaves))


def values_and_gradients(objective: Objective, views: list[Tensor], **call: Tensor) -> list[Tensor]:
    views = [view.clone().requires_grad_() for view in views]
    loss = objective(views, **call)["loss"]
    weights = torch.arange(1.0, 1 + loss.numel(), dtype=loss.dtype).view(loss.shape)
    return [loss, *torch.autograd.grad((weights * loss).sum(), views)]


@pytest.mark.parametrize(
    "objective",
    [
        both_views("cosine", tau=0.1),
        both_views("neg_squared_l2"),
        both_views("neg_l1"),
        both_views("cosine", positives="group_mass"),
        both_views("neg_l1", positives="group_mean_log"),
        InfoNCE("cosine", tau=0.1, symmetric=True),
    ],
    ids=range(6),
)
@pytest.mark.parametrize("shape", [(37, 3), (3, 37, 3), (21, 20)])
@pytest.mark.parametrize(("kept", "block"), [(0, 1), (0, 300), (10**9, 300)])
def test_blocks_give_what_one_piece_gives(
    objective: InfoNCE,
    shape: tuple[int, ...],
    kept: int,
    block: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    views, call = outputs(2, *shape), {}
    if objective.takes_groups:
        generator = torch.Generator().manual_seed(0)
        call["groups"] = torch.randint(6, shape[:-1], generator=generator)
    whole = values_and_gradients(objective, views, **call)
    monkeypatch.setattr(chunks, "KEPT", {"cpu": kept, "cuda": kept})
    monkeypatch.setattr(chunks, "BLOCK", {"cpu": block, "cuda": block})
    for one, other in zip(whole, values_and_gradients(objective, views, **call), strict=True):
        assert torch.allclose(one, other, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("tau", [0.1, 1e-3])
def test_both_directions_of_second_views_are_two_cross_entropies(tau: float) -> None:
    """One matrix of exponentials serves both; at small tau each has its own."""
    u, v = (view.requires_grad_() for view in outputs(2, 7, 3))
    loss = InfoNCE("cosine", tau=tau, symmetric=True)([u, v])["loss"]
    logits, right = phi("cosine", u, v) / tau, torch.arange(7)
    expected = (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2
    same_with_gradients(loss, expected, [u, v])


@pytest.mark.parametrize("positives", ["instance", "group_mass", "group_mean_log"])
@pytest.mark.parametrize("similarity", ["cosine", "neg_squared_l2", "neg_l1"])
def test_gradients_match_finite_differences(similarity: str, positives: str) -> None:
    objective = both_views(similarity, tau=0.5, positives=positives)
    groups = None if positives == "instance" else LABELS.expand(2, 7)
    views = [view.requires_grad_() for view in outputs(2, 2, 7, 3)]
    # A second backward pass recomputes what the first one had kept: equal up to rounding.
    assert torch.autograd.gradcheck(
        lambda u, v: objective([u, v], groups=groups)["loss"], views, nondet_tol=1e-12
    )
