"""log sum_j exp(phi(u_i, v_j) / tau) for every i: the core of InfoNCE and of kernel densities."""

from math import log
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from causal_ssl.objectives.chunks import blocks, by_row_chunks, kept
from causal_ssl.objectives.similarities import (
    Cosine,
    Inner,
    NegSquaredL2,
    Similarity,
    centred,
    numbers_per_logit,
)

LOG_2 = log(2)


def log_sum_exp(
    similarity: Similarity, u: Tensor, v: Tensor, *, tau: float, others: bool = False
) -> Tensor:
    """log sum_j exp(phi(u_i, v_j) / tau), in nats.

    Args:
        similarity: phi; `cosine`, `inner` and `neg_squared_l2` have a hand-written gradient.
        u: rows, (..., n, d).
        v: candidates, (..., m, d).
        tau: temperature.
        others: leave out j = i (then m = n).

    Returns:
        (..., n).

    Examples:
        >>> from causal_ssl.objectives.similarities import Inner
        >>> log_sum_exp(Inner(), torch.zeros(2, 3), torch.zeros(4, 3), tau=1.0)  # log 4
        tensor([1.3863, 1.3863])
    """
    if isinstance(similarity, Cosine):
        u, v, similarity = F.normalize(u, dim=-1), F.normalize(v, dim=-1), Inner()
    if isinstance(similarity, Inner | NegSquaredL2):
        squared = isinstance(similarity, NegSquaredL2)
        flat = _LogSumExp.apply(replicas_first(u), replicas_first(v), tau, squared, others)
        return flat if u.ndim == 3 else flat.view(u.shape[:-1])
    return plain_log_sum_exp(similarity, u, v, tau=tau, others=others)


def plain_log_sum_exp(
    similarity: Similarity, u: Tensor, v: Tensor, *, tau: float, others: bool = False
) -> Tensor:
    """As `log_sum_exp`, for any similarity, differentiated by autograd."""

    def rows(start: int, u: Tensor, v: Tensor) -> Tensor:
        logits = similarity.pairwise(u, v) / tau
        if others:
            logits.diagonal(offset=start, dim1=-2, dim2=-1).fill_(-torch.inf)
        return logits.logsumexp(-1)

    return by_row_chunks(rows, [u], [v], per_logit=numbers_per_logit(similarity, u))


def replicas_first(outputs: Tensor) -> Tensor:
    """(..., n, d) to (r, n, d)."""
    # A view is one more node for autograd: none where the shape fits already.
    return outputs if outputs.ndim == 3 else outputs.reshape(-1, *outputs.shape[-2:])


def bits(u: Tensor, v: Tensor, tau: float, squared: bool, out: Tensor | None = None) -> Tensor:
    """Logits in units of log 2, up to a constant per row: (r, n, d) and (r, m, d) to (r, n, m).

    Bits, because exp2 is three to four times as fast as exp on a CPU and the factor costs nothing
    in the matrix product. Without the row's -|u_i|^2, which no softmax sees.
    """
    scale = 1 / (tau * LOG_2)
    if not squared:
        return torch.bmm(u * scale, v.mT, out=out)
    lengths = v.square().sum(-1)[:, None, :]
    return torch.baddbmm(lengths, u, v.mT, beta=-scale, alpha=2 * scale, out=out)


class _LogSumExp(torch.autograd.Function):
    """With P = softmax of a row's logits, d lse_i / d logit_ij = P_ij."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, v: Tensor, tau: float, squared: bool, others: bool) -> Tensor:
        if squared:
            u, v = centred(u, v)
        replicas, n, m = *u.shape[:2], v.shape[1]
        keep = kept(replicas * n * m, u.device) and any(ctx.needs_input_grad)
        ctx.blocks = blocks(replicas, n, m, u.device)
        ctx.kept = []
        lse = u.new_empty(replicas, n)
        for r, rows in ctx.blocks:
            logits = _other_bits(u[r, rows], v[r], tau, squared, others, rows.start)
            top = logits.amax(-1, keepdim=True)
            exps = logits.sub_(top).exp2_()
            sums = exps.sum(-1)
            torch.add(top.squeeze(-1), sums.log2(), out=lse[r, rows])
            if keep:
                ctx.kept.append((exps, sums))
        ctx.save_for_backward(u, v, lse)
        ctx.options = tau, squared, others
        nats = lse * LOG_2
        return nats.sub_(u.square().sum(-1), alpha=1 / tau) if squared else nats

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        u, v, lse = ctx.saved_tensors
        tau, squared, others = ctx.options
        du, dv = torch.empty_like(u), torch.zeros_like(v)
        for k, (r, rows) in enumerate(ctx.blocks):
            weights = gradient[r, rows]
            if ctx.kept:
                exps, sums = ctx.kept[k]
                weights = weights / sums
            else:
                logits = _other_bits(u[r, rows], v[r], tau, squared, others, rows.start)
                exps = logits.sub_(lse[r, rows, None]).exp2_()
            # The row weights go to the small factors; and the short side comes first, because
            # (d, n) @ (n, m) is several times faster than (n, m) @ (m, d) at d = 5.
            du[r, rows] = (v[r].mT @ exps.mT).mT * weights[..., None]
            dv[r] += ((u[r, rows] * weights[..., None]).mT @ exps).mT
            if squared:
                dv[r] -= v[r] * (weights[:, None, :] @ exps).mT
        if squared:
            du -= u * gradient[..., None]
        scale = (2 if squared else 1) / tau
        return du.mul_(scale), dv.mul_(scale), None, None, None


def _other_bits(
    u: Tensor, v: Tensor, tau: float, squared: bool, others: bool, start: int
) -> Tensor:
    logits = bits(u, v, tau, squared)
    if others:
        logits.diagonal(offset=start, dim1=-2, dim2=-1).fill_(-torch.inf)
    return logits
