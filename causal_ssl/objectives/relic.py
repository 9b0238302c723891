"""ReLIC: predict the proxy label the same way under every style intervention."""

from itertools import combinations
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from causal_ssl import divergences
from causal_ssl.errors import InputError, in_range, one_of
from causal_ssl.objectives.groups import Groups, Positives, above_chance, lead_over_members
from causal_ssl.objectives.objective import Objective, Terms
from causal_ssl.objectives.proxy_pair import (
    Comparison,
    StopGradient,
    group_proxy_terms,
    proxy_terms,
)
from causal_ssl.objectives.similarities import Similarity, similarity_of

WEIGHTS = {"both": (0.5, 0.5), "forward": (1.0, 0.0), "reverse": (0.0, 1.0)}
"""Direction -> weights of D(p_lk, p_kl) and D(p_kl, p_lk)."""


class ReLIC(Objective):
    """Instance discrimination plus invariance of its predictions under style interventions.

    With o the online and t the target outputs (t = o without a target network), each pair of views
    l < k gives two distributions over the same contrast set, the n samples j of the batch:

        p_lk(j | i) = softmax_j phi(o_l[i], t_k[j]) / tau
        p_kl(j | i) = softmax_j phi(o_k[i], t_l[j]) / tau

    - `contrastive`: -log p(i | i), averaged over samples, both directions and all pairs of views;
    - `invariance`: one term per unordered pair of views, D(p_lk, p_kl), averaged over samples and
      pairs. By default D(p, q) = (KL(p || q) + KL(q || p)) / 2: the mean of the two directions, not
      their sum, so that alpha means the same for one `direction` and for both;
    - `loss` = contrastive + alpha invariance. With alpha = 0 it is InfoNCE with both directions.

    The penalty form weighs invariance by the constant `alpha`. The constrained form, invariance <=
    rho, has in its place a multiplier found by dual ascent: `loss` = contrastive + multiplier
    (invariance - rho), and after each call in training mode multiplier <- max(0, multiplier +
    dual_rate (invariance - rho)). Each replica has its own: a buffer, saved with `state_dict`.

    Without a target network and with a symmetric phi p_kl comes from the transposed logits of p_lk,
    and the invariance term is 0 on every symmetric matrix. With one style in the whole batch and an
    inner product or L2, style adds a constant to each row, and the invariance term does not see it.

    With groups of samples as positives, given in the call as `groups`, (..., n), the formulas of
    `causal_ssl.objectives.groups` take the place of -log p(i | i):

    - `positives="group_mass"`: the proxy Y^R is the group, P(g | i) = sum of p(j | i) over its
      members. D compares these distributions over groups, at most the distance of those over
      samples for every f-divergence (data processing; `l2` is none): how the members share the
      group's mass may depend on style unpunished;
    - `positives="group_mean_log"`: the proxy remains the sample, of which all members are right
      answers alike, and D compares distributions over samples as before.

    Args:
        similarity: a name (`cosine`, `inner`, `neg_squared_l2`, `neg_l<p>`) or a `Similarity`.
        tau: temperature, above 0.
        positives: the proxy: `instance`, `group_mass` or `group_mean_log`.
        alpha: weight of the invariance term, at least 0; 1 if neither it nor rho is given.
        rho: the constraint's bound, at least 0, in units of the divergence; instead of alpha.
        divergence: `kl`, `js`, `hellinger2`, `tv`, `chi2` or `l2`; the paper allows any.
        direction: `forward`, D(p_lk || p_kl) for l < k; `reverse`, D(p_kl || p_lk); `both`, their
            mean.
        stop_gradient: `none`; `first` or `second`: that argument of each D is a constant.
        dual_rate: step of the dual ascent, above 0.
        initial_multiplier: where the dual ascent starts.
        subtract_log_candidates: take log n (or the entropy of the groups) off the contrastive term:
            0 at chance.

    Returns (when called):
        `loss`, `contrastive`, `invariance`, all in nats (the last in units of the divergence), and
        `multiplier` in the constrained form, the value that the loss used; each of shape (...).

    Raises:
        InputError: unknown names, values out of range, alpha and rho together, shapes that do not
            fit, groups missing where they are used or given where they are not.

    References:
        Mitrovic et al. 2021, arXiv 2010.07922, eq. 3 and the constraint before it.

    Examples:
        >>> u, v = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
        >>> terms = ReLIC("inner")(online=[u, v])
        >>> {name: round(term.item(), 4) for name, term in terms.items()}
        {'loss': 0.6187, 'contrastive': 0.5032, 'invariance': 0.1155}
    """

    multiplier: Tensor

    def __init__(
        self,
        similarity: str | Similarity = "cosine",
        *,
        tau: float = 1.0,
        positives: Positives = "instance",
        alpha: float | None = None,
        rho: float | None = None,
        divergence: str = "kl",
        direction: Literal["both", "forward", "reverse"] = "both",
        stop_gradient: StopGradient = "none",
        dual_rate: float = 0.01,
        initial_multiplier: float = 1.0,
        subtract_log_candidates: bool = False,
    ) -> None:
        super().__init__()
        if alpha is not None and rho is not None:
            raise InputError(
                f"alpha = {alpha} and rho = {rho}: give the weight of the penalty or the bound of "
                "the constraint, not both"
            )
        self.similarity = similarity_of(similarity)
        self.tau = in_range("tau", tau, above=0)
        self.positives = one_of("kind of positives", positives, get_args(Positives))
        self.alpha = in_range("alpha", 1.0 if alpha is None else alpha, at_least=0)
        self.rho = None if rho is None else in_range("rho", rho, at_least=0)
        self.comparison = Comparison(
            divergences.get(divergence),
            *WEIGHTS[one_of("direction", direction, list(WEIGHTS))],
            one_of("stop_gradient", stop_gradient, ["none", "first", "second"]),
        )
        self.dual_rate = in_range("dual_rate", dual_rate, above=0)
        self.subtract_log_candidates = subtract_log_candidates
        if self.rho is not None:
            initial = in_range("initial_multiplier", initial_multiplier, at_least=0)
            self.register_buffer("multiplier", torch.tensor(initial))

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
        per_pair = [
            self._pair((online[k], online[j]), (target[j], target[k]), groups).mean(-1)
            for k, j in combinations(range(len(online)), 2)
        ]
        both = per_pair[0] if len(per_pair) == 1 else torch.stack(per_pair).mean(0)
        contrastive, invariance = both.unbind(0)
        if self.subtract_log_candidates:
            n = online[0].shape[-2]
            right = None if groups is None else groups.sizes
            contrastive = above_chance(contrastive, n, self.positives, right)
        if self.rho is None:
            loss = torch.add(contrastive, invariance, alpha=self.alpha)
            return {"loss": loss, "contrastive": contrastive, "invariance": invariance}
        return self._constrained(contrastive, invariance, self.rho)

    def _pair(
        self, online: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor], groups: Groups | None
    ) -> Tensor:
        """Contrastive and invariance term of every sample, (2, ..., n)."""
        options: dict[str, Any] = {"similarity": self.similarity, "tau": self.tau}
        if groups is not None and self.positives == "group_mass":
            comparison = self.comparison
            return group_proxy_terms(online, target, groups, comparison=comparison, **options)
        both = proxy_terms(online, target, comparison=self.comparison, **options)
        if groups is None:
            return both
        leads = [
            lead_over_members(u, v, groups, **options) for u, v in zip(online, target, strict=True)
        ]
        return torch.stack([both[0] + 0.5 * (leads[0] + leads[1]), both[1]])

    def _constrained(self, contrastive: Tensor, invariance: Tensor, rho: float) -> Terms:
        if self.multiplier.shape != invariance.shape:
            self.multiplier = self.multiplier.expand(invariance.shape).clone()
        multiplier = self.multiplier.to(invariance, copy=True)
        excess = invariance - rho
        if self.training:
            # In place: a recorded CUDA graph goes on with the tensor that it has seen.
            self.multiplier.copy_((multiplier + self.dual_rate * excess.detach()).clamp(min=0))
        return {
            "loss": contrastive + multiplier * excess,
            "contrastive": contrastive,
            "invariance": invariance,
            "multiplier": multiplier,
        }

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        # The multiplier takes its shape (one per replica) from the first call: a fresh objective
        # must accept one that has been called.
        saved = state_dict.get(prefix + "multiplier")
        if self.rho is not None and saved is not None:
            self.multiplier = torch.empty_like(saved, device=self.multiplier.device)
        super()._load_from_state_dict(state_dict, prefix, *rest)
