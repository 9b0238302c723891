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
from causal_ssl.objectives.bounded import bounded
from causal_ssl.objectives.chunks import blocks, by_row_chunks, kept
from causal_ssl.objectives.groups import Groups, group_log_proxy
from causal_ssl.objectives.logits import LOG_2, bits, product, replicas_first
from causal_ssl.objectives.proxy_tiles import TiledProxyKL
from causal_ssl.objectives.similarities import (
    Inner,
    NegSquaredL2,
    Similarity,
    as_inner,
    centred,
    numbers_per_logit,
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
        similarity: phi; with `neg_l<p>`, one of your own or another divergence than KL the
            gradient is autograd's, else it is hand-written.
        tau: temperature.
        comparison: how the two distributions are compared.

    Returns:
        (2, ..., n): the contrastive terms, then the invariance terms.
    """
    kl = comparison.divergence is divergences.kl
    n_logits = 2 * online[0].shape[:-1].numel() * online[0].shape[-2]
    if kl and bounded(similarity, tau) and not kept(n_logits, online[0].device):
        return _tiled(online, target, tau, comparison)
    inner, o_l, t_k = as_inner(similarity, online[0], target[0])
    _, o_k, t_l = as_inner(similarity, online[1], target[1])
    if kl and isinstance(inner, Inner | NegSquaredL2):
        squared = isinstance(inner, NegSquaredL2)
        # Both directions in one tensor: half as many, twice as large operations.
        u = torch.stack([replicas_first(o_l), replicas_first(o_k)])
        v = torch.stack([replicas_first(t_k), replicas_first(t_l)])
        rows = _ProxyKL.apply(u, v, tau, squared, comparison)
        return rows.view(2, *online[0].shape[:-1])
    online, target = (o_l, o_k), (t_k, t_l)
    return plain_proxy_terms(online, target, similarity=inner, tau=tau, comparison=comparison)


def _tiled(
    online: tuple[Tensor, Tensor],
    target: tuple[Tensor, Tensor],
    tau: float,
    comparison: Comparison,
) -> Tensor:
    """As `proxy_terms` with the cosine and KL, for batches whose logits are not kept."""

    def unit(views: tuple[Tensor, Tensor]) -> Tensor:
        return torch.stack([replicas_first(F.normalize(view, dim=-1)) for view in views])

    same = online[0] is target[1] and online[1] is target[0]
    stop = comparison.stop_gradient
    rows = TiledProxyKL.apply(
        unit(online),
        None if same else unit(target),
        tau,
        (comparison.forward, comparison.reverse),
        (float(stop != "first"), float(stop != "second")),
    )
    return rows.view(2, *online[0].shape[:-1])


def plain_proxy_terms(
    online: tuple[Tensor, Tensor],
    target: tuple[Tensor, Tensor],
    *,
    similarity: Similarity,
    tau: float,
    comparison: Comparison,
) -> Tensor:
    """As `proxy_terms`, for any similarity without parameters, differentiated by autograd."""

    def rows(start: int, o_l: Tensor, o_k: Tensor, t_k: Tensor, t_l: Tensor) -> Tensor:
        log_p = (similarity.pairwise(o_l, t_k) / tau).log_softmax(-1)
        log_q = (similarity.pairwise(o_k, t_l) / tau).log_softmax(-1)
        right = [log.diagonal(offset=start, dim1=-2, dim2=-1) for log in (log_p, log_q)]
        return torch.stack([-0.5 * (right[0] + right[1]), comparison(log_p, log_q)])

    per_logit = numbers_per_logit(similarity, online[0])
    return by_row_chunks(rows, [*online], [*target], per_logit=per_logit)


def group_proxy_terms(
    online: tuple[Tensor, Tensor],
    target: tuple[Tensor, Tensor],
    groups: Groups,
    *,
    similarity: Similarity,
    tau: float,
    comparison: Comparison,
) -> Tensor:
    """As `proxy_terms` where the proxy is the group, P_lk(g | i) = sum of p_lk(j | i) over j in g.

    By the data processing inequality no f-divergence between P_lk and P_kl is above that between
    p_lk and p_kl; they are equal where members share their group's mass alike in both (and only
    there, save for total variation).
    """

    inner, o_l, t_k = as_inner(similarity, online[0], target[0])
    _, o_k, t_l = as_inner(similarity, online[1], target[1])

    def rows(start: int, o_l: Tensor, o_k: Tensor, t_k: Tensor, t_l: Tensor) -> Tensor:
        log_p = group_log_proxy(o_l, t_k, groups, similarity=inner, tau=tau)
        log_q = group_log_proxy(o_k, t_l, groups, similarity=inner, tau=tau)
        right = groups.own(log_p, start) + groups.own(log_q, start)
        return torch.stack([-0.5 * right, comparison(log_p.mT, log_q.mT)])

    per_logit = numbers_per_logit(inner, o_l)
    return by_row_chunks(rows, [o_l, o_k], [t_k, t_l], per_logit=per_logit)


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
        if squared:
            u, v = centred(u, v)
        _, replicas, n, _ = u.shape
        ctx.kept = (
            [] if kept(2 * replicas * n * n, u.device) and any(ctx.needs_input_grad) else None
        )
        terms, lse = u.new_empty(2, replicas, n), u.new_empty(2, replicas, n)
        kls = torch.empty_like(lse)
        for r, rows in blocks(replicas, n, 2 * n, u.device):
            work = _workspace(u[:, r, rows], v[:, r], tau, squared)
            p, delta = work[:2], work[2]
            right = p.diagonal(offset=rows.start, dim1=-2, dim2=-1).sum(0)
            torch.sub(p[0], p[1], out=delta)
            top = p.amax(-1, keepdim=True)
            sums = p.sub_(top).exp2_().sum(-1, keepdim=True)
            p.div_(sums)
            lse_block = top.add_(sums.log2_())
            delta.sub_(lse_block[0] - lse_block[1])
            lse[:, r, rows] = lse_block.squeeze(-1)
            # Rows of P delta, through the workspace's free half.
            kls[0, r, rows] = torch.mul(p[0], delta, out=work[3]).sum(-1)
            kls[1, r, rows] = -torch.mul(p[1], delta, out=work[3]).sum(-1)
            terms[0, r, rows] = lse[:, r, rows].sum(0).sub_(right).mul_(0.5)
            if ctx.kept is not None:
                ctx.kept.append(work)
        torch.add(kls[0] * comparison.forward, kls[1], alpha=comparison.reverse, out=terms[1])
        ctx.save_for_backward(u, v, lse, kls)
        ctx.options = tau, squared, comparison
        return terms.mul_(LOG_2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        u, v, lse, kls = ctx.saved_tensors
        tau, squared, comparison = ctx.options
        # Kept for one backward pass, which overwrites it; a second one recomputes.
        works, ctx.kept = ctx.kept, None
        du = torch.empty_like(u)
        dv = torch.zeros_like(v) if ctx.needs_input_grad[1] else None
        _, replicas, n, _ = u.shape
        for k, (r, rows) in enumerate(blocks(replicas, n, 2 * n, u.device)):
            if works:
                work = works[k]
            else:
                work = _workspace(u[:, r, rows], v[:, r], tau, squared)
                work[:2].sub_(lse[:, r, rows, None])
                torch.sub(work[0], work[1], out=work[2])
                work[:2].exp2_()
            weights = _logit_gradients(
                work, kls[:, r, rows, None], gradient[:, r, rows, None], rows.start, comparison
            )
            du[:, r, rows] = product(weights, v[:, r])
            if dv is not None:
                dv[:, r] += product(weights.mT, u[:, r, rows])
                if squared:
                    dv[:, r] -= v[:, r] * weights.sum(-2)[..., None]
        scale = (2 if squared else 1) / tau
        return du.mul_(scale), None if dv is None else dv.mul_(scale), None, None, None


def _workspace(u: Tensor, v: Tensor, tau: float, squared: bool) -> Tensor:
    """(4, r, rows, n), the first two filled with the two directions' logits in bits.

    One allocation for all that the block needs: a fresh tensor of this size costs more in page
    faults than in arithmetic.
    """
    _, replicas, rows, _ = u.shape
    work = u.new_empty(4, replicas, rows, v.shape[-2])
    bits(u.flatten(0, 1), v.flatten(0, 1), tau, squared, out=work[:2].flatten(0, 1))
    return work


def _logit_gradients(
    work: Tensor, kls: Tensor, gradient: Tensor, start: int, comparison: Comparison
) -> Tensor:
    """Gradients for the logits in nats, (2, r, rows, n), over the workspace (P, Q, delta, -).

    Every row of them sums to 0.
    """
    contrastive, invariance = 0.5 * gradient[0], gradient[1]
    through_first = float(comparison.stop_gradient != "first")
    through_second = float(comparison.stop_gradient != "second")
    p, delta, weights = work[:2], work[2], work[2:]
    # The second direction first, into the free quarter; then the first one over delta.
    for side, sign, own, other in (
        (1, -1, comparison.reverse, comparison.forward),
        (0, 1, comparison.forward, comparison.reverse),
    ):
        # P (delta - K) as first argument of D, P - Q as second, P - 1 from the contrastive term.
        as_first = invariance * (own * LOG_2 * through_first)
        as_second = invariance * (other * through_second)
        constant = (contrastive + as_second).addcmul_(as_first, kls[side], value=-1)
        torch.addcmul(constant, delta, as_first, value=sign, out=weights[side])
        weights[side].mul_(p[side]).addcmul_(p[1 - side], as_second, value=-1)
    weights.diagonal(offset=start, dim1=-2, dim2=-1).sub_(contrastive.squeeze(-1))
    return weights
