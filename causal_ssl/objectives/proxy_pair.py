"""The two proxy distributions of a pair of interventions, and what ReLIC asks of them.

For the views l, k of n samples, outputs o (online) and t (target), sample i is asked which sample j
it is, once per intervention, over the same contrast set j = 1 .. n:

    p_lk(j | i) = softmax_j phi(o_l[i], t_k[j]) / tau
    p_kl(j | i) = softmax_j phi(o_k[i], t_l[j]) / tau

Per sample: the contrastive term -(log p_lk(i | i) + log p_kl(i | i)) / 2, and the invariance term
w_forward D(p_lk || p_kl) + w_reverse D(p_kl || p_lk).
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from causal_ssl import divergences
from causal_ssl.divergences import Divergence
from causal_ssl.objectives.chunks import by_row_chunks, kept, row_chunks
from causal_ssl.objectives.log_sum_exp import LOG_2, bits, input_gradients, replicas_first
from causal_ssl.objectives.similarities import (
    Cosine,
    Inner,
    NegLp,
    NegSquaredL2,
    Similarity,
    centred,
)

StopGradient = Literal["none", "first", "second"]


@dataclass(frozen=True)
class Comparison:
    """How two proxy distributions are compared.

    Args:
        divergence: D, on log-probabilities.
        forward: weight of D(p_lk || p_kl).
        reverse: weight of D(p_kl || p_lk).
        stop_gradient: which argument of D, if any, counts as constant.
    """

    divergence: Divergence = divergences.kl
    forward: float = 0.5
    reverse: float = 0.5
    stop_gradient: StopGradient = "none"

    def __call__(self, log_p: Tensor, log_q: Tensor) -> Tensor:
        total = torch.zeros((), dtype=log_p.dtype, device=log_p.device)
        if self.forward:
            total = total + self.forward * self._directed(log_p, log_q)
        if self.reverse:
            total = total + self.reverse * self._directed(log_q, log_p)
        return total

    def _directed(self, first: Tensor, second: Tensor) -> Tensor:
        if self.stop_gradient == "first":
            first = first.detach()
        if self.stop_gradient == "second":
            second = second.detach()
        return self.divergence(first, second)


def proxy_terms(
    online: tuple[Tensor, Tensor],
    target: tuple[Tensor, Tensor],
    *,
    similarity: Similarity,
    tau: float,
    comparison: Comparison,
) -> Tensor:
    """Contrastive and invariance term of every sample, in nats.

    Args:
        online: o_l, o_k, each (..., n, d).
        target: t_k, t_l, each (..., n, d): the other view's, in this order.
        similarity: phi; with `cosine`, `inner` or `neg_squared_l2` and KL the gradient is
            hand-written, else it is autograd's.
        tau: temperature.
        comparison: how the two distributions are compared.

    Returns:
        (2, ..., n): the contrastive terms, then the invariance terms.
    """
    if isinstance(similarity, Cosine):
        online = F.normalize(online[0], dim=-1), F.normalize(online[1], dim=-1)
        target = F.normalize(target[0], dim=-1), F.normalize(target[1], dim=-1)
        similarity = Inner()
    if comparison.divergence is divergences.kl and isinstance(similarity, Inner | NegSquaredL2):
        squared = isinstance(similarity, NegSquaredL2)
        # Both directions in one tensor: half as many, twice as large operations.
        u = torch.stack([replicas_first(view) for view in online])
        v = torch.stack([replicas_first(view) for view in target])
        if squared:
            u, v = centred(u, v)
        rows = _ProxyKL.apply(u, v, tau, squared, comparison)
        return rows.view(2, *online[0].shape[:-1])
    return plain_proxy_terms(online, target, similarity=similarity, tau=tau, comparison=comparison)


def plain_proxy_terms(
    online: tuple[Tensor, Tensor],
    target: tuple[Tensor, Tensor],
    *,
    similarity: Similarity,
    tau: float,
    comparison: Comparison,
) -> Tensor:
    """As `proxy_terms`, for any similarity and divergence, differentiated by autograd."""

    def rows(start: int, o_l: Tensor, o_k: Tensor, t_k: Tensor, t_l: Tensor) -> Tensor:
        log_p = (similarity.pairwise(o_l, t_k) / tau).log_softmax(-1)
        log_q = (similarity.pairwise(o_k, t_l) / tau).log_softmax(-1)
        right = [log.diagonal(offset=start, dim1=-2, dim2=-1) for log in (log_p, log_q)]
        return torch.stack([-0.5 * (right[0] + right[1]), comparison(log_p, log_q)])

    per_logit = online[0].shape[-1] if isinstance(similarity, NegLp) else 1
    return by_row_chunks(rows, [*online], [*target], per_logit=per_logit)


class _ProxyKL(torch.autograd.Function):
    """KL between the two softmaxes, with its gradient written out.

    With P, Q the distributions, delta = log P - log Q and K = KL(P || Q) of a row, the gradient of
    K for P's logits is P (delta - K), for Q's logits Q - P; that of -log P_ii is P - 1_ii. Logits
    are in bits, see `bits`.
    """

    @staticmethod
    def forward(
        ctx: Any, u: Tensor, v: Tensor, tau: float, squared: bool, comparison: Comparison
    ) -> Tensor:
        _, replicas, n, _ = u.shape
        terms, lse = u.new_empty(2, replicas, n), u.new_empty(2, replicas, n, 1)
        kls = torch.empty_like(lse)
        for chunk in row_chunks(n, 2 * replicas * n, u.device):
            logits = _pair_bits(u[:, :, chunk], v, tau, squared)
            right = logits.diagonal(offset=chunk.start, dim1=-2, dim2=-1).sum(0)
            delta = logits[0] - logits[1]
            top = logits.amax(-1, keepdim=True)
            p = logits.sub_(top).exp2_()
            sums = p.sum(-1, keepdim=True)
            p.div_(sums)
            lse_chunk = top.add_(sums.log2_())
            delta.sub_(lse_chunk[0] - lse_chunk[1])
            lse[:, :, chunk] = lse_chunk
            kls[0, :, chunk] = torch.linalg.vecdot(p[0], delta)[..., None]
            kls[1, :, chunk] = -torch.linalg.vecdot(p[1], delta)[..., None]
            terms[0, :, chunk] = 0.5 * (lse_chunk.sum(0).squeeze(-1) - right)
        one = kept(2 * replicas * n * n, u.device) and any(ctx.needs_input_grad)
        ctx.save_for_backward(u, v, lse, kls, *((p, delta) if one else ()))
        ctx.options = tau, squared, comparison
        terms[1] = comparison.forward * kls[0, ..., 0] + comparison.reverse * kls[1, ..., 0]
        return terms.mul_(LOG_2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        u, v, lse, kls, *saved = ctx.saved_tensors
        tau, squared, comparison = ctx.options
        gradient = gradient[..., None]
        if saved:
            p, delta = saved
            weights = _logit_gradients(p, delta, kls, gradient, 0, comparison)
            return *_pair_gradients(weights, u, v, tau, squared), None, None, None
        du, dv = torch.empty_like(u), torch.zeros_like(v)
        for chunk in row_chunks(u.shape[2], 2 * u.shape[1] * v.shape[2], u.device):
            logits = _pair_bits(u[:, :, chunk], v, tau, squared).sub_(lse[:, :, chunk])
            delta = logits[0] - logits[1]
            weights = _logit_gradients(
                logits.exp2_(),
                delta,
                kls[:, :, chunk],
                gradient[:, :, chunk],
                chunk.start,
                comparison,
            )
            du[:, :, chunk], dv_chunk = _pair_gradients(weights, u[:, :, chunk], v, tau, squared)
            dv += dv_chunk
        return du, dv, None, None, None


def _pair_bits(u: Tensor, v: Tensor, tau: float, squared: bool) -> Tensor:
    logits = bits(u.flatten(0, 1), v.flatten(0, 1), tau, squared)
    return logits.view(2, -1, *logits.shape[1:])


def _pair_gradients(
    weights: Tensor, u: Tensor, v: Tensor, tau: float, squared: bool
) -> tuple[Tensor, Tensor]:
    du, dv = input_gradients(
        weights.flatten(0, 1), u.flatten(0, 1), v.flatten(0, 1), None, tau, squared
    )
    return du.view_as(u), dv.view_as(v)


def _logit_gradients(
    p: Tensor,
    delta: Tensor,
    kls: Tensor,
    gradient: Tensor,
    start: int,
    comparison: Comparison,
) -> Tensor:
    """(2, r, rows, n) gradients for the logits in nats; every row of them sums to 0."""
    contrastive, invariance = 0.5 * gradient[0], gradient[1]
    through_first = comparison.stop_gradient != "first"
    through_second = comparison.stop_gradient != "second"
    weights = torch.empty_like(p)
    for side, own, other in (
        (0, comparison.forward, comparison.reverse),
        (1, comparison.reverse, comparison.forward),
    ):
        # own P (delta - K), as first argument of D; other (P - Q), as second argument.
        as_first = invariance * (own * LOG_2) if through_first else torch.zeros_like(invariance)
        as_second = invariance * other if through_second else torch.zeros_like(invariance)
        constant = contrastive + as_second - as_first * kls[side]
        torch.addcmul(constant, delta, as_first if side == 0 else -as_first, out=weights[side])
        weights[side].mul_(p[side]).addcmul_(p[1 - side], as_second, value=-1)
    weights.diagonal(offset=start, dim1=-2, dim2=-1).sub_(contrastive.squeeze(-1))
    return weights
