"""Blocks and recomputation, and hand-written gradients, change the memory and the speed alone."""

import pytest
import torch
from torch import Tensor

from causal_ssl import divergences
from causal_ssl.objectives import AlignMaxEnt, InfoNCE, Objective, ReLIC, chunks
from causal_ssl.objectives.bounded import SMALLEST_TAU
from causal_ssl.objectives.log_sum_exp import log_sum_exp, plain_log_sum_exp
from causal_ssl.objectives.proxy_pair import Comparison, plain_proxy_terms, proxy_terms
from causal_ssl.objectives.similarities import similarity_of

ANALYTIC = ["cosine", "inner", "neg_squared_l2"]
OBJECTIVES = {
    "infonce": InfoNCE("neg_squared_l2"),
    "infonce_inner": InfoNCE("inner", symmetric=True),
    "infonce_l3": InfoNCE("neg_l3"),
    "relic": ReLIC("neg_squared_l2"),
    "relic_one_way": ReLIC("cosine", direction="forward", stop_gradient="first"),
    "relic_js": ReLIC("neg_squared_l2", divergence="js"),
    "relic_l1": ReLIC("neg_l1"),
    "align_maxent": AlignMaxEnt(),
}


def outputs(n_views: int, *shape: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(*shape, generator=generator, dtype=dtype) for _ in range(n_views)]


def value_and_gradients(objective: Objective, views: list[Tensor]) -> list[Tensor]:
    views = [view.clone().requires_grad_() for view in views]
    terms = objective(views)
    # Unequal weights: a term may not lean on another one's gradient.
    total = sum((k + 1.0) * term.sum() for k, term in enumerate(terms.values()))
    return [*terms.values(), *torch.autograd.grad(total, views)]


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("shape", [(37, 3), (3, 37, 3)])
@pytest.mark.parametrize(("kept", "block"), [(0, 1), (0, 1000), (10**9, 1000)])
def test_blocks_give_what_one_piece_gives(
    objective: Objective,
    shape: tuple[int, ...],
    kept: int,
    block: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 37 rows in blocks of 8 or more leave an incomplete last one.
    views = outputs(2, *shape)
    whole = value_and_gradients(objective, views)
    monkeypatch.setattr(chunks, "KEPT", {"cpu": kept, "cuda": kept})
    monkeypatch.setattr(chunks, "BLOCK", {"cpu": block, "cuda": block})
    for one, other in zip(whole, value_and_gradients(objective, views), strict=True):
        assert torch.allclose(one, other, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("negatives", [None, 23])
def test_separate_negatives_in_blocks(
    negatives: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    objective = InfoNCE("neg_squared_l2", negatives="separate")
    u, v, _ = outputs(3, 2, 37, 3)
    w = outputs(1, 2, negatives or 37, 3)[0] + 0.1

    def gradients() -> tuple[Tensor, ...]:
        leaves = [tensor.clone().requires_grad_() for tensor in (u, v, w)]
        loss = objective(leaves[:2], negatives=leaves[2])["loss"].sum()
        return torch.autograd.grad(loss, leaves)

    whole = gradients()
    monkeypatch.setattr(chunks, "KEPT", {"cpu": 0, "cuda": 0})
    monkeypatch.setattr(chunks, "BLOCK", {"cpu": 500, "cuda": 500})
    for one, other in zip(whole, gradients(), strict=True):
        assert torch.allclose(one, other, rtol=1e-11)


@pytest.mark.parametrize("name", ANALYTIC)
@pytest.mark.parametrize(("m", "period"), [(11, None), (11, 11), (11, 4), (40, None), (3, 5)])
@pytest.mark.parametrize("tau", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("kept", [0, 10**9])
def test_log_sum_exp_equals_the_plain_path(
    name: str, m: int, period: int | None, tau: float, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "KEPT", {"cpu": kept, "cuda": kept})
    monkeypatch.setattr(chunks, "BLOCK", {"cpu": 70, "cuda": 70})
    u, v = outputs(1, 2, 11, 4)[0].requires_grad_(), outputs(2, 2, m, 4)[1].requires_grad_()
    weights = outputs(1, 2, 11)[0]
    results = []
    for path in (log_sum_exp, plain_log_sum_exp):
        value = path(similarity_of(name), u, v, tau=tau, period=period)
        results.append([value, *torch.autograd.grad((value * weights).sum(), [u, v])])
    for fast, plain in zip(*results, strict=True):
        assert torch.allclose(fast, plain, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ANALYTIC)
@pytest.mark.parametrize("stop_gradient", ["none", "first", "second"])
@pytest.mark.parametrize("weights", [(0.5, 0.5), (1.0, 0.0), (0.0, 1.0)])
def test_relic_with_kl_equals_the_plain_path(
    name: str, stop_gradient: str, weights: tuple[float, float]
) -> None:
    comparison = Comparison(divergences.kl, *weights, stop_gradient)
    views = [view.requires_grad_() for view in outputs(4, 2, 11, 4)]
    per_row = outputs(1, 2, 2, 11)[0]
    results = []
    for path in (proxy_terms, plain_proxy_terms):
        value = path(
            (views[0], views[1]),
            (views[2], views[3]),
            similarity=similarity_of(name),
            tau=0.3,
            comparison=comparison,
        )
        results.append([value, *torch.autograd.grad((value * per_row).sum(), views)])
    for fast, plain in zip(*results, strict=True):
        assert torch.allclose(fast, plain, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("with_target", [False, True])
@pytest.mark.parametrize("stop_gradient", ["none", "first", "second"])
@pytest.mark.parametrize("weights", [(0.5, 0.5), (1.0, 0.0), (0.2, 0.3)])
@pytest.mark.parametrize("shape", [(37, 4), (3, 21, 4), (21, 20)])
def test_relic_in_squares_equals_the_plain_path(
    with_target: bool,
    stop_gradient: str,
    weights: tuple[float, float],
    shape: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "KEPT", {"cpu": 0, "cuda": 0})
    monkeypatch.setattr(chunks, "BLOCK", {"cpu": 600, "cuda": 600})
    comparison = Comparison(divergences.kl, *weights, stop_gradient)
    views = [(view - 0.5).requires_grad_() for view in outputs(4 if with_target else 2, *shape)]
    per_row = outputs(1, 2, *shape[:-1])[0]
    results = []
    for path in (proxy_terms, plain_proxy_terms):
        value = path(
            (views[0], views[1]),
            (views[-1], views[-2]),
            similarity=similarity_of("cosine"),
            tau=0.1,
            comparison=comparison,
        )
        results.append([value, *torch.autograd.grad((value * per_row).sum(), views)])
    for fast, plain in zip(*results, strict=True):
        assert torch.allclose(fast, plain, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("with_target", [False, True])
@pytest.mark.parametrize("tau", [SMALLEST_TAU, SMALLEST_TAU / 2])
def test_relic_in_squares_of_float32_at_the_smallest_tau(
    with_target: bool, tau: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logits from -40 to 40 and beyond: the second view is the first's opposite."""
    exact_views = [view - 0.5 for view in outputs(4 if with_target else 2, 37, 4)]
    exact_views[1] = -exact_views[0]
    objective = ReLIC("cosine", tau=tau)

    def results(dtype: torch.dtype) -> list[Tensor]:
        views = [view.to(dtype).requires_grad_() for view in exact_views]
        terms = objective(views[:2], views[2:] or None)
        return [*terms.values(), *torch.autograd.grad(terms["loss"], views)]

    exact = results(torch.float64)
    monkeypatch.setattr(chunks, "KEPT", {"cpu": 0, "cuda": 0})
    monkeypatch.setattr(chunks, "BLOCK", {"cpu": 600, "cuda": 600})
    for found, expected in zip(results(torch.float32), exact, strict=True):
        # Cosines are known to 1e-7 each, logits to 1e-5.
        assert torch.allclose(found.double(), expected, rtol=1e-3, atol=1e-4)


def test_detached_targets_cost_no_gradient_and_change_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for kept in (10**9, 0):
        monkeypatch.setattr(chunks, "KEPT", {"cpu": kept, "cuda": kept})
        for objective in (InfoNCE("cosine"), ReLIC("cosine", tau=0.1), ReLIC("neg_squared_l2")):
            views = [view.requires_grad_() for view in outputs(4, 37, 3)]
            whole = torch.autograd.grad(objective(views[:2], views[2:])["loss"], views[0])
            detached = [view.detach() for view in views[2:]]
            alone = torch.autograd.grad(objective(views[:2], detached)["loss"], views[0])
            assert torch.equal(*whole, *alone)


@pytest.mark.parametrize("objective", [InfoNCE("inner"), ReLIC("inner")])
def test_outputs_far_apart_neither_overflow_nor_underflow(objective: Objective) -> None:
    # Logits of size 1e4: exp or 2^x of them leaves float32.
    views = [100 * view for view in outputs(2, 32, 4, dtype=torch.float32)]
    assert all(result.isfinite().all() for result in value_and_gradients(objective, views))


def test_a_second_backward_pass_gives_the_same_gradient() -> None:
    for objective in (InfoNCE("neg_squared_l2"), ReLIC("neg_squared_l2")):
        u, v = (view.requires_grad_() for view in outputs(2, 20, 3))
        loss = objective([u, v])["loss"]
        first = torch.autograd.grad(loss, [u, v], retain_graph=True)
        second = torch.autograd.grad(loss, [u, v])
        for one, other in zip(first, second, strict=True):
            assert torch.allclose(one, other, rtol=1e-11)


def test_squares_cover_every_logit_or_those_above_the_diagonal_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "BLOCK", {"cpu": 1000, "cuda": 1000})
    for replicas, n in ((1, 1), (5, 7), (3, 100), (2, 63)):
        whole, above = torch.zeros(2, replicas, n, n)
        for tile in chunks.tiles(replicas, n, n, torch.device("cpu"), per_logit=2):
            whole[tile] += 1
        assert (whole == 1).all()
        for r, rows, columns in chunks.tiles(replicas, n, n, torch.device("cpu"), upper=True):
            above[r, rows, columns] += 1
            if rows != columns:
                above[r, columns, rows] += 1
        assert (above == 1).all()


def test_blocks_cover_every_row_of_every_replica_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "BLOCK", {"cpu": 1000, "cuda": 1000})
    for replicas, rows, per_row in ((1, 1, 1), (5, 7, 10), (3, 100, 50), (2, 30, 5000)):
        seen = torch.zeros(replicas, rows)
        for block in chunks.blocks(replicas, rows, per_row, torch.device("cpu")):
            seen[block] += 1
        assert (seen == 1).all()
