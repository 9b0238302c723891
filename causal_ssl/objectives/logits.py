"""What the hand-written gradients share: logits in bits, products with them, a cross-entropy."""

from math import log

import torch
from torch import Tensor
from torch.nn import functional as F

LOG_2 = log(2)


def cross_entropy(wrong: Tensor, right: Tensor, tau: float) -> Tensor:
    """-log of the right candidate's probability: its phi against the others' log-sum-exp, nats.

    As log(1 + sum over wrong candidates of exp(difference)): the positive comes from paired
    differences, not from the matrix, and the loss can not round below 0.
    """
    return F.softplus(torch.sub(wrong, right, alpha=1 / tau), threshold=40)


def fill_same(matrix: Tensor, value: float, offset: int, period: int | None) -> Tensor:
    """The matrix (..., n, m) with `value` where column = row + offset up to a multiple of `period`.

    In place; None: as it is.
    """
    if period is not None:
        n, m = matrix.shape[-2:]
        for diagonal in range((offset + n - 1) % period - n + 1, m, period):
            matrix.diagonal(offset=diagonal, dim1=-2, dim2=-1).fill_(value)
    return matrix


def replicas_first(outputs: Tensor) -> Tensor:
    """(..., n, d) to (r, n, d)."""
    # A view is one more node for autograd: none where the shape fits already.
    return outputs if outputs.ndim == 3 else outputs.reshape(-1, *outputs.shape[-2:])


def bits(u: Tensor, v: Tensor, tau: float, squared: bool, out: Tensor | None = None) -> Tensor:
    """Logits in units of log 2, up to a constant per row: (r, n, d) and (r, m, d) to (r, n, m).

    Bits, because exp2 is three to four times as fast as exp on a CPU and the factor costs nothing
    in the matrix product. Without the row's -|u_i|^2, which no softmax sees.
    """
    scale = 1 / (tau * LOG_2)
    if not squared:
        return torch.bmm(u * scale, v.mT, out=out)
    lengths = v.square().sum(-1)[:, None, :]
    return torch.baddbmm(lengths, u, v.mT, beta=-scale, alpha=2 * scale, out=out)


def product(weights: Tensor, vectors: Tensor) -> Tensor:
    """weights @ vectors, (..., n, m) and (..., m, d) to (..., n, d), the fast way round."""
    # On a CPU the short side first is three times as fast at d = 5, and slower from d = 16 on.
    if vectors.shape[-1] < 16:
        return (vectors.mT @ weights.mT).mT
    return weights @ vectors


def add_product(out: Tensor, weights: Tensor, vectors: Tensor) -> None:
    """out += product(weights, vectors), for one leading dimension."""
    if vectors.shape[-1] < 16:
        out += product(weights, vectors)
    else:
        out.baddbmm_(weights, vectors)
