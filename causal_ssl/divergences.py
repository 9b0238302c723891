"""Divergences between discrete distributions, from their log-probabilities.

Every function takes log p and log q of shape (..., k), normalised over the last axis, and returns
the divergence in shape (...), in nats where it has a unit. Probabilities may be exactly 0
(log-probability -inf): 0 log 0 = 0. Two distributions are equal iff any of these is 0.

| name         | value                                   | range        | symmetric |
|--------------|-----------------------------------------|--------------|-----------|
| `kl`         | sum p (log p - log q)                   | [0, inf]     | no        |
| `js`         | KL(p, m) / 2 + KL(q, m) / 2, m = (p+q)/2| [0, log 2]   | yes       |
| `hellinger2` | 1 - sum sqrt(p q)                       | [0, 1]       | yes       |
| `tv`         | sum |p - q| / 2                         | [0, 1]       | yes       |
| `chi2`       | sum (p - q)^2 / q                       | [0, inf]     | no        |
| `l2`         | sum (p - q)^2, the square, no root      | [0, 2]       | yes       |

They are ordered: hellinger2 <= tv <= sqrt(2 hellinger2); tv <= sqrt(kl / 2) (Pinsker);
js <= tv log 2; kl <= log(1 + chi2).

All but `l2` are f-divergences (`F_DIVERGENCES`): a channel applied to both distributions, such as
merging points, never raises them (data processing inequality). `l2` can rise.
"""

from collections.abc import Callable, Mapping
from math import log

import torch
from torch import Tensor

from causal_ssl.errors import unknown_name

Divergence = Callable[[Tensor, Tensor], Tensor]


def kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Kullback-Leibler divergence KL(p || q) in nats, in [0, inf].

    Args:
        log_p: log-probabilities, (..., k).
        log_q: log-probabilities, (..., k).

    Returns:
        (...); inf where p puts mass on a point that q excludes.

    Examples:
        >>> p, q = torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75])
        >>> round(kl(p.log(), q.log()).item(), 4)
        0.1438
    """
    p = log_p.exp()
    # Where p = 0 the difference may be inf - inf: replaced before the product, so that the gradient
    # is 0 there too and not 0 * inf.
    difference = (log_p - log_q).masked_fill(p == 0, 0.0)
    return (p * difference).sum(-1)


def js(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Jensen-Shannon divergence in nats, in [0, log 2]; symmetric and always finite.

    Examples:
        >>> p, q = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
        >>> round(js(p.log(), q.log()).item(), 4)
        0.6931
    """
    # logaddexp has no gradient where both are -inf; kl does not look at the mixture there.
    nowhere = log_p.isneginf() & log_q.isneginf()
    masked = (each.masked_fill(nowhere, 0.0) for each in (log_p, log_q))
    log_mixture = torch.logaddexp(*masked) - log(2)
    return 0.5 * (kl(log_p, log_mixture) + kl(log_q, log_mixture))


def hellinger2(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Squared Hellinger distance 1 - sum sqrt(p q), in [0, 1]; symmetric.

    Examples:
        >>> p, q = torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75])
        >>> round(hellinger2(p.log(), q.log()).item(), 4)
        0.0341
    """
    # Half the sum of squared differences of roots: no cancellation near p = q, and never negative.
    return 0.5 * ((0.5 * log_p).exp() - (0.5 * log_q).exp()).square().sum(-1)


def tv(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Total variation distance, half the L1 distance, in [0, 1]; symmetric.

    Examples:
        >>> p, q = torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75])
        >>> tv(p.log(), q.log()).item()
        0.25
    """
    return 0.5 * (log_p.exp() - log_q.exp()).abs().sum(-1)


def chi2(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Chi-square divergence sum (p - q)^2 / q, in [0, inf].

    Returns:
        (...); inf where p puts mass on a point that q excludes; a point that both exclude adds 0.

    Examples:
        >>> p, q = torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75])
        >>> round(chi2(p.log(), q.log()).item(), 4)
        0.3333
    """
    nowhere = log_p.isneginf() & log_q.isneginf()
    difference = (log_p - log_q).masked_fill(nowhere, 0.0)
    # As (p - q) (p / q - 1), so that q = 0 gives p * inf rather than 0 * inf.
    return ((log_p.exp() - log_q.exp()) * difference.expm1()).sum(-1)


def l2(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Squared Euclidean distance between the probabilities, in [0, 2]; symmetric.

    Examples:
        >>> p, q = torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75])
        >>> l2(p.log(), q.log()).item()
        0.125
    """
    return (log_p.exp() - log_q.exp()).square().sum(-1)


DIVERGENCES: Mapping[str, Divergence] = {
    "kl": kl,
    "js": js,
    "hellinger2": hellinger2,
    "tv": tv,
    "chi2": chi2,
    "l2": l2,
}

F_DIVERGENCES: Mapping[str, Divergence] = {
    name: DIVERGENCES[name] for name in ("kl", "js", "tv", "hellinger2", "chi2")
}
"""Those that obey the data processing inequality."""


def get(name: str) -> Divergence:
    """The divergence of that name.

    Raises:
        InputError: unknown name; the message has the nearest known one.

    Examples:
        >>> get("tv") is tv
        True
    """
    if name not in DIVERGENCES:
        raise unknown_name("divergence", name, DIVERGENCES)
    return DIVERGENCES[name]
