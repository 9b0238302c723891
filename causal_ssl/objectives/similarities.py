"""How alike two outputs are: the similarities that contrastive objectives compare through.

| name             | phi(u, v)               | outputs live on            |
|------------------|-------------------------|----------------------------|
| `cosine`         | <u, v> / (|u| |v|)      | the sphere                 |
| `inner`          | <u, v>                  | R^n (or the sphere)        |
| `neg_squared_l2` | -|u - v|^2              | R^n                        |
| `neg_l<p>`       | -sum_k |u_k - v_k|^p    | R^n; `neg_l1`, `neg_l3`, `neg_l1.5` ... |
| `Bilinear(d)`    | <u, W v>, W learned     | R^n                        |

The L_p similarity is the p-th power of the norm, without the root, and takes absolute values: an
odd p is as symmetric as an even one (some public code leaves the sign in). `neg_l2` is
`neg_squared_l2` computed the long way.
"""

import re
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from causal_ssl.errors import InputError, in_range, unknown_name


class Similarity(Protocol):
    """A similarity phi(u, v) of an anchor's output u and a candidate's v: larger if more alike.

    It need not be symmetric.
    """

    def pairwise(self, u: Tensor, v: Tensor) -> Tensor:
        """phi(u_i, v_j) for all pairs: (..., n, d) and (..., m, d) to (..., n, m)."""

    def paired(self, u: Tensor, v: Tensor) -> Tensor:
        """phi(u_i, v_i): (..., n, d) twice to (..., n)."""


@dataclass(frozen=True)
class Inner:
    """The inner product <u, v>.

    Examples:
        >>> u = torch.tensor([[1.0, 2.0], [0.0, 1.0]])
        >>> Inner().pairwise(u, u)
        tensor([[5., 2.],
                [2., 1.]])
    """

    def pairwise(self, u: Tensor, v: Tensor) -> Tensor:
        return u @ v.mT

    def paired(self, u: Tensor, v: Tensor) -> Tensor:
        return (u * v).sum(-1)


@dataclass(frozen=True)
class Cosine:
    """The cosine of the angle between u and v, in [-1, 1]; a vector of length 0 counts as 0.

    Examples:
        >>> u = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
        >>> Cosine().pairwise(u, u)
        tensor([[1.0000, 0.8000],
                [0.8000, 1.0000]])
    """

    def pairwise(self, u: Tensor, v: Tensor) -> Tensor:
        return F.normalize(u, dim=-1) @ F.normalize(v, dim=-1).mT

    def paired(self, u: Tensor, v: Tensor) -> Tensor:
        return (F.normalize(u, dim=-1) * F.normalize(v, dim=-1)).sum(-1)


@dataclass(frozen=True)
class NegSquaredL2:
    """Minus the squared Euclidean distance, by one matrix product.

    Examples:
        >>> u = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
        >>> NegSquaredL2().pairwise(u, u)
        tensor([[  0., -25.],
                [-25.,   0.]])
    """

    def pairwise(self, u: Tensor, v: Tensor) -> Tensor:
        u, v = centred(u, v)
        lengths = u.square().sum(-1)[..., :, None] + v.square().sum(-1)[..., None, :]
        return 2 * (u @ v.mT) - lengths

    def paired(self, u: Tensor, v: Tensor) -> Tensor:
        return -(u - v).square().sum(-1)


@dataclass(frozen=True)
class NegLp:
    """Minus sum_k |u_k - v_k|^p, for p >= 1; no root.

    `pairwise` holds n x m x d numbers: objectives call it on a few rows at a time.

    Raises:
        InputError: p is below 1 (its slope is infinite where two outputs agree) or not finite.

    Examples:
        >>> u, v = torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, -2.0]])
        >>> NegLp(3).pairwise(u, v)
        tensor([[-9.]])
    """

    p: float

    def __post_init__(self) -> None:
        in_range("p", self.p, at_least=1)

    def pairwise(self, u: Tensor, v: Tensor) -> Tensor:
        return -self._power(u[..., :, None, :] - v[..., None, :, :]).sum(-1)

    def paired(self, u: Tensor, v: Tensor) -> Tensor:
        return -self._power(u - v).sum(-1)

    def _power(self, difference: Tensor) -> Tensor:
        # pow is many times slower than a product: the common whole numbers are multiplied out.
        size = difference.abs()
        if self.p == 1:
            return size
        if self.p == 2:
            return difference.square()
        if self.p == 3:
            return difference.square() * size
        if self.p == 4:
            return difference.square().square()
        return size.pow(self.p)


class Bilinear(nn.Module):
    """<u, W v> with a learned W (d, d), which starts as the identity: CPC's similarity.

    Not symmetric in u and v. All replicas of a call share W, which is a parameter of the objective
    that compares through it.

    Args:
        d: coordinates of the outputs.

    Raises:
        InputError: d below 1.

    References:
        van den Oord, Li, Vinyals 2018, arXiv 1807.03748, eq. 3.

    Examples:
        >>> u, v = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 1.0]])
        >>> Bilinear(2).pairwise(u, v)
        tensor([[5.]], grad_fn=<MmBackward0>)
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(in_range("d", d, at_least=1)))

    def pairwise(self, u: Tensor, v: Tensor) -> Tensor:
        return self.transformed(u) @ v.mT

    def paired(self, u: Tensor, v: Tensor) -> Tensor:
        return (self.transformed(u) * v).sum(-1)

    def transformed(self, u: Tensor) -> Tensor:
        """W' u, whose inner product with v is <u, W v>: (..., n, d)."""
        if u.shape[-1] != len(self.weight):
            raise InputError(
                f"outputs have {u.shape[-1]} coordinates, Bilinear {len(self.weight)}: make it "
                f"Bilinear({u.shape[-1]})"
            )
        return u @ self.weight.to(u.dtype)


def centred(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Both sides moved by one constant, so that squares lose no digits to a common offset.

    Distances do not change and neither do their gradients: the constant needs none.
    """
    offset = v.detach().mean(-2, keepdim=True)
    return u - offset, v - offset


SIMILARITIES: dict[str, Similarity] = {
    "cosine": Cosine(),
    "inner": Inner(),
    "neg_squared_l2": NegSquaredL2(),
}


def as_inner(similarity: Similarity, u: Tensor, v: Tensor) -> tuple[Similarity, Tensor, Tensor]:
    """The same similarities as an inner product of other vectors, where they are one.

    What is learned, W, is then outside of the blocks whose gradients are written by hand.
    """
    if isinstance(similarity, Cosine):
        return Inner(), F.normalize(u, dim=-1), F.normalize(v, dim=-1)
    if isinstance(similarity, Bilinear):
        return Inner(), similarity.transformed(u), v
    return similarity, u, v


def candidates_first(similarity: Similarity, u: Tensor, v: Tensor) -> Tensor:
    """phi(u_i, v_j) with candidates before anchors: (..., n, d) and (..., m, d) to (..., m, n)."""
    if isinstance(similarity, Inner | Cosine | NegSquaredL2 | NegLp):  # symmetric
        return similarity.pairwise(v, u)
    return similarity.pairwise(u, v).mT


def numbers_per_logit(similarity: Similarity, outputs: Tensor) -> int:
    """Numbers that `pairwise` holds for each of its results, on outputs (..., n, d)."""
    return outputs.shape[-1] if isinstance(similarity, NegLp) else 1


def similarity_of(name: str | Similarity) -> Similarity:
    """The similarity of that name; one that is no name is returned as it is.

    Raises:
        InputError: unknown name; the message has the nearest known one. Parameters other than
            Bilinear's, which would get no gradient where logits are computed in blocks.

    Examples:
        >>> similarity_of("neg_l3")
        NegLp(p=3.0)
    """
    if isinstance(name, nn.Module) and not isinstance(name, Bilinear) and [*name.parameters()]:
        raise InputError(
            f"similarity {type(name).__name__} has parameters: only Bilinear's are learned here; "
            "put others into the critic"
        )
    if not isinstance(name, str):
        return name
    if name in SIMILARITIES:
        return SIMILARITIES[name]
    if power := re.fullmatch(r"neg_l(\d+(?:\.\d+)?)", name):
        return NegLp(float(power[1]))
    raise unknown_name("similarity", name, [*SIMILARITIES, "neg_l1", "neg_l3"])
