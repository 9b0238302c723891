"""Latent spaces: where latents live, and the distributions a space offers."""

from dataclasses import dataclass
from typing import Protocol

import torch
from pyro.distributions import MultivariateNormal
from pyro.distributions.torch_distribution import TorchDistributionMixin
from torch import Tensor

from causal_ssl.errors import InputError, in_range
from causal_ssl.scm.linear import apply_linear

_NO_SHAPE = torch.Size()


class LatentSpace(Protocol):
    """What a content-style process asks of a space: a dimension, and noise around a point.

    R^n is the one space so far. A box or a sphere offers the same `normal` (truncated, projected)
    and a `displaced` that stays inside.
    """

    @property
    def dim(self) -> int:
        """Number of coordinates of a point."""

    def normal(
        self,
        covariance: Tensor,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> TorchDistributionMixin:
        """Noise with the given covariance (dim, dim), events (dim,)."""

    def displaced(self, point: Tensor, by: Tensor) -> Tensor:
        """The point (..., dim) moved by a displacement (..., dim), inside the space."""


class Gaussian(MultivariateNormal):
    """Pyro's multivariate normal, drawn with one matrix product instead of one a sample.

    Examples:
        >>> Gaussian(torch.zeros(2), torch.eye(2)).sample((3,)).shape
        torch.Size([3, 2])
    """

    def rsample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = _NO_SHAPE) -> Tensor:
        """Points (*sample_shape, *batch_shape, dim)."""
        factor = self._unbroadcasted_scale_tril
        if factor.dim() > 2:
            return super().rsample(sample_shape)
        shape = self._extended_shape(torch.Size(sample_shape))
        standard = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        return torch.add(self.loc, apply_linear(factor, standard)).contiguous()


@dataclass(frozen=True)
class Rn:
    """R^dim.

    Examples:
        >>> Rn(2).normal(torch.eye(2)).event_shape
        torch.Size([2])
    """

    dim: int

    def __post_init__(self) -> None:
        in_range("dim", self.dim, at_least=1)

    def normal(
        self,
        covariance: Tensor,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> TorchDistributionMixin:
        """N(0, covariance), events (dim,).

        The covariance is factored in float64: near-singular Wishart draws have no float32 factor.

        Raises:
            InputError: another shape, or not symmetric positive definite.
        """
        if covariance.shape != (self.dim, self.dim):
            raise InputError(
                f"covariance of shape {tuple(covariance.shape)}: expected {(self.dim, self.dim)}"
            )
        exact = covariance.double().cpu()
        factor, failed = torch.linalg.cholesky_ex(exact)
        if failed or not torch.allclose(exact, exact.mT):
            smallest = float(torch.linalg.eigvalsh(exact.nan_to_num())[0])
            raise InputError(
                f"the covariance (smallest eigenvalue {smallest:.3g}) is not symmetric positive "
                "definite: give one that is"
            )
        return Gaussian(
            torch.zeros(self.dim, dtype=dtype, device=device),
            scale_tril=factor.to(dtype=dtype, device=device),
        )

    def displaced(self, point: Tensor, by: Tensor) -> Tensor:
        """The point (..., dim) moved by a displacement (..., dim)."""
        return point + by
