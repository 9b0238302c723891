"""log sum_j exp(phi(u_i, v_j) / tau) for every i: the core of InfoNCE and of kernel densities."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from causal_ssl.objectives.bounded import bounded, bounded_log_sum_exp
from causal_ssl.objectives.chunks import blocks, by_row_chunks, kept
from causal_ssl.objectives.logits import (
    LOG_2,
    add_product,
    bits,
    fill_same,
    product,
    replicas_first,
)
from causal_ssl.objectives.similarities import (
    Inner,
    NegSquaredL2,
    Similarity,
    as_inner,
    centred,
    numbers_per_logit,
)


def log_sum_exp(
    similarity: Similarity, u: Tensor, v: Tensor, *, tau: float, period: int | None = None
) -> Tensor:
    """log sum_j exp(phi(u_i, v_j) / tau), in nats.

    Args:
        similarity: phi; all but `neg_l<p>` and ones of your own have a hand-written gradient.
        u: rows, (..., n, d).
        v: candidates, (..., m, d).
        tau: temperature.
        period: leave out every j that differs from i by a multiple of it: with n, j = i alone; with
            n / 2, the same sample in two views that follow one another.

    Returns:
        (..., n).

    Examples:
        >>> from causal_ssl.objectives.similarities import Inner
        >>> log_sum_exp(Inner(), torch.zeros(2, 3), torch.zeros(4, 3), tau=1.0)  # log 4
        tensor([1.3863, 1.3863])
    """
    n_logits = u.shape[:-1].numel() * v.shape[-2]
    if bounded(similarity, tau) and not kept(n_logits, u.device):
        return bounded_log_sum_exp(u, v, tau=tau, period=period)
    similarity, u, v = as_inner(similarity, u, v)
    if isinstance(similarity, Inner | NegSquaredL2):
        squared = isinstance(similarity, NegSquaredL2)
        flat = _LogSumExp.apply(replicas_first(u), replicas_first(v), tau, squared, period)
        return flat if u.ndim == 3 else flat.view(u.shape[:-1])
    return plain_log_sum_exp(similarity, u, v, tau=tau, period=period)


def plain_log_sum_exp(
    similarity: Similarity, u: Tensor, v: Tensor, *, tau: float, period: int | None = None
) -> Tensor:
    """As `log_sum_exp`, for any similarity without parameters, differentiated by autograd."""

    def rows(start: int, u: Tensor, v: Tensor) -> Tensor:
        logits = similarity.pairwise(u, v) / tau
        return fill_same(logits, -torch.inf, start, period).logsumexp(-1)

    return by_row_chunks(rows, [u], [v], per_logit=numbers_per_logit(similarity, u))


class _LogSumExp(torch.autograd.Function):
    """With P = softmax of a row's logits, d lse_i / d logit_ij = P_ij."""

    @staticmethod
    def forward(
        ctx: Any, u: Tensor, v: Tensor, tau: float, squared: bool, period: int | None
    ) -> Tensor:
        if squared:
            u, v = centred(u, v)
        replicas, n, m = *u.shape[:2], v.shape[1]
        keep = kept(replicas * n * m, u.device) and any(ctx.needs_input_grad)
        ctx.blocks = blocks(replicas, n, m, u.device)
        ctx.kept = []
        lse = u.new_empty(replicas, n)
        for r, rows in ctx.blocks:
            logits = _other_bits(u[r, rows], v[r], tau, squared, period, rows.start)
            top = logits.amax(-1, keepdim=True)
            exps = logits.sub_(top).exp2_()
            sums = exps.sum(-1)
            torch.add(top.squeeze(-1), sums.log2(), out=lse[r, rows])
            if keep:
                ctx.kept.append((exps, sums))
        ctx.save_for_backward(u, v, lse)
        ctx.options = tau, squared, period
        nats = lse * LOG_2
        return nats.sub_(u.square().sum(-1), alpha=1 / tau) if squared else nats

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        u, v, lse = ctx.saved_tensors
        tau, squared, period = ctx.options
        du = torch.empty_like(u)
        dv = torch.zeros_like(v) if ctx.needs_input_grad[1] else None
        for k, (r, rows) in enumerate(ctx.blocks):
            weights = gradient[r, rows]
            if ctx.kept:
                exps, sums = ctx.kept[k]
                weights = weights / sums
            else:
                logits = _other_bits(u[r, rows], v[r], tau, squared, period, rows.start)
                exps = logits.sub_(lse[r, rows, None]).exp2_()
            # The row weights go to the small factors.
            du[r, rows] = product(exps, v[r]) * weights[..., None]
            if dv is not None:
                add_product(dv[r], exps.mT, u[r, rows] * weights[..., None])
                if squared:
                    dv[r] -= v[r] * (weights[:, None, :] @ exps).mT
        if squared:
            du -= u * gradient[..., None]
        scale = (2 if squared else 1) / tau
        return du.mul_(scale), None if dv is None else dv.mul_(scale), None, None, None


def _other_bits(
    u: Tensor, v: Tensor, tau: float, squared: bool, period: int | None, start: int
) -> Tensor:
    return fill_same(bits(u, v, tau, squared), -torch.inf, start, period)
