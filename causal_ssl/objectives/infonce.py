"""InfoNCE: which of the candidates is the other view of this sample?"""

from itertools import combinations, permutations
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from causal_ssl.errors import InputError, in_range, one_of
from causal_ssl.objectives.groups import (
    Groups,
    Positives,
    above_chance,
    lead_over_members,
    log_own_mass,
)
from causal_ssl.objectives.log_sum_exp import log_sum_exp
from causal_ssl.objectives.objective import Objective, Terms
from causal_ssl.objectives.similarities import Similarity, similarity_of


class InfoNCE(Objective):
    """Cross-entropy of picking the other view of a sample among candidates.

    For the views u, v and the similarity phi, the term of anchor u_i is

        log sum_j exp(phi(u_i, v_j) / tau) - phi(u_i, v_i) / tau,

    averaged over the batch, and over directions and pairs of views where there are several. Two
    estimators of the same idea differ in the candidates j, and are named:

    - `negatives="second_view"`: all n second views of the batch, the positive among them
      (the formula of Von Kuegelgen et al. 2021);
    - `negatives="separate"`: the positive and the m outputs of a batch of its own (the public code
      of the same paper), given in the call as `negatives`, (..., m, d).

    At chance (all candidates equally similar) the loss is the log of the number of candidates; it
    is never below 0. With `subtract_log_candidates` that constant is taken off: 0 at chance,
    comparable over batch sizes, and its negative bounds the mutual information of the views from
    below (van den Oord et al. 2018). Zimmermann et al. 2021, theorem 1, take off the log of the
    number of negatives, which is the same in the limit. Gradients do not change.

    With groups of samples as positives, given in the call as `groups`, (..., n), the right answer
    is any member of the anchor's group among the second views, its own second view included:

    - `positives="group_mass"`: -log of the members' probabilities, summed. Chance is the entropy
      of the batch's groups;
    - `positives="group_mean_log"`: the mean over members of -log of their probabilities, which is
      supervised contrastive learning's L_out (Khosla et al. 2020, eq. 2) with one difference: there
      the candidates are all views of the batch but the anchor, here they are the other view's.

    `causal_ssl.objectives.groups` has the formulas side by side.

    Args:
        similarity: a name (`cosine`, `inner`, `neg_squared_l2`, `neg_l<p>`) or a `Similarity`.
        tau: temperature, above 0.
        negatives: where the wrong candidates come from.
        positives: the right answer: `instance`, the sample's other view; `group_mass` or
            `group_mean_log`, the members of its group (with second views as candidates).
        symmetric: anchors from every view in turn; False: only from the earlier view of each pair.
        subtract_log_candidates: take off the loss at chance, log(number of candidates) (or the
            entropy of the groups).

    Returns (when called):
        `loss` and `contrastive` (the same tensor), in nats, of shape (...).

    Raises:
        InputError: unknown names, tau not above 0, shapes that do not fit, negatives or groups
            given where they are not used or missing where they are, groups together with separate
            negatives.

    References:
        van den Oord, Li, Vinyals 2018, arXiv 1807.03748, eq. 4; Von Kuegelgen et al. 2021,
        arXiv 2106.04619, eq. 5; Khosla et al. 2020, arXiv 2004.11362, eq. 2.

    Examples:
        >>> u = torch.tensor([[0.0], [1.0]])
        >>> InfoNCE("neg_squared_l2")(online=[u, u])["loss"]  # log(1 + exp(-1))
        tensor(0.3133)
        >>> by_class = InfoNCE("neg_squared_l2", positives="group_mass")
        >>> by_class(online=[u, u], groups=torch.tensor([7, 7]))["loss"].abs()  # one group is sure
        tensor(0.)
    """

    def __init__(
        self,
        similarity: str | Similarity = "cosine",
        *,
        tau: float = 1.0,
        negatives: Literal["second_view", "separate"] = "second_view",
        positives: Positives = "instance",
        symmetric: bool = False,
        subtract_log_candidates: bool = False,
    ) -> None:
        super().__init__()
        self.similarity = similarity_of(similarity)
        self.tau = in_range("tau", tau, above=0)
        self.negatives = one_of("source of negatives", negatives, ["second_view", "separate"])
        self.positives = one_of("kind of positives", positives, get_args(Positives))
        self.symmetric = symmetric
        self.subtract_log_candidates = subtract_log_candidates
        if self.takes_negatives and self.takes_groups:
            raise InputError(
                f"positives={positives!r} with negatives='separate': the members of a group are "
                "among the second views; use negatives='second_view'"
            )

    @property
    def takes_negatives(self) -> bool:
        return self.negatives == "separate"

    @property
    def takes_groups(self) -> bool:
        return self.positives != "instance"

    def terms(
        self,
        online: list[Tensor],
        target: list[Tensor],
        negatives: Tensor | None,
        groups: Groups | None,
    ) -> Terms:
        ordered = permutations if self.symmetric else combinations
        pairs = list(ordered(range(len(online)), 2))
        per_pair = [self._one_direction(online[k], target[j], negatives, groups) for k, j in pairs]
        loss = per_pair[0] if len(per_pair) == 1 else torch.stack(per_pair).mean(0)
        if self.subtract_log_candidates:
            candidates = online[0].shape[-2] if negatives is None else 1 + negatives.shape[-2]
            loss = above_chance(loss, candidates, self.positives, groups)
        return {"loss": loss, "contrastive": loss}

    def _one_direction(
        self, anchors: Tensor, second: Tensor, negatives: Tensor | None, groups: Groups | None
    ) -> Tensor:
        if groups is None:
            return self._instance(anchors, second, negatives).mean(-1)
        options: dict[str, Any] = {"similarity": self.similarity, "tau": self.tau}
        if self.positives == "group_mass":
            return -log_own_mass(anchors, second, groups, **options).mean(-1)
        lead = lead_over_members(anchors, second, groups, **options)
        return (self._instance(anchors, second, None) + lead).mean(-1)

    def _instance(self, anchors: Tensor, positives: Tensor, negatives: Tensor | None) -> Tensor:
        # Cross-entropy = log(1 + sum over wrong candidates of exp(difference)): the positive comes
        # from paired differences, not from the matrix, and the loss can not round below 0.
        candidates, others = (positives, True) if negatives is None else (negatives, False)
        wrong = log_sum_exp(self.similarity, anchors, candidates, tau=self.tau, others=others)
        right = self.similarity.paired(anchors, positives)
        difference = torch.sub(wrong, right, alpha=1 / self.tau)
        return F.softplus(difference, threshold=40)

    def _check_negatives(self, anchors: Tensor, negatives: Tensor | None) -> None:
        if (negatives is not None) != self.takes_negatives:
            raise InputError(
                f"negatives={self.negatives!r}, but the call came "
                f"{'without' if negatives is None else 'with'} a batch of negatives: "
                "negatives='separate' needs one, negatives='second_view' takes none"
            )
        if negatives is None:
            return
        shape, wanted = tuple(negatives.shape), tuple(anchors.shape)
        if len(shape) != len(wanted) or shape[:-2] != wanted[:-2] or shape[-1] != wanted[-1]:
            raise InputError(
                f"negatives have shape {shape}, the views {wanted}: they may differ in the number "
                "of samples (last but one) alone"
            )
