"""InfoNCE: which of the candidates is the other view of this sample?"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from causal_ssl.errors import InputError, in_range, one_of
from causal_ssl.objectives import labelled_negatives
from causal_ssl.objectives.bounded import bounded, log_sum_exps_both_ways
from causal_ssl.objectives.groups import (
    Groups,
    Positives,
    above_chance,
    lead_over_members,
    log_own_mass,
)
from causal_ssl.objectives.log_sum_exp import log_sum_exp
from causal_ssl.objectives.logits import cross_entropy
from causal_ssl.objectives.nt_xent import Pair, nt_xent
from causal_ssl.objectives.objective import Objective, Terms
from causal_ssl.objectives.similarities import Similarity, similarity_of

Negatives = Literal["second_view", "both_views", "separate"]


class InfoNCE(Objective):
    """Cross-entropy of picking the other view of a sample among candidates.

    For the views u, v and the similarity phi, the term of anchor u_i is

        log sum_j exp(phi(u_i, v_j) / tau) - phi(u_i, v_i) / tau,

    averaged over the batch, and over directions and pairs of views where there are several. Three
    estimators of the same idea differ in the candidates j, and are named:

    - `negatives="second_view"`: all n second views of the batch, the positive among them
      (the formula of Von Kuegelgen et al. 2021);
    - `negatives="both_views"`: all outputs of both views but the anchor's own, 2n - 1, for 2n
      anchors (NT-Xent, SimCLR's loss). A target network gives all of them, those of the anchor's
      own view too, and its output for the anchor itself is left out;
    - `negatives="separate"`: the positive and the m outputs of a batch of its own (the public code
      of the same paper; MoCo's queue), given in the call as `negatives`, (..., m, d).

    At chance (all candidates equally similar) the loss is the log of the number of candidates; it
    is never below 0. With `subtract_log_candidates` that constant is taken off: 0 at chance,
    comparable over batch sizes, and its negative bounds the mutual information of the views from
    below (van den Oord et al. 2018). Zimmermann et al. 2021, theorem 1, take off the log of the
    number of negatives, which is the same in the limit. Gradients do not change.

    With groups of samples as positives, given in the call as `groups`, (..., n), the right answer
    is any member of the anchor's group among the candidates, the anchor's other view included.
    Separate negatives come with theirs, `negative_groups`, (..., m), and may be right answers too:

    - `positives="group_mass"`: -log of the members' probabilities, summed. Chance is the mean of
      -log of their share of the candidates; with second views the entropy of the batch's groups;
    - `positives="group_mean_log"`: the mean over members of -log of their probabilities:
      supervised contrastive learning's L_out (Khosla et al. 2020, eq. 2) if the candidates are
      those of both views, as there.

    `causal_ssl.objectives.groups` has the formulas side by side.

    Args:
        similarity: a name (`cosine`, `inner`, `neg_squared_l2`, `neg_l<p>`) or a `Similarity`.
        tau: temperature, above 0.
        negatives: where the wrong candidates come from.
        positives: the right answer: `instance`, the sample's other view; `group_mass` or
            `group_mean_log`, the members of its group.
        symmetric: anchors from every view in turn; False: only from the earlier view of each pair.
            With candidates from both views they always are.
        subtract_log_candidates: take off the loss at chance.

    Returns (when called):
        `loss` and `contrastive` (the same tensor), in nats, of shape (...).

    Raises:
        InputError: unknown names, tau not above 0, shapes that do not fit, negatives or groups
            given where they are not used or missing where they are.

    References:
        van den Oord, Li, Vinyals 2018, arXiv 1807.03748, eq. 4; Von Kuegelgen et al. 2021,
        arXiv 2106.04619, eq. 5; Chen et al. 2020, arXiv 2002.05709, eq. 1; Khosla et al. 2020,
        arXiv 2004.11362, eq. 2.

    Examples:
        >>> u = torch.tensor([[0.0], [1.0]])
        >>> InfoNCE("neg_squared_l2")(online=[u, u])["loss"]  # log(1 + exp(-1))
        tensor(0.3133)
        >>> InfoNCE("neg_squared_l2", negatives="both_views")(online=[u, u])["loss"]
        tensor(0.5514)
        >>> by_class = InfoNCE("neg_squared_l2", positives="group_mass")
        >>> by_class(online=[u, u], groups=torch.tensor([7, 7]))["loss"].abs()  # one group is sure
        tensor(0.)
    """

    def __init__(
        self,
        similarity: str | Similarity = "cosine",
        *,
        tau: float = 1.0,
        negatives: Negatives = "second_view",
        positives: Positives = "instance",
        symmetric: bool = False,
        subtract_log_candidates: bool = False,
    ) -> None:
        super().__init__()
        self.similarity = similarity_of(similarity)
        self.tau = in_range("tau", tau, above=0)
        self.negatives = one_of("source of negatives", negatives, get_args(Negatives))
        self.positives = one_of("kind of positives", positives, get_args(Positives))
        self.symmetric = symmetric
        self.subtract_log_candidates = subtract_log_candidates

    @property
    def takes_negatives(self) -> bool:
        return self.negatives == "separate"

    @property
    def takes_groups(self) -> bool:
        return self.positives != "instance"

    def views_used(self, n_views: int) -> tuple[Sequence[int], Sequence[int]]:
        if self.symmetric or self.negatives == "both_views":
            return super().views_used(n_views)
        return range(n_views - 1), range(1, n_views)

    def terms(
        self,
        online: list[Tensor],
        target: list[Tensor],
        negatives: Tensor | None,
        groups: Groups | None,
    ) -> Terms:
        per_pair = [
            self._pair((online[k], online[j]), (target[k], target[j]), negatives, groups)
            for k, j in combinations(range(len(online)), 2)
        ]
        loss = per_pair[0] if len(per_pair) == 1 else torch.stack(per_pair).mean(0)
        if self.subtract_log_candidates:
            m = 0 if negatives is None else negatives.shape[-2]
            loss = self._above_chance(loss, online[0].shape[-2], m, groups)
        return {"loss": loss, "contrastive": loss}

    def _pair(
        self, online: Pair, target: Pair, negatives: Tensor | None, groups: Groups | None
    ) -> Tensor:
        """The mean over the anchors of two views, (...)."""
        similarity, tau = self.similarity, self.tau
        if self.negatives == "both_views":
            options: dict[str, Any] = {"similarity": similarity, "tau": tau}
            return nt_xent(online, target, groups, positives=self.positives, **options).mean(-1)
        if not self.symmetric:
            return self._one_direction(online[0], target[1], negatives, groups).mean(-1)
        same = online[0] is target[0] and online[1] is target[1]
        if same and negatives is None and groups is None and bounded(similarity, tau):
            wrong = log_sum_exps_both_ways(*online, tau=tau)
            return cross_entropy(wrong, similarity.paired(*online), tau).mean((0, -1))
        first = self._one_direction(online[0], target[1], negatives, groups)
        second = self._one_direction(online[1], target[0], negatives, groups)
        return 0.5 * (first + second).mean(-1)

    def _one_direction(
        self, anchors: Tensor, second: Tensor, negatives: Tensor | None, groups: Groups | None
    ) -> Tensor:
        """The loss of every anchor, (..., n)."""
        options: dict[str, Any] = {"similarity": self.similarity, "tau": self.tau}
        if groups is None:
            return self._instance(anchors, second, negatives)
        if negatives is not None:
            everything = (anchors, second, negatives, groups)
            if self.positives == "group_mass":
                return labelled_negatives.mass_loss(*everything, **options)
            lead = labelled_negatives.lead_over_members(*everything, **options)
        elif self.positives == "group_mass":
            return -log_own_mass(anchors, second, groups, **options)
        else:
            lead = lead_over_members(anchors, second, groups, **options)
        return self._instance(anchors, second, negatives) + lead

    def _instance(self, anchors: Tensor, positives: Tensor, negatives: Tensor | None) -> Tensor:
        candidates, period = negatives, None
        if candidates is None:
            candidates, period = positives, positives.shape[-2]
        wrong = log_sum_exp(self.similarity, anchors, candidates, tau=self.tau, period=period)
        return cross_entropy(wrong, self.similarity.paired(anchors, positives), self.tau)

    def _above_chance(self, loss: Tensor, n: int, m: int, groups: Groups | None) -> Tensor:
        sizes = None if groups is None else groups.sizes
        if self.negatives == "second_view":
            return above_chance(loss, n, self.positives, sizes)
        if self.negatives == "both_views":
            right = None if sizes is None else 2 * sizes - 1
            return above_chance(loss, 2 * n - 1, self.positives, right)
        right = None if groups is None else 1 + groups.negative_sizes
        return above_chance(loss, 1 + m, self.positives, right)

    def _check_negatives(self, anchors: Tensor, negatives: Tensor | None) -> None:
        if (negatives is not None) != self.takes_negatives:
            raise InputError(
                f"negatives={self.negatives!r}, but the call came "
                f"{'without' if negatives is None else 'with'} a batch of negatives: "
                "negatives='separate' needs one, the others take none"
            )
        if negatives is None:
            return
        shape, wanted = tuple(negatives.shape), tuple(anchors.shape)
        if len(shape) != len(wanted) or shape[:-2] != wanted[:-2] or shape[-1] != wanted[-1]:
            raise InputError(
                f"negatives have shape {shape}, the views {wanted}: they may differ in the number "
                "of samples (last but one) alone"
            )
