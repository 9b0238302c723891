"""Positives among separate negatives: a queue of past outputs that holds their labels too."""

import torch
from torch import Tensor
from torch.nn import functional as F

from causal_ssl.objectives.chunks import by_row_chunks
from causal_ssl.objectives.groups import Groups
from causal_ssl.objectives.similarities import Similarity, as_inner, numbers_per_logit


def mass_loss(
    anchors: Tensor,
    positives: Tensor,
    negatives: Tensor,
    groups: Groups,
    *,
    similarity: Similarity,
    tau: float,
) -> Tensor:
    """-log of the probability of the own positive and of the negatives in the own group.

    Args:
        anchors: (..., n, d).
        positives: (..., n, d), one candidate of each anchor.
        negatives: (..., m, d), candidates of all.
        groups: of the samples, with those of the negatives.
        similarity: phi.
        tau: temperature.

    Returns:
        (..., n), in nats.
    """
    right = similarity.paired(anchors, positives)[..., None] / tau
    inner, anchors, negatives = as_inner(similarity, anchors, negatives)

    def rows(start: int, anchors: Tensor, right: Tensor, negatives: Tensor) -> Tensor:
        logits = inner.pairwise(anchors, negatives) / tau
        members = groups.has_negatives(slice(start, start + anchors.shape[-2]))
        inside = torch.cat([right, logits.masked_fill(~members, -torch.inf)], -1).logsumexp(-1)
        outside = logits.masked_fill(members, -torch.inf).logsumexp(-1)
        return F.softplus(outside - inside, threshold=40)

    per_logit = numbers_per_logit(inner, anchors)
    return by_row_chunks(rows, [anchors, right], [negatives], per_logit=per_logit)


def lead_over_members(
    anchors: Tensor,
    positives: Tensor,
    negatives: Tensor,
    groups: Groups,
    *,
    similarity: Similarity,
    tau: float,
) -> Tensor:
    """How much more alike the own positive is than it and the group's negatives on average.

    Arguments and result as above; in units of the logits.
    """
    right = similarity.paired(anchors, positives)
    inner, anchors, negatives = as_inner(similarity, anchors, negatives)

    def rows(start: int, anchors: Tensor, negatives: Tensor) -> Tensor:
        members = groups.has_negatives(slice(start, start + anchors.shape[-2]))
        return (inner.pairwise(anchors, negatives) * members).sum(-1)

    per_logit = numbers_per_logit(inner, anchors)
    sums = by_row_chunks(rows, [anchors], [negatives], per_logit=per_logit)
    return (right - (right + sums) / (1 + groups.negative_sizes)) / tau
