"""Invariance of the proxy, unit by unit: the notion that ReLIC's penalty uses.

    proxy_gap_matrix([f(x_a), f(x_b)], bank).table()        # for the representation ...
    proxy_gap_matrix([g(f(x_a)), g(f(x_b))], g_bank)        # ... and for what the objective sees

For one and the same x under two interventions it compares two distributions over a bank of
instances, p^do(a)(Y^R = j | f(x)) proportional to exp(phi(f(x^a), bank_j) / tau). It is another
notion than I(Y; E | f(X)): no probe is fitted, and nothing is averaged over the x that share a
value of f. Two traps:

- Style must vary within the bank. With one style throughout, and an inner product or a squared
  distance, the style of f = (c, s) adds the same number to every logit of a row, and the gap is 0.
- A critic may drop the style that f keeps: a gap of 0 for g(f) says nothing about f.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from causal_ssl import divergences
from causal_ssl.analysis._inputs import finite_matrix
from causal_ssl.analysis._invariance_errors import normal_quantile
from causal_ssl.analysis.probes import Floats
from causal_ssl.errors import InputError, in_range
from causal_ssl.objectives.similarities import NegLp, Similarity, similarity_of
from causal_ssl.partitions import Partition

BLOCK_BYTES = 2**25
"""Of the float64 logits (or differences, for an L_p similarity) held at a time."""


@dataclass(frozen=True, eq=False)
class ProxyGaps:
    """Mean divergence of the proxy's predictions between interventions on the same units.

    Attributes:
        gaps: (k, k), at [i, j] the mean over units of D(p^do(a_i) || p^do(a_j)); 0 on the diagonal.
        standard_errors: (k, k), of these means over units.
        interventions: the k names.
        divergence: the name of D; KL and JS are in nats.
    """

    gaps: Floats
    standard_errors: Floats
    interventions: tuple[Any, ...]
    divergence: str

    def table(self, *, level: float = 0.95) -> pd.DataFrame:
        """Columns metric (`proxy_gap`), environment (a_i), against (a_j), value, low, high.

        A row each ordered pair; low and high are the normal interval, low at least 0.

        Raises:
            InputError: a level outside (0, 1).
        """
        reach = normal_quantile(level) * self.standard_errors
        rows = [
            {
                "metric": "proxy_gap",
                "environment": self.interventions[i],
                "against": self.interventions[j],
                "value": self.gaps[i, j],
                "low": max(self.gaps[i, j] - reach[i, j], 0.0),
                "high": self.gaps[i, j] + reach[i, j],
            }
            for i, j in permutations(range(len(self.interventions)), 2)
        ]
        return pd.DataFrame(rows)


def proxy_gap_matrix(
    anchors: Sequence[ArrayLike | Tensor],
    bank: ArrayLike | Tensor,
    *,
    similarity: str | Similarity = "cosine",
    tau: float = 1.0,
    divergence: str = "kl",
    groups: Any = None,
    interventions: Sequence[Any] | None = None,
) -> ProxyGaps:
    """How much the proxy's prediction for a unit changes from one intervention to another.

    Args:
        anchors: k arrays (n, d): outputs of f (or of g(f)) for the same n units in the same order,
            one array an intervention.
        bank: (m, d), outputs that the anchors are compared with. Its members should carry
            interventions drawn independently for each.
        similarity: as in `objectives.similarities`.
        tau: temperature, above 0.
        divergence: as in `divergences`: kl, js, tv, ...
        groups: (m,), a label each bank member: the proxy is the group, its probability the sum over
            members. None: instance discrimination.
        interventions: k names; None: 0..k-1.

    Returns:
        `ProxyGaps`. Memory is that of some rows of the (n, m) logits for each intervention.

    Raises:
        InputError: NaN, anchors of different shapes, a bank of another width, fewer than two units,
            names or groups of the wrong number, tau not above 0, unknown names.

    Mitrovic et al. 2021 (arXiv:2010.07922), eq. 3.

    Examples:
        >>> import numpy as np
        >>> random = np.random.default_rng(0)
        >>> c, s = random.normal(size=(2, 100, 3))
        >>> anchors = [np.concatenate([c, 0 * c + shift], axis=1) for shift in (-1.0, 1.0)]
        >>> varied = np.concatenate([c, s], axis=1)
        >>> bool(proxy_gap_matrix(anchors, varied, similarity="inner").gaps[0, 1] > 1)
        True
        >>> one_style = np.concatenate([c, 0 * c + 0.5], axis=1)  # the trap
        >>> round(float(proxy_gap_matrix(anchors, one_style, similarity="inner").gaps[0, 1]), 6)
        0.0
    """
    outputs, members = _checked(anchors, bank)
    names = tuple(range(len(outputs))) if interventions is None else tuple(interventions)
    if len(names) != len(outputs):
        raise InputError(
            f"{len(names)} interventions are named and {len(outputs)} given: name each"
        )
    kind, measure = similarity_of(similarity), divergences.get(divergence)
    in_range("tau", tau, above=0)
    group = None if groups is None else _groups(groups, len(members))
    pointwise = torch.zeros(len(outputs), len(outputs), outputs.shape[1], dtype=torch.float64)
    step = _rows_at_a_time(len(outputs), members, kind)
    for start in range(0, outputs.shape[1], step):
        rows = slice(start, start + step)
        log_p = (kind.pairwise(outputs[:, rows], members) / tau).log_softmax(-1)
        if group is not None:
            log_p = _summed(log_p, group)
        for i, j in permutations(range(len(outputs)), 2):
            # Rounding can leave the divergence of two equals just below 0.
            pointwise[i, j, rows] = measure(log_p[i], log_p[j]).clamp(min=0)
    errors = pointwise.std(-1) / outputs.shape[1] ** 0.5
    return ProxyGaps(pointwise.mean(-1).numpy(), errors.numpy(), names, divergence)


def _checked(anchors: Sequence[Any], bank: Any) -> tuple[Tensor, Tensor]:
    """Anchors (k, n, d) and bank (m, d) in float64 on one device."""
    if len(anchors) < 2:
        raise InputError(
            f"{len(anchors)} anchors are given: pass one array for each of two or more"
        )
    members = finite_matrix("bank", bank)
    outputs = [finite_matrix(f"anchors[{k}]", each) for k, each in enumerate(anchors)]
    for k, each in enumerate(outputs):
        if each.shape != outputs[0].shape:
            raise InputError(
                f"anchors[{k}] has shape {tuple(each.shape)} and anchors[0] "
                f"{tuple(outputs[0].shape)}: pass the same units under each intervention"
            )
    n, width = outputs[0].shape
    if members.shape[1] != width:
        raise InputError(
            f"the bank has {members.shape[1]} columns and the anchors {width}: pass outputs of the "
            "same network"
        )
    if n < 2:
        raise InputError(f"the anchors are {n} unit: pass two or more")
    return torch.stack(outputs).to(members.device), members


def _groups(labels: Any, m: int) -> Tensor:
    groups = Partition(labels)
    if groups.n != m:
        raise InputError(f"groups has {groups.n} labels for {m} bank members: give one a member")
    return torch.from_numpy(groups.labels.copy())


def _summed(log_p: Tensor, group: Tensor) -> Tensor:
    """Log-probabilities (..., m) of members to those of their groups (..., n_groups)."""
    shape = (*log_p.shape[:-1], int(group.max()) + 1)
    index = group.to(log_p.device).expand(log_p.shape)
    # Relative to the group's largest, so that a group of tiny probability does not become 0.
    largest = log_p.new_full(shape, -torch.inf).scatter_reduce(-1, index, log_p, "amax")
    relative = (log_p - largest.gather(-1, index)).exp()
    return log_p.new_zeros(shape).scatter_add(-1, index, relative).log() + largest


def _rows_at_a_time(k: int, members: Tensor, kind: Similarity) -> int:
    per_logit = members.shape[1] if isinstance(kind, NegLp) else 1
    return max(1, BLOCK_BYTES // (8 * k * len(members) * per_logit))
