"""NT-Xent: the views of a batch are candidates for each other, all but the anchor itself."""

import torch
from torch import Tensor

from causal_ssl.objectives.bounded import bounded, log_sum_exp_among
from causal_ssl.objectives.groups import Groups, Positives, log_own_mass, mean_over_members
from causal_ssl.objectives.log_sum_exp import log_sum_exp
from causal_ssl.objectives.logits import cross_entropy
from causal_ssl.objectives.similarities import Similarity

Pair = tuple[Tensor, Tensor]


def nt_xent(
    online: Pair,
    target: Pair,
    groups: Groups | None = None,
    *,
    similarity: Similarity,
    tau: float,
    positives: Positives = "instance",
) -> Tensor:
    """The loss of every anchor, in nats.

    Args:
        online: anchors, two views (..., n, d).
        target: candidates, the same two views; the online outputs themselves where h = f. The
            target's output of an anchor's own view is left out as the anchor itself is: 2n - 1
            candidates in either case.
        groups: of the samples, iff they are the positives.
        similarity: phi.
        tau: temperature.
        positives: `instance`, the other view; with `group_mass` and `group_mean_log` all outputs
            of the group's members in both views, but the anchor itself.

    Returns:
        (..., 2n), anchors of the first view and then of the second.

    References:
        Chen et al. 2020, arXiv 2002.05709, eq. 1; Khosla et al. 2020, arXiv 2004.11362, eq. 2.
    """
    anchors, candidates = torch.cat(online, -2), torch.cat(target, -2)
    if groups is not None and positives == "group_mass":
        both = groups.twice()
        return -log_own_mass(anchors, candidates, both, similarity=similarity, tau=tau, others=True)
    n = online[0].shape[-2]
    if online[0] is target[0] and online[1] is target[1] and bounded(similarity, tau):
        wrong = log_sum_exp_among(anchors, tau=tau, period=n)
    else:
        wrong = log_sum_exp(similarity, anchors, candidates, tau=tau, period=n)
    right = similarity.paired(anchors, torch.cat([target[1], target[0]], -2))
    loss = cross_entropy(wrong, right, tau)
    if groups is None:
        return loss
    mean = mean_over_members(
        anchors, candidates, groups.twice(), similarity=similarity, others=True
    )
    return loss + (right - mean) / tau
