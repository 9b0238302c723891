"""VICReg: views agree, every coordinate varies, no two coordinates covary."""

from torch import Tensor

from causal_ssl.errors import in_range
from causal_ssl.objectives.barlow_twins import off_diagonal_square_sum
from causal_ssl.objectives.groups import Groups
from causal_ssl.objectives.objective import Objective, Terms


class VICReg(Objective):
    """Variance-invariance-covariance regularisation.

    - `invariance`: squared difference of the two views, averaged over samples and coordinates;
    - `variance`: mean over coordinates of max(0, 1 - sqrt(var + eps)), averaged over the two views
      (with the 1/2 of the official code, which some libraries leave out);
    - `covariance`: sum of squared off-diagonal covariances over d, summed over the two views.

    Variances and covariances divide by n - 1.

    Args:
        invariance_weight: at least 0.
        variance_weight: at least 0.
        covariance_weight: at least 0.
        eps: added to the variance, above 0.

    Returns (when called):
        `loss` (the weighted sum), `invariance`, `variance`, `covariance`, each of shape (...), at
        least 0.

    Raises:
        InputError: values out of range; other than two views; shapes that do not fit.

    References:
        Bardes, Ponce, LeCun 2022, arXiv 2105.04906, eq. 1 to 6.

    Examples:
        >>> import torch
        >>> wide = 10 * torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
        >>> VICReg()(online=[wide, wide])["loss"]
        tensor(0.)
    """

    max_views = 2

    def __init__(
        self,
        *,
        invariance_weight: float = 25.0,
        variance_weight: float = 25.0,
        covariance_weight: float = 1.0,
        eps: float = 1e-4,
    ) -> None:
        super().__init__()
        self.invariance_weight = in_range("invariance_weight", invariance_weight, at_least=0)
        self.variance_weight = in_range("variance_weight", variance_weight, at_least=0)
        self.covariance_weight = in_range("covariance_weight", covariance_weight, at_least=0)
        self.eps = in_range("eps", eps, above=0)

    def terms(
        self,
        online: list[Tensor],
        target: list[Tensor],
        negatives: Tensor | None,
        groups: Groups | None,
    ) -> Terms:
        views = [online[0], target[1]]
        invariance = (views[0] - views[1]).square().mean((-2, -1))
        variance = 0.5 * (self._too_narrow(views[0]) + self._too_narrow(views[1]))
        covariance = _covaries(views[0]) + _covaries(views[1])
        return {
            "loss": self.invariance_weight * invariance
            + self.variance_weight * variance
            + self.covariance_weight * covariance,
            "invariance": invariance,
            "variance": variance,
            "covariance": covariance,
        }

    def _too_narrow(self, outputs: Tensor) -> Tensor:
        return (1 - (outputs.var(-2) + self.eps).sqrt()).relu().mean(-1)


def _covaries(outputs: Tensor) -> Tensor:
    centred = outputs - outputs.mean(-2, keepdim=True)
    covariance = centred.mT @ centred / (outputs.shape[-2] - 1)
    return off_diagonal_square_sum(covariance) / outputs.shape[-1]
