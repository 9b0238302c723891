"""ReLIC's eq. 3 in general: which similarity, which contrast set, which regulariser."""

from typing import Any, Literal, get_args

import torch
from torch import Tensor

from causal_ssl.errors import InputError, in_range, one_of
from causal_ssl.objectives.bootstrap import Bootstrap
from causal_ssl.objectives.groups import Groups, Positives
from causal_ssl.objectives.infonce import InfoNCE, Negatives
from causal_ssl.objectives.objective import Objective, Terms
from causal_ssl.objectives.relic import ReLIC
from causal_ssl.objectives.similarities import Similarity, similarity_of

Contrast = Literal[Negatives, "none"]
Regulariser = Literal["none", "proxy", "alignment"]


class Family(Objective):
    """Instance discrimination plus alpha times a regulariser: the family of eq. 3.

    loss = contrastive + alpha regulariser, put together from the objectives of this package. The
    methods of table 5 of the paper are its members:

    | method | similarity    | contrast      | regulariser |
    |--------|---------------|---------------|-------------|
    | CPC    | `Bilinear(d)` | `second_view` | `none`      |
    | AMDIM  | `inner`       | `second_view` | `none`      |
    | SimCLR | `cosine`      | `second_view` | `none`      |
    | BYOL   | any, unused   | `none`        | `alignment` |
    | ReLIC  | `cosine`      | `second_view` | `proxy`     |

    The heads g, what they normalise and whether there is a target network h are the caller's.
    `ReLIC` computes the last row faster than this composition does.

    Args:
        similarity: a name (`cosine`, `inner`, `neg_squared_l2`, `neg_l<p>`) or a `Similarity`.
        tau: temperature, above 0.
        contrast: where the candidates come from, anchors from both views of each pair: `InfoNCE`'s
            `negatives`; `none`: there is no contrastive term.
        regulariser: `proxy`, ReLIC's divergence between the two proxy distributions (over the
            second views, whatever the contrast set); `alignment`, BYOL's squared distance of the
            normalised outputs; `none`.
        alpha: weight of the regulariser, at least 0.
        positives: as of `InfoNCE` and `ReLIC`.
        divergence: of the proxy distributions, as of `ReLIC`.
        direction: as of `ReLIC`.
        stop_gradient: as of `ReLIC`.

    Returns (when called):
        `loss`, and those of `contrastive`, `invariance` (the regulariser `proxy`) and `alignment`
        that it has, each of shape (...), in nats but for the last.

    Raises:
        InputError: unknown names, values out of range; neither contrast nor regulariser; positives
            that nothing looks at; calls as of the parts, and without target where there is no
            contrast.

    References:
        Mitrovic et al. 2021, arXiv 2010.07922, eq. 3 and table 5.

    Examples:
        >>> u, v = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
        >>> terms = Family("inner")(online=[u, v])
        >>> {name: round(term.item(), 4) for name, term in terms.items()}
        {'loss': 0.6187, 'contrastive': 0.5032, 'invariance': 0.1155}
    """

    def __init__(
        self,
        similarity: str | Similarity = "cosine",
        *,
        tau: float = 1.0,
        contrast: Contrast = "second_view",
        regulariser: Regulariser = "proxy",
        alpha: float = 1.0,
        positives: Positives = "instance",
        divergence: str = "kl",
        direction: Literal["both", "forward", "reverse"] = "both",
        stop_gradient: Literal["none", "first", "second"] = "none",
    ) -> None:
        super().__init__()
        one_of("contrast", contrast, get_args(Contrast))
        one_of("regulariser", regulariser, get_args(Regulariser))
        shared: dict[str, Any] = {"tau": tau, "positives": positives}
        shared["similarity"] = similarity_of(similarity)
        # All are built, used or not: bad arguments are refused in every combination.
        source: Negatives = "second_view" if contrast == "none" else contrast
        infonce = InfoNCE(**shared, negatives=source, symmetric=True)
        relic = ReLIC(
            **shared, divergence=divergence, direction=direction, stop_gradient=stop_gradient
        )
        regularisers = {"none": None, "proxy": relic, "alignment": Bootstrap()}
        self.alpha = in_range("alpha", alpha, at_least=0)
        self.contrastive = None if contrast == "none" else infonce
        self.regulariser: Objective | None = regularisers[regulariser]
        self.penalty = {"proxy": "invariance"}.get(regulariser, regulariser)
        if self.contrastive is None and self.regulariser is None:
            raise InputError("contrast='none' and regulariser='none' leave no loss: choose one")
        if positives != "instance" and not self.takes_groups:
            raise InputError(
                f"positives={positives!r} without a contrast set and proxies: leave positives out"
            )

    @property
    def takes_negatives(self) -> bool:
        return self.contrastive is not None and self.contrastive.takes_negatives

    @property
    def takes_groups(self) -> bool:
        parts = (self.contrastive, self.regulariser)
        return any(part is not None and part.takes_groups for part in parts)

    @property
    def needs_target(self) -> bool:
        return self.contrastive is None

    def terms(
        self,
        online: list[Tensor],
        target: list[Tensor],
        negatives: Tensor | None,
        groups: Groups | None,
    ) -> Terms:
        found: Terms = {}
        if self.contrastive is not None:
            terms = self.contrastive.terms(online, target, negatives, groups)
            found["contrastive"] = terms["contrastive"]
        if self.regulariser is not None:
            seen = groups if self.regulariser.takes_groups else None
            terms = self.regulariser.terms(online, target, None, seen)
            found[self.penalty] = terms[self.penalty]
        weighted = [
            term * (self.alpha if name == self.penalty else 1.0) for name, term in found.items()
        ]
        return {"loss": torch.stack(weighted).sum(0), **found}

    def _check_negatives(self, anchors: Tensor, negatives: Tensor | None) -> None:
        if self.contrastive is None:
            super()._check_negatives(anchors, negatives)
        else:
            self.contrastive._check_negatives(anchors, negatives)
