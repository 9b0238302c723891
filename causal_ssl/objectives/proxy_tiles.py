"""The two proxy distributions of a pair of views square by square, where logits are cosines.

What `proxy_pair.proxy_terms` uses for large batches. Bounded logits need no shift, hence no row as
a whole: with E_k the exponentials of direction k's logits and Delta the difference of the two
directions' logits, the sums over candidates S_k = sum_j E_k and M_k = sum_j E_k Delta give

    KL(P || Q) = M_0 / S_0 - log(S_0 / S_1),    KL(Q || P) = log(S_0 / S_1) - M_1 / S_1.

Without a target network (h = f) the second direction's logits are the first's transposed: a square
above the diagonal holds the numbers of the one below it, which is not computed.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from causal_ssl.objectives.chunks import Tile, tiles
from causal_ssl.objectives.logits import LOG_2, add_product

SIGNS = (1.0, -1.0)
"""Of Delta in the log-ratio of each direction's distribution to the other's."""


class TiledProxyKL(torch.autograd.Function):
    """Contrastive term and weighted KL of every row, (2, r, n), in nats.

    Arguments of `apply`: u (2, r, n, d), unit vectors, the anchors of the two directions; v, as u,
    their candidates, or None for u with the directions exchanged (h = f); tau, small enough for no
    exp(1 / tau) to overflow; the weights of KL(P || Q) and KL(Q || P); whether gradients reach
    a KL's first argument, and its second, as 0.0 or 1.0.
    """

    @staticmethod
    def forward(
        ctx: Any,
        u: Tensor,
        v: Tensor | None,
        tau: float,
        weights: tuple[float, float],
        through: tuple[float, float],
    ) -> Tensor:
        shared = v is None
        v = u.flip(0) if v is None else v
        scaled = u / (tau * LOG_2)  # logits in bits: powers of 2 are much faster than exp
        sums, dots = u.new_zeros(u.shape[:-1]), u.new_zeros(u.shape[:-1])
        work = _workspace(u, shared)
        for tile in _tiles(u, shared):
            r, rows, columns = tile
            exps, delta, products, _ = _square(work, scaled, v, tile)
            torch.mul(exps, delta, out=products)
            sums[:, r, rows] += exps.sum(-1)
            dots[:, r, rows] += products.sum(-1)
            if shared and rows != columns:
                # Of the square below the diagonal, where the directions and Delta's sign change.
                sums[:, r, columns] += exps.sum(-2).flip(0)
                dots[:, r, columns] -= products.sum(-2).flip(0)
        lse = sums.log2()
        gap = lse[0] - lse[1]
        kls = dots / sums
        kls[0] -= gap
        kls[1].neg_().add_(gap)
        contrastive = 0.5 * (lse - (scaled * v).sum(-1)).sum(0)
        invariance = weights[0] * kls[0] + weights[1] * kls[1]
        ctx.save_for_backward(u, v, sums, gap, kls)
        ctx.options = shared, tau, weights, through
        return torch.stack([contrastive, invariance]).mul_(LOG_2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        u, v, *_ = ctx.saved_tensors
        shared, tau, *_ = ctx.options
        scaled = u / (tau * LOG_2)
        coefficients = _coefficients(gradient, *ctx.saved_tensors[2:], *ctx.options[2:])
        du = torch.zeros_like(u)
        dv = torch.zeros_like(v) if shared or ctx.needs_input_grad[1] else None
        work = _workspace(u, shared)
        for tile in _tiles(u, shared):
            r, rows, columns = tile
            square = _square(work, scaled, v, tile)
            both = shared and rows != columns
            for k, weights in enumerate(_logit_gradients(square, coefficients, tile, both)):
                add_product(du[k, r, rows], weights, v[k, r, columns])
                if dv is not None:
                    add_product(dv[k, r, columns], weights.mT, u[k, r, rows])
        right = 0.5 * gradient[0, ..., None]
        du.addcmul_(right, v, value=-1)
        if dv is not None:
            dv.addcmul_(right, u, value=-1)
            if shared:
                du += dv.flip(0)
            dv.div_(tau)
        return du.div_(tau), None if shared else dv, None, None, None


def _tiles(u: Tensor, shared: bool) -> list[Tile]:
    _, replicas, n, _ = u.shape
    return tiles(replicas, n, n, u.device, per_logit=2, upper=shared)


def _workspace(u: Tensor, shared: bool) -> Tensor:
    """Room for six matrices of the largest square, the first: allocated once, cheaper than anew."""
    r, rows, columns = _tiles(u, shared)[0]
    return u.new_empty(6 * r.stop * rows.stop * columns.stop)


def _square(work: Tensor, scaled: Tensor, v: Tensor, tile: Tile) -> list[Tensor]:
    """E_k, (2, r, rows, columns), Delta in bits, (r, rows, columns), and room for three more."""
    first, second = (x[:, tile[0], part] for x, part in ((scaled, tile[1]), (v, tile[2])))
    shape = (*first.shape[1:3], second.shape[2])
    room = work[: 6 * shape[0] * shape[1] * shape[2]].view(6, *shape)
    exps, delta = room[:2], room[2]
    torch.bmm(first.flatten(0, 1), second.flatten(0, 1).mT, out=exps.flatten(0, 1))
    torch.sub(exps[0], exps[1], out=delta)
    return [exps.exp2_(), delta, room[3:5], room[5]]


def _coefficients(
    gradient: Tensor,
    sums: Tensor,
    gap: Tensor,
    kls: Tensor,
    weights: tuple[float, float],
    through: tuple[float, float],
) -> tuple[Tensor, Tensor, Tensor]:
    """a, b, c, each (2, r, n): row i has the gradient E_k (a_i + b_i Delta) - E_(1-k) c_i.

    With P = E_0 / S_0 and Q = E_1 / S_1, delta = log(P / Q) and K = KL(P || Q) the gradient of K
    for P's logits is P (delta - K), for Q's logits Q - P; that of -log P_ii is P - 1_ii, of which
    the last part is left to the caller.
    """
    contrastive, invariance = 0.5 * gradient[0], gradient[1]
    a, b, c = (torch.empty_like(sums) for _ in range(3))
    for k, sign in enumerate(SIGNS):
        as_first = invariance * (weights[k] * LOG_2 * through[0])
        as_second = invariance * (weights[1 - k] * through[1])
        a[k] = (contrastive + as_second - as_first * (kls[k] + sign * gap)) / sums[k]
        b[k] = sign * as_first / sums[k]
        c[k] = as_second / sums[1 - k]
    return a, b, c


def _logit_gradients(
    square: list[Tensor], coefficients: tuple[Tensor, Tensor, Tensor], tile: Tile, both: bool
) -> Tensor:
    """(2, r, rows, columns), over the square; `both`: with those of the one below the diagonal."""
    r, rows, columns = tile
    exps, delta, weights, room = square
    a, b, c = (x[:, r, rows, None] for x in coefficients)
    if both:
        a_below, b_below, c_below = (x[:, r, None, columns].flip(0) for x in coefficients)
    for k in (0, 1):
        if both:
            torch.sub(b[k], b_below[k], out=weights[k])
            weights[k].mul_(delta).add_(a[k]).add_(a_below[k]).mul_(exps[k])
            torch.add(c[k], c_below[k], out=room)
            weights[k].addcmul_(exps[1 - k], room, value=-1)
        else:
            torch.addcmul(a[k], b[k], delta, out=weights[k])
            weights[k].mul_(exps[k]).addcmul_(exps[1 - k], c[k], value=-1)
    return weights
