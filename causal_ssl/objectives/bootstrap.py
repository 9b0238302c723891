"""Bootstrap your own latent: each view predicts the target network's output for the other."""

from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional as F

from causal_ssl.objectives.groups import Groups
from causal_ssl.objectives.objective import Objective, Terms


class Bootstrap(Objective):
    """BYOL's loss: 2 - 2 cos(o_k, t_j), summed over the two directions, averaged over the batch.

    o_k is the predictor's output for view k, t_j the target network's for view j. Of more than two
    views, the mean over unordered pairs of that sum over directions: the loss keeps its scale,
    [0, 8]. Computed as the squared distance of the normalised outputs, which keeps its digits near
    0; an output of length 0 stays as it is.

    There are no negatives: one output for all samples would be best, and what keeps training from
    it is the slow target, without gradient, behind the predictor. A call without target is refused.

    Returns (when called):
        `loss` and `alignment` (the same tensor), of shape (...); 4 where views are orthogonal.

    Raises:
        InputError: no target; shapes that do not fit.

    References:
        Grill et al. 2020, arXiv 2006.07733, eq. 2.

    Examples:
        >>> predicted, projected = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.eye(2)
        >>> Bootstrap()(online=[predicted, -predicted], target=[projected, projected])["loss"]
        tensor(4.)
    """

    @property
    def needs_target(self) -> bool:
        return True

    def terms(
        self,
        online: list[Tensor],
        target: list[Tensor],
        negatives: Tensor | None,
        groups: Groups | None,
    ) -> Terms:
        o, t = ([F.normalize(view, dim=-1) for view in views] for views in (online, target))
        per_pair = [
            _squared_distance(o[k], t[j]) + _squared_distance(o[j], t[k])
            for k, j in combinations(range(len(o)), 2)
        ]
        loss = torch.stack(per_pair).mean((0, -1))
        return {"loss": loss, "alignment": loss}


def _squared_distance(u: Tensor, v: Tensor) -> Tensor:
    return (u - v).square().sum(-1)
