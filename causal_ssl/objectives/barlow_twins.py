"""Barlow Twins: the cross-correlation matrix of two views should be the identity."""

import torch
from torch import Tensor

from causal_ssl.errors import in_range
from causal_ssl.objectives.groups import Groups
from causal_ssl.objectives.objective import Objective, Terms


class BarlowTwins(Objective):
    """Redundancy reduction: sum_i (1 - C_ii)^2 + weight sum_{i != j} C_ij^2.

    C is the correlation matrix (d, d) between the coordinates of the two views over the batch:
    outputs standardised per coordinate as batch normalisation without affine parameters does
    (biased variance plus `eps`), C = z1' z2 / n. With weight > 0 and
    eps = 0 it is 0 iff different coordinates are uncorrelated and each is the same in both views
    up to a positive affine map.

    Args:
        weight: of the off-diagonal part, at least 0 (lambda of the paper).
        eps: added to the variance, above 0.

    Returns (when called):
        `loss` = on_diagonal + weight off_diagonal, `on_diagonal`, `off_diagonal`, each of shape
        (...); no unit, at least 0.

    Raises:
        InputError: values out of range; other than two views; shapes that do not fit.

    References:
        Zbontar et al. 2021, arXiv 2103.03230, eq. 1 and 2.

    Examples:
        >>> whitened = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
        >>> BarlowTwins()(online=[whitened, whitened])["loss"] < 1e-6
        tensor(True)
    """

    max_views = 2

    def __init__(self, *, weight: float = 0.0051, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = in_range("weight", weight, at_least=0)
        self.eps = in_range("eps", eps, above=0)

    def terms(
        self,
        online: list[Tensor],
        target: list[Tensor],
        negatives: Tensor | None,
        groups: Groups | None,
    ) -> Terms:
        first, second = self._standardised(online[0]), self._standardised(target[1])
        correlation = first.mT @ second / first.shape[-2]
        diagonal = correlation.diagonal(dim1=-2, dim2=-1)
        on_diagonal = (1 - diagonal).square().sum(-1)
        off_diagonal = off_diagonal_square_sum(correlation)
        return {
            "loss": torch.add(on_diagonal, off_diagonal, alpha=self.weight),
            "on_diagonal": on_diagonal,
            "off_diagonal": off_diagonal,
        }

    def _standardised(self, outputs: Tensor) -> Tensor:
        variance, mean = torch.var_mean(outputs, dim=-2, correction=0, keepdim=True)
        return (outputs - mean) * (variance + self.eps).rsqrt()


def off_diagonal_square_sum(matrix: Tensor) -> Tensor:
    """Sum of squares off the diagonal: (..., d, d) to (...).

    Not all squares minus the diagonal's: that difference loses its digits when it is small.
    """
    off = matrix - torch.diag_embed(matrix.diagonal(dim1=-2, dim2=-1))
    return off.square().sum((-2, -1))
