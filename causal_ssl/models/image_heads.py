"""Heads of image encoders: what stands between the trunk's features and the representation."""

from collections.abc import Callable

from torch import nn

from causal_ssl.errors import one_of


def causal3dident_head(width: int, n_outputs: int) -> nn.Module:
    """The head of the Causal3DIdent experiments: 100 units, LeakyReLU(0.01), linear.

    References:
        Von Kuegelgen et al. 2021, arXiv 2106.04619, appendix D.2.
    """
    return nn.Sequential(nn.Linear(width, 100), nn.LeakyReLU(0.01), nn.Linear(100, n_outputs))


def linear_head(width: int, n_outputs: int) -> nn.Module:
    """One affine map."""
    return nn.Linear(width, n_outputs)


HEADS: dict[str, Callable[[int, int], nn.Module]] = {
    "causal3dident": causal3dident_head,
    "linear": linear_head,
}
"""Name -> what makes a head (n, width) -> (n, n_outputs)."""


def image_head(name: str, width: int, n_outputs: int) -> nn.Module:
    """The head of that name, (n, width) -> (n, n_outputs).

    Raises:
        InputError: unknown name.

    Examples:
        >>> [p.numel() for p in image_head("causal3dident", 512, 8).parameters()]
        [51200, 100, 800, 8]
    """
    return HEADS[one_of("head", name, HEADS)](width, n_outputs)
