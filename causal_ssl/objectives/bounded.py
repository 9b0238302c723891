"""Logits that are cosines over tau: bounded, so that their exponentials need no shift.

They are summed square by square, no row as a whole. And without a target network (h = f) one
exponential serves twice: the logits of view l against view k are those of k against l, transposed,
and those of both views against both are symmetric.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from causal_ssl.objectives.chunks import kept, tiles
from causal_ssl.objectives.logits import LOG_2, add_product, fill_same, replicas_first
from causal_ssl.objectives.similarities import Cosine, Similarity

SMALLEST_TAU = 1 / 40
"""exp(40) = 2e17: sums of exponentials, and what is divided by them, stay within float32."""


def bounded(similarity: Similarity, tau: float) -> bool:
    """Whether the exponentials of the logits need no shift."""
    return isinstance(similarity, Cosine) and tau >= SMALLEST_TAU


def bounded_log_sum_exp(u: Tensor, v: Tensor, *, tau: float, period: int | None) -> Tensor:
    """`log_sum_exp` of the cosine: (..., n, d) and (..., m, d) to (..., n)."""
    flat = (replicas_first(F.normalize(outputs, dim=-1)) for outputs in (u, v))
    return _SumsOfExps.apply(*flat, tau, period, False).log().view(u.shape[:-1])


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
    return _SumsOfExps.apply(*flat, tau, u.shape[-2], True).log().view(2, *u.shape[:-1])


def log_sum_exp_among(z: Tensor, *, tau: float, period: int) -> Tensor:
    """Over the cosines of outputs with each other, of other samples: (..., m, d) to (..., m).

    Args:
        z: outputs, of which those a multiple of `period` apart come from one sample.
        tau: temperature, at least `SMALLEST_TAU`.
        period: samples.
    """
    flat = replicas_first(F.normalize(z, dim=-1))
    return _SumsOfExps.apply(flat, None, tau, period, True).log().view(z.shape[:-1])


class _SumsOfExps(torch.autograd.Function):
    """Sums of exp(<u_i, v_j> / tau) over j, and of those over i as well: (1 or 2, r, n).

    Without the j that differ from i by a multiple of `period`. v = None is u itself: the matrix is
    symmetric, and squares above its diagonal give those below.
    """

    @staticmethod
    def forward(
        ctx: Any, u: Tensor, v: Tensor | None, tau: float, period: int | None, columns_too: bool
    ) -> Tensor:
        upper = v is None
        v = u if v is None else v
        (replicas, n, _), m = u.shape, v.shape[1]
        keep = kept(replicas * n * m, u.device) and any(ctx.needs_input_grad)
        ctx.kept = []
        sums = u.new_zeros(2 if columns_too and not upper else 1, replicas, n)
        for r, rows, columns in tiles(replicas, n, m, u.device, upper=upper):
            exps = _exps(u[r, rows], v[r, columns], tau, rows.start - columns.start, period)
            sums[0, r, rows] += exps.sum(-1)
            if columns_too and not (upper and rows == columns):
                sums[-1, r, columns] += exps.sum(-2)
            if keep:
                ctx.kept.append(exps)
        ctx.save_for_backward(u, v)
        ctx.options = tau, period, columns_too, upper
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        u, v = ctx.saved_tensors
        tau, period, columns_too, upper = ctx.options
        (replicas, n, _), m = u.shape, v.shape[1]
        du = torch.zeros_like(u)
        wanted = torch.zeros_like(v) if ctx.needs_input_grad[1] else None
        dv = du if upper else wanted
        for k, (r, rows, columns) in enumerate(tiles(replicas, n, m, u.device, upper=upper)):
            if ctx.kept:
                exps = ctx.kept[k]
            else:
                exps = _exps(u[r, rows], v[r, columns], tau, rows.start - columns.start, period)
            weights = gradient[0, r, rows, None]
            if columns_too:
                weights = weights + gradient[-1, r, None, columns]
            weights = weights * exps
            add_product(du[r, rows], weights, v[r, columns])
            if dv is not None and not (upper and rows == columns):
                add_product(dv[r, columns], weights.mT, u[r, rows])
        return du.div_(tau), None if wanted is None else wanted.div_(tau), None, None, None


def _exps(u: Tensor, v: Tensor, tau: float, offset: int, period: int | None) -> Tensor:
    # Powers of 2 are several times as fast as exp; the scale goes to a small factor.
    exps = torch.bmm(u * (1 / (tau * LOG_2)), v.mT).exp2_()
    return fill_same(exps, 0.0, offset, period)
