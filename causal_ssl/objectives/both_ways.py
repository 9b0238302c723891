"""Matrices of cosines whose rows and columns are softmaxes both: one exponential serves the two.

Without a target network (h = f) the logits of view l against view k are those of k against l,
transposed; and those of both views against both are symmetric. Cosines over tau are within
[-1 / tau, 1 / tau]: their exponentials need no shift by the largest, and can be summed square by
square, over rows and columns at once.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from causal_ssl.objectives.chunks import kept, tiles
from causal_ssl.objectives.log_sum_exp import LOG_2, add_product, fill_same, replicas_first
from causal_ssl.objectives.similarities import Cosine, Similarity

SMALLEST_TAU = 1 / 40
"""exp(40) = 2e17: sums of exponentials, and what is divided by them, stay within float32."""


def bounded(similarity: Similarity, tau: float) -> bool:
    """Whether the exponentials of the logits need no shift."""
    return isinstance(similarity, Cosine) and tau >= SMALLEST_TAU


def log_sum_exps_both_ways(u: Tensor, v: Tensor, *, tau: float) -> Tensor:
    """Over the cosines with the other samples, for every u_i among v and every v_i among u.

    Args:
        u: a view's outputs, (..., n, d).
        v: the other view's.
        tau: temperature, at least `SMALLEST_TAU`.

    Returns:
        (2, ..., n): log sum_{j != i} exp(cos(u_i, v_j) / tau), then with u and v exchanged; nats.
    """
    flat = (replicas_first(F.normalize(view, dim=-1)) for view in (u, v))
    return _OtherSums.apply(*flat, tau, u.shape[-2]).log().view(2, *u.shape[:-1])


def log_sum_exp_among(z: Tensor, *, tau: float, period: int) -> Tensor:
    """Over the cosines of outputs with each other, of other samples: (..., m, d) to (..., m).

    Args:
        z: outputs, of which those a multiple of `period` apart come from one sample.
        tau: temperature, at least `SMALLEST_TAU`.
        period: samples.
    """
    flat = replicas_first(F.normalize(z, dim=-1))
    return _OtherSums.apply(flat, None, tau, period).log().view(z.shape[:-1])


class _OtherSums(torch.autograd.Function):
    """Sums of exp(<u_i, v_j> / tau) over j, and over i, of other samples; v = None: u itself.

    (1 or 2, r, n). The matrix u u' is symmetric: squares above its diagonal give those below.
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor, v: Tensor | None, tau: float, period: int) -> Tensor:
        replicas, n, _ = u.shape
        upper = v is None
        v = u if v is None else v
        keep = kept(replicas * n * n, u.device) and any(ctx.needs_input_grad)
        ctx.kept = []
        sums = u.new_zeros(1 if upper else 2, replicas, n)
        for r, rows, columns in tiles(replicas, n, u.device, upper=upper):
            exps = _exps(u[r, rows], v[r, columns], tau, rows.start - columns.start, period)
            sums[0, r, rows] += exps.sum(-1)
            if not upper or rows != columns:
                sums[-1, r, columns] += exps.sum(-2)
            if keep:
                ctx.kept.append(exps)
        ctx.save_for_backward(u, v)
        ctx.options = tau, period, upper
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        u, v = ctx.saved_tensors
        tau, period, upper = ctx.options
        replicas, n, _ = u.shape
        du = torch.zeros_like(u)
        dv = du if upper else torch.zeros_like(v)
        for k, (r, rows, columns) in enumerate(tiles(replicas, n, u.device, upper=upper)):
            if ctx.kept:
                exps = ctx.kept[k]
            else:
                exps = _exps(u[r, rows], v[r, columns], tau, rows.start - columns.start, period)
            # Each counts in the sum of its row and in that of its column.
            weights = gradient[0, r, rows, None] + gradient[-1, r, None, columns]
            weights *= exps
            add_product(du[r, rows], weights, v[r, columns])
            if not upper or rows != columns:
                add_product(dv[r, columns], weights.mT, u[r, rows])
        return du.div_(tau), None if upper else dv.div_(tau), None, None


def _exps(u: Tensor, v: Tensor, tau: float, offset: int, period: int) -> Tensor:
    # Powers of 2 are several times as fast as exp; the scale goes to a small factor.
    exps = torch.bmm(u * (1 / (tau * LOG_2)), v.mT).exp2_()
    return fill_same(exps, 0.0, offset, period)
