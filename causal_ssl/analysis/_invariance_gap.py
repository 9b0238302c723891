"""From held-out predictions to the gap I(Y; E | f), its bracket and its interval.

With true conditionals p_e(y | f), weights w_e = p(e | f) and fitted q_e, write the gap as
F(q) = E_f sum_e w_e KL(q_e || sum_e w_e q_e): a convex function of q, and F(p) = I(Y; E | f).

- `plug_in` is F(q). By Jensen E F(q) >= F(E q): the noise of the fits biases it up.
- `held_out` averages log q_e - log sum_e w_e q_e over held-out (f, e, y). Its mean is the tangent
  of F at q, read at p: F(q) + <F'(q), p - q> <= F(p). It is biased down, near p by as much.

So the two bracket F(p) if the probes are right on average, and `held_out` stays below it whatever
the probes. Wrong weights lift `held_out` by at most E KL(p(e | f) || q(e | f)). Smoothing and
penalties pull the q_e together and lower `plug_in`.

Errors of first order: of both it is the error of the mean of log p_e - log p over the samples, to
`plug_in` it comes by way of the fits. Given f that log ratio averages to the pointwise gap, so its
variance is the larger of the two; where probes are wrong it need not be, and the larger is taken.
"""

from dataclasses import dataclass
from math import log

import numpy as np
from scipy.stats import entropy

from causal_ssl.analysis._invariance_errors import mean_and_error, normal_quantile
from causal_ssl.analysis._invariance_fit import CrossFit
from causal_ssl.analysis.probes import Floats


@dataclass(frozen=True)
class Gap:
    """An estimate of I(Y; E | f(X)) in nats, relative to a probe class.

    Attributes:
        plug_in: I(Y; E | f) under the fitted model, in [0, limit]; biased up. That of a coarser
            task whose predictions are sums of these is never larger.
        held_out: mean of log q(y | f, e) - log q(y | f), at most `limit` on average; biased down,
            negative where the probes of single environments predict worse than their mixture.
        standard_error: of their means over samples, the larger one, clustered by unit.
        low, high: the interval from the smaller of the two less z standard errors to the larger
            plus z, within [0, limit].
        limit: min(log of the number of classes, H(E)), which no gap exceeds.
    """

    plug_in: float
    held_out: float
    standard_error: float
    low: float
    high: float
    limit: float


def gap_of(fitted: CrossFit, level: float) -> Gap:
    """The gap of a task, with an interval of that level."""
    plug_in, plug_in_error = mean_and_error(pointwise_plug_in(fitted), fitted.unit)
    held_out, held_out_error = mean_and_error(pointwise_held_out(fitted), fitted.unit)
    error = max(plug_in_error, held_out_error)
    limit = min(log(len(fitted.classes)), float(entropy(np.bincount(fitted.environment))))
    reach = normal_quantile(level) * error
    ends = [min(plug_in, held_out) - reach, max(plug_in, held_out) + reach]
    low, high = np.clip(ends, 0.0, limit).tolist()
    return Gap(plug_in, held_out, error, low, high, limit)


def pointwise_plug_in(fitted: CrossFit) -> Floats:
    """(n,), sum_e q(e | f) KL(q(. | f, e) || q(. | f)) at each sample; at least 0.

    Of a coarsened fit it is nowhere larger (data processing), up to rounding.
    """
    if _nothing_to_tell(fitted):
        return np.zeros(len(fitted.labels))
    ratio = np.log(fitted.within / fitted.pooled[:, None])
    divergences = (fitted.within * ratio).sum(axis=2)
    return np.maximum((fitted.posterior * divergences).sum(axis=1), 0.0)


def pointwise_held_out(fitted: CrossFit) -> Floats:
    """(n,), log q(y | f, e) - log q(y | f) at each sample."""
    if _nothing_to_tell(fitted):
        return np.zeros(len(fitted.labels))
    rows = np.arange(len(fitted.labels))
    return np.log(fitted.own[rows, fitted.labels] / fitted.pooled[rows, fitted.labels])


def _nothing_to_tell(fitted: CrossFit) -> bool:
    """One class or one environment: the gap is 0, and not what rounding makes of it."""
    return len(fitted.classes) == 1 or len(fitted.environments) == 1
