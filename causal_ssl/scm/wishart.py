"""Random covariances."""

import torch
from torch import Tensor

from causal_ssl.errors import in_range


def wishart_covariance(dim: int, generator: torch.Generator) -> Tensor:
    """A covariance (dim, dim) from Wishart_dim(I, dim), in float64.

    With as many degrees of freedom as dimensions it is close to singular: the smallest eigenvalue
    has a median of about 0.3/dim, the mean of the diagonal is dim.

    Args:
        dim: at least 1.
        generator: on the CPU, so that a covariance is the same whatever device it is used on.

    Raises:
        InputError: dim < 1.

    Examples:
        >>> wishart_covariance(3, torch.Generator().manual_seed(0)).shape
        torch.Size([3, 3])
    """
    in_range("dim", dim, at_least=1)
    factor = torch.randn(dim, dim, generator=generator, dtype=torch.float64)
    return factor @ factor.mT
