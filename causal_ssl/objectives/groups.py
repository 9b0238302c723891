"""Positives that are groups: samples of one object, patient or class count as the same answer.

The contrast set is the other view, all n samples of it, the anchor's own among them. With q(j | i)
the softmax over it, and G(i) the members of sample i's group, i included:

| positives        | contrastive term of sample i    | Y^R        | at chance                      |
|------------------|---------------------------------|------------|--------------------------------|
| `instance`       | -log q(i | i)                   | the sample | log n                          |
| `group_mass`     | -log sum_{j in G(i)} q(j | i)   | the group  | entropy of the batch's groups  |
| `group_mean_log` | -mean_{j in G(i)} log q(j | i)  | the sample | log n                          |

`group_mass` is a softmax over groups, whose logits are the log-sum-exp of their members'. It does
not ask how the members share the mass; `group_mean_log` wants equal shares: by Jensen's inequality
it is at least `group_mass` + log |G(i)|, and no more iff the shares are equal. In groups of one all
three are the same.

With `InfoNCE`'s other contrast sets the formulas stay: j runs over the 2n - 1 other outputs of both
views, or over the own second view and separate negatives that come with labels, and G(i) over those
of the same group.
"""

from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from causal_ssl.objectives.chunks import by_row_chunks
from causal_ssl.objectives.similarities import (
    Similarity,
    as_inner,
    candidates_first,
    numbers_per_logit,
)

Positives = Literal["instance", "group_mass", "group_mean_log"]


@dataclass(frozen=True, eq=False)
class Groups:
    """Which group each sample of a batch belongs to.

    Logits come with candidates before anchors here, (..., n, rows): a sum over a group's members is
    then a sum of whole rows, several times faster than one along them.

    Attributes:
        index: (..., n), each replica's groups counted from 0 in the order of their labels.
        count: K, at least the number of groups of any replica; those beyond are empty.
        labels: (..., n), the labels as they came; None if the groups came without.
        negative_labels: (..., m), those of the negatives, where a call brings them.

    Examples:
        >>> groups = Groups.of(torch.tensor([30, -1, 30]))
        >>> groups.index.tolist(), groups.count, groups.sizes.tolist()
        ([1, 0, 1], 2, [2, 1, 2])
    """

    index: Tensor
    count: int
    labels: Tensor | None = None
    negative_labels: Tensor | None = None

    @classmethod
    def of(cls, labels: Tensor, negative_labels: Tensor | None = None) -> "Groups":
        """The groups of integer labels (..., n), whatever the integers."""
        ordered, order = labels.sort(dim=-1)
        ranks = F.pad((ordered[..., 1:] != ordered[..., :-1]).cumsum(-1), (1, 0))
        index = torch.empty_like(ranks).scatter_(-1, order, ranks)
        # On a GPU the largest rank would be waited for, and could not shape a CUDA graph: there
        # are as many groups as there can be.
        count = labels.shape[-1] if labels.is_cuda else int(index.max()) + 1
        return cls(index, count, labels, negative_labels)

    def twice(self) -> "Groups":
        """Those of 2n outputs, two views one after the other."""
        return Groups(torch.cat([self.index, self.index], -1), self.count)

    @cached_property
    def sizes(self) -> Tensor:
        """Members of each sample's group, (..., n)."""
        members = self.index.new_zeros(*self.index.shape[:-1], self.count)
        members.scatter_add_(-1, self.index, torch.ones_like(self.index))
        return members.gather(-1, self.index)

    @cached_property
    def negative_sizes(self) -> Tensor:
        """Negatives in each sample's group, (..., n)."""
        assert self.labels is not None
        assert self.negative_labels is not None
        ordered, labels = self.negative_labels.sort(dim=-1).values, self.labels.contiguous()
        upto = torch.searchsorted(ordered, labels, right=True)
        return upto - torch.searchsorted(ordered, labels)

    def has_negatives(self, rows: slice) -> Tensor:
        """Which negatives are in each sample's group, of the samples `rows`: (..., rows, m)."""
        assert self.labels is not None
        assert self.negative_labels is not None
        return self.labels[..., rows, None] == self.negative_labels[..., None, :]

    def sums(self, values: Tensor) -> Tensor:
        """Sums over the members of each group: (..., n, rows) to (..., K, rows)."""
        return (
            self._per_group(values, 0.0)
            .index_add(0, self._rows, values.flatten(0, -2))
            .view(*self.index.shape[:-1], self.count, -1)
        )

    def log_sum_exps(self, logits: Tensor) -> Tensor:
        """Log-sum-exps over the members of each group: (..., n, rows) to (..., K, rows).

        Each from its group's own largest logit, so that no group underflows; -inf if it is empty.
        """
        flat, where = logits.flatten(0, -2), self._rows
        with torch.no_grad():
            top = self._per_group(flat, -torch.inf)
            top.scatter_reduce_(0, where[:, None].expand_as(flat), flat, "amax")
        sums = self.sums((flat - top.index_select(0, where)).exp().view_as(logits))
        # Log 0 of an empty group would have no gradient; others have at least the 1 of their top.
        return top.view_as(sums) + sums.masked_fill(sums == 0, 1.0).log()

    def own(self, values: Tensor, start: int) -> Tensor:
        """Of each anchor's own group: (..., K, rows) to (..., rows), anchors from `start` on."""
        own = self.index[..., None, start : start + values.shape[-1]]
        return values.gather(-2, own).squeeze(-2)

    @cached_property
    def _rows(self) -> Tensor:
        """Row of each sample's group where replicas follow one another, (samples of all,)."""
        groups = self.index.view(-1, self.index.shape[-1])
        first = self.count * torch.arange(len(groups), device=groups.device)
        return (groups + first[:, None]).flatten()

    def _per_group(self, like: Tensor, value: float) -> Tensor:
        replicas = self.index.shape[:-1].numel()
        return like.new_full((replicas * self.count, like.shape[-1]), value)


def above_chance(
    loss: Tensor, candidates: int, positives: Positives, right: Tensor | None
) -> Tensor:
    """A contrastive loss less what it is where all candidates are equally similar.

    Args:
        loss: (...).
        candidates: how many each anchor has.
        positives: the kind.
        right: how many of them are right answers, (..., n); None where it is one.
    """
    if right is not None and positives == "group_mass":
        return loss + (right.double() / candidates).log().mean(-1).to(loss)
    return loss - log(candidates)


def group_log_proxy(
    anchors: Tensor,
    candidates: Tensor,
    groups: Groups,
    *,
    similarity: Similarity,
    tau: float,
    without: int | None = None,
) -> Tensor:
    """Log-probabilities of the groups, for some anchors: log sum_{j in g} q(j | i).

    Args:
        anchors: (..., rows, d).
        candidates: (..., n, d).
        groups: of the candidates.
        similarity: phi.
        tau: temperature.
        without: which candidate the first anchor is itself, the next one the second, ...: these
            are left out; None: none is.

    Returns:
        (..., K, rows).
    """
    logits = candidates_first(similarity, anchors, candidates) / tau
    if without is not None:
        logits.diagonal(offset=-without, dim1=-2, dim2=-1).fill_(-torch.inf)
    return groups.log_sum_exps(logits).log_softmax(-2)


def log_own_mass(
    u: Tensor,
    v: Tensor,
    groups: Groups,
    *,
    similarity: Similarity,
    tau: float,
    others: bool = False,
) -> Tensor:
    """log sum_{j in G(i)} q(j | i) of every anchor, in nats: (..., n, d) twice to (..., n).

    Args:
        u: anchors.
        v: candidates.
        groups: of both.
        similarity: phi.
        tau: temperature.
        others: leave candidate i out for anchor i.

    Examples:
        >>> from causal_ssl.objectives.similarities import Inner
        >>> groups = Groups.of(torch.tensor([0, 0, 0, 1]))
        >>> u = v = torch.zeros(4, 2)
        >>> log_own_mass(u, v, groups, similarity=Inner(), tau=1.0).exp()
        tensor([0.7500, 0.7500, 0.7500, 0.2500])
    """
    similarity, u, v = as_inner(similarity, u, v)

    def rows(start: int, u: Tensor, v: Tensor) -> Tensor:
        without = start if others else None
        log_proxy = group_log_proxy(u, v, groups, similarity=similarity, tau=tau, without=without)
        return groups.own(log_proxy, start)

    return by_row_chunks(rows, [u], [v], per_logit=numbers_per_logit(similarity, u))


def mean_over_members(
    u: Tensor, v: Tensor, groups: Groups, *, similarity: Similarity, others: bool = False
) -> Tensor:
    """mean_{j in G(i)} phi(u_i, v_j): (..., n, d) twice to (..., n); arguments as above."""
    similarity, u, v = as_inner(similarity, u, v)

    def rows(start: int, u: Tensor, v: Tensor) -> Tensor:
        alike = candidates_first(similarity, u, v)
        if others:
            itself = {"offset": -start, "dim1": -2, "dim2": -1}
            alike = alike.diagonal_scatter(torch.zeros_like(alike.diagonal(**itself)), **itself)
        return groups.own(groups.sums(alike), start)

    sums = by_row_chunks(rows, [u], [v], per_logit=numbers_per_logit(similarity, u))
    return sums / (groups.sizes - int(others))


def lead_over_members(
    u: Tensor, v: Tensor, groups: Groups, *, similarity: Similarity, tau: float
) -> Tensor:
    """How much more alike the own candidate is than the group's members are on average.

        phi(u_i, v_i) / tau - mean_{j in G(i)} phi(u_i, v_j) / tau,

    which turns -log q(i | i) into the mean over members of -log q(j | i).

    Returns:
        (..., n), from (..., n, d) twice.
    """
    mean = mean_over_members(u, v, groups, similarity=similarity)
    return (similarity.paired(u, v) - mean) / tau
