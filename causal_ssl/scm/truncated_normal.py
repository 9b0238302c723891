"""Truncated normal mechanisms: the inverse CDF of uniform noise."""

import torch
from torch import Tensor
from torch.special import log_ndtr, ndtri

from causal_ssl.errors import InputError


def truncated_normal(
    uniform: Tensor,
    loc: Tensor | float = 0.0,
    scale: Tensor | float = 1.0,
    low: Tensor | float = -torch.inf,
    high: Tensor | float = torch.inf,
) -> Tensor:
    """The point of Normal(loc, scale) truncated to [low, high] below which `uniform` of it lies.

    A mechanism for structural causal models, as Pyro has no truncated normal: noise U(0, 1) in,
    value out, increasing in the noise. Computed in float64 through logarithms of both tails, so
    that bounds many standard deviations out keep their shape; the result is finite and within the
    bounds in the precision of `uniform`. Not differentiable.

    Args:
        uniform: noise (...) in [0, 1].
        loc: mean of the untruncated normal, broadcast against `uniform`, as are the others.
        scale: its standard deviation, > 0.
        low: lower bound.
        high: upper bound, > low.

    Raises:
        InputError: scale <= 0, low >= high, or NaN among them.

    Examples:
        >>> truncated_normal(torch.tensor([0.1, 0.5, 0.9]), low=-1.0, high=1.0)
        tensor([-0.7490,  0.0000,  0.7490])
        >>> truncated_normal(torch.tensor(0.5), low=20.0)  # far out: low + log(2) / low
        tensor(20.0345)
    """
    given = {"loc": loc, "scale": scale, "low": low, "high": high}
    mean, deviation, lower, upper = (
        torch.as_tensor(value, dtype=torch.float64, device=uniform.device)
        for value in given.values()
    )
    _check(mean, deviation, lower, upper)
    with torch.no_grad():
        # 0 and 1 stand for "less than the smallest step of the noise" and its mirror image.
        half_step = torch.finfo(uniform.dtype).eps / 4
        u = uniform.double().clamp(half_step, 1 - half_step)
        a, b = (lower - mean) / deviation, (upper - mean) / deviation
        below = torch.logaddexp(log_ndtr(a) + (-u).log1p(), log_ndtr(b) + u.log())
        above = torch.logaddexp(log_ndtr(-b) + u.log(), log_ndtr(-a) + (-u).log1p())
        quantile = torch.where(below < above, _log_ndtri(below), -_log_ndtri(above))
        value = mean + deviation * quantile
        value = torch.minimum(torch.maximum(value, lower), upper).to(uniform.dtype)
        value = torch.maximum(value, _rounded_towards(torch.inf, lower, value.dtype))
        return torch.minimum(value, _rounded_towards(-torch.inf, upper, value.dtype))


def _log_ndtri(log_p: Tensor) -> Tensor:
    """The z with log Phi(z) = log_p, for log_p <= log(1/2), float64, however small Phi(z) is."""
    log_p = log_p.clamp_max(-0.6)
    z = ndtri(log_p.clamp_min(-300.0).exp())
    far = log_p < -300.0
    if far.any():
        target = log_p[far]
        tail = -(-2 * target).sqrt()
        # Newton on log Phi, which is concave and almost quadratic out there: from the left side
        # the steps never overshoot and four reach float64.
        for _ in range(5):
            value = log_ndtr(tail)
            slope = (-0.5 * tail.square() - 0.9189385332046727 - value).exp()
            tail = tail - (value - target) / slope
        z = z.index_put((far,), tail)
    return z


def _rounded_towards(side: float, bound: Tensor, dtype: torch.dtype) -> Tensor:
    """A float64 bound in another precision, never rounded away from `side`."""
    rounded = bound.to(dtype)
    wrong = rounded.double() < bound if side > 0 else rounded.double() > bound
    return torch.where(wrong, rounded.nextafter(torch.full_like(rounded, side)), rounded)


def _check(mean: Tensor, deviation: Tensor, lower: Tensor, upper: Tensor) -> None:
    if mean.isnan().any():
        raise InputError("truncated_normal with loc = NaN: expected numbers")
    if not (deviation > 0).all():
        raise InputError(f"truncated_normal with scale = {float(deviation.min()):g}: expected > 0")
    if not (lower < upper).all():
        where = int((~(lower < upper)).flatten().long().argmax())
        lowest, highest = (
            float(t.expand(torch.broadcast_shapes(lower.shape, upper.shape)).flatten()[where])
            for t in (lower, upper)
        )
        raise InputError(f"truncated_normal on [{lowest:g}, {highest:g}]: expected low < high")
