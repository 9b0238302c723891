"""log sum_j exp(phi(u_i, v_j) / tau) for every i: the core of InfoNCE and of kernel densities."""

from math import log
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from causal_ssl.objectives.chunks import by_row_chunks, kept, row_chunks
from causal_ssl.objectives.similarities import (
    Cosine,
    Inner,
    NegLp,
    NegSquaredL2,
    Similarity,
    centred,
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
        if squared:
            u, v = centred(u, v)
        flat = _LogSumExp.apply(replicas_first(u), replicas_first(v), tau, squared, others)
        return flat.view(u.shape[:-1])
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

    per_logit = u.shape[-1] if isinstance(similarity, NegLp) else 1
    return by_row_chunks(rows, [u], [v], per_logit=per_logit)


def replicas_first(outputs: Tensor) -> Tensor:
    """(..., n, d) to (r, n, d)."""
    return outputs.reshape(-1, *outputs.shape[-2:])


def bits(u: Tensor, v: Tensor, tau: float, squared: bool) -> Tensor:
    """Logits in units of log 2, up to a constant per row: (r, n, d) and (r, m, d) to (r, n, m).

    Bits, because exp2 is three to four times as fast as exp on a CPU and the factor costs nothing
    in the matrix product. Without the row's -|u_i|^2, which no softmax sees.
    """
    scale = 1 / (tau * LOG_2)
    if not squared:
        return (u * scale) @ v.mT
    return torch.baddbmm(v.square().sum(-1)[:, None, :], u, v.mT, beta=-scale, alpha=2 * scale)


def input_gradients(
    weights: Tensor, u: Tensor, v: Tensor, row_sums: Tensor | None, tau: float, squared: bool
) -> tuple[Tensor, Tensor]:
    """Gradients for u and v from those for the logits: weights (r, n, m), their sums over a row.

    row_sums None: they are 0.
    """
    # The short side first: (d, n) @ (n, m) is several times faster than (n, m) @ (m, d) at d = 5.
    du = (v.mT @ weights.mT).mT
    dv = (u.mT @ weights).mT
    if not squared:
        return du / tau, dv / tau
    if row_sums is not None:
        du = du - u * row_sums[..., None]
    dv = dv - v * weights.sum(-2)[..., None]
    return du * (2 / tau), dv * (2 / tau)


class _LogSumExp(torch.autograd.Function):
    """With P = softmax of a row's logits, d lse_i / d logit_ij = P_ij."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, v: Tensor, tau: float, squared: bool, others: bool) -> Tensor:
        per_row = u.shape[0] * v.shape[1]
        lse = u.new_empty(u.shape[:-1])
        for chunk in row_chunks(u.shape[1], per_row, u.device):
            logits = _other_bits(u[:, chunk], v, tau, squared, others, chunk.start)
            top = logits.amax(-1, keepdim=True)
            sums = logits.sub_(top).exp2_().sum(-1, keepdim=True)
            lse[:, chunk] = (top + sums.log2()).squeeze(-1)
        # One chunk: its exponentials become P and serve the backward pass.
        one = kept(u.shape[1] * per_row, u.device)
        probabilities = (logits.div_(sums),) if one and any(ctx.needs_input_grad) else ()
        ctx.save_for_backward(u, v, lse, *probabilities)
        ctx.options = tau, squared, others
        nats = lse * LOG_2
        return nats - u.square().sum(-1) / tau if squared else nats

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        u, v, lse, *probabilities = ctx.saved_tensors
        tau, squared, others = ctx.options
        if probabilities:
            weights = probabilities[0] * gradient[..., None]
            return *input_gradients(weights, u, v, gradient, tau, squared), None, None, None
        du, dv = torch.empty_like(u), torch.zeros_like(v)
        for chunk in row_chunks(u.shape[1], u.shape[0] * v.shape[1], u.device):
            logits = _other_bits(u[:, chunk], v, tau, squared, others, chunk.start)
            weights = logits.sub_(lse[:, chunk, None]).exp2_().mul_(gradient[:, chunk, None])
            du[:, chunk], dv_chunk = input_gradients(
                weights, u[:, chunk], v, gradient[:, chunk], tau, squared
            )
            dv += dv_chunk
        return du, dv, None, None, None


def _other_bits(
    u: Tensor, v: Tensor, tau: float, squared: bool, others: bool, start: int
) -> Tensor:
    logits = bits(u, v, tau, squared)
    if others:
        logits.diagonal(offset=start, dim1=-2, dim2=-1).fill_(-torch.inf)
    return logits
