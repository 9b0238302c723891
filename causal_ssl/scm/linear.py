"""Linear maps of points, and affine mechanisms for linear-Gaussian models."""

from inspect import Parameter, Signature

import torch
from torch import Tensor, nn

from causal_ssl.errors import InputError


def apply_linear(weight: Tensor, points: Tensor) -> Tensor:
    """weight (d_out, d_in) times each point (..., d_in): (..., d_out).

    The same as points @ weight.mT, several times faster on a CPU for many points of few dimensions
    (0.07 against 0.57 ms for 16,384 points and a 10 x 10 weight with MKL on one thread); the result
    is laid out coordinate by coordinate.

    Examples:
        >>> import torch
        >>> apply_linear(torch.tensor([[1.0, 2.0]]), torch.ones(3, 2)).shape
        torch.Size([3, 1])
    """
    columns = points.reshape(-1, points.shape[-1]).mT
    return (weight @ columns).mT.reshape(*points.shape[:-1], len(weight))


class Affine(nn.Module):
    """The mechanism offset + sum over parents of W_parent parent + noise.

    Its tensors are buffers in float64, used in the precision of the noise; they move and are saved
    with the module.

    Args:
        offset: (d,).
        **weights: parent -> (d, d_parent).

    Raises:
        InputError: weights of another shape.

    Examples:
        >>> import torch
        >>> mechanism = Affine(torch.zeros(1), cause=torch.tensor([[2.0, 1.0]]))
        >>> mechanism(cause=torch.ones(4, 2), noise=torch.zeros(4, 1)).flatten()
        tensor([3., 3., 3., 3.])
    """

    offset: Tensor

    def __init__(self, offset: Tensor, /, **weights: Tensor) -> None:
        super().__init__()
        if offset.dim() != 1:
            raise InputError(f"offset of shape {tuple(offset.shape)}: expected (d,)")
        self.register_buffer("offset", offset.to(torch.float64, copy=True))
        self.parents = tuple(weights)
        for parent, weight in weights.items():
            if weight.dim() != 2 or len(weight) != len(offset):
                raise InputError(
                    f"weight of {parent!r} has shape {tuple(weight.shape)}: "
                    f"expected ({len(offset)}, d of {parent!r})"
                )
            self.register_buffer(f"weight_{parent}", weight.to(torch.float64, copy=True))

    @property
    def __signature__(self) -> Signature:
        """Which arguments a model is to read as parents."""
        names = (*self.parents, "noise")
        return Signature([Parameter(name, Parameter.KEYWORD_ONLY) for name in names])

    def forward(self, *, noise: Tensor, **parents: Tensor) -> Tensor:
        """Values (..., d) from noise (..., d) and parents (..., d_parent)."""
        value = noise + self.offset.to(noise.dtype)
        for parent in self.parents:
            weight: Tensor = getattr(self, f"weight_{parent}")
            value = value + apply_linear(weight.to(noise.dtype), parents[parent])
        return value
