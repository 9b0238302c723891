"""Invertible mixing of latents into observations: x = f(z), with f^-1 known exactly."""

from collections.abc import Iterator
from math import inf

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from causal_ssl.errors import InputError, in_range
from causal_ssl.scm.linear import apply_linear

CHUNK = 1024  # matrices drawn at a time; part of what a seed means, so fixed
SCREENABLE = 1e3  # condition numbers up to which a float32 inverse is good to a thousandth


class InvertibleMLP(nn.Module):
    """f(z) = W_L act(... act(W_1 z)) with square layers, no biases, LeakyReLU between the layers.

    Args:
        weights: (layers, d, d), each invertible; layer l maps h to W_l h. Kept in float64 and used
            in the precision of what is mixed.
        slope: of LeakyReLU for negative values, > 0.

    Raises:
        InputError: weights of another shape or singular; slope <= 0.

    Examples:
        >>> shear, swap = [[1.0, 2.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]
        >>> mixing = InvertibleMLP(torch.tensor([shear, swap]))
        >>> z = torch.tensor([[1.0, -2.0]])
        >>> mixing(z), mixing.inverse(mixing(z)).round()
        (tensor([[-0.4000, -0.6000]]), tensor([[ 1., -2.]]))
    """

    weights: Tensor

    def __init__(self, weights: Tensor, slope: float = 0.2) -> None:
        super().__init__()
        if weights.dim() != 3 or weights.shape[1] != weights.shape[2] or not weights.numel():
            raise InputError(f"weights of shape {tuple(weights.shape)}: expected (layers, d, d)")
        exact = weights.to(torch.float64, copy=True)
        if not exact.isfinite().all():
            raise InputError(
                f"weights with {int((~exact.isfinite()).sum())} NaN or infinite entries"
            )
        for layer, condition in enumerate(torch.linalg.cond(exact).tolist(), start=1):
            if not condition < 1e12:
                raise InputError(
                    f"layer {layer} has condition number {condition:.3g}: expected below 1e12"
                )
        self.register_buffer("weights", exact)
        self.slope = in_range("slope", slope, above=0)  # or LeakyReLU has no inverse

    @property
    def dim(self) -> int:
        """Dimension of latents and observations."""
        return self.weights.shape[-1]

    def forward(self, z: Tensor) -> Tensor:
        """Observations (..., d) of latents (..., d), in the precision of z."""
        first, *others = self.weights.to(z.dtype)
        x = apply_linear(first, z)
        for weight in others:
            x = apply_linear(weight, leaky_relu(x, self.slope))
        return x.contiguous()

    def inverse(self, x: Tensor) -> Tensor:
        """Latents (..., d) of observations (..., d), computed in float64, in the precision of x."""
        last, *others = self.weights.double().flip(0)
        z = torch.linalg.solve(last.mT, x.double(), left=False)
        for weight in others:
            z = torch.linalg.solve(weight.mT, torch.where(z < 0, z / self.slope, z), left=False)
        return z.to(x.dtype)


def draw_mixing(
    dim: int,
    *,
    layers: int = 3,
    slope: float = 0.2,
    candidates: int = 24_975,
    rank: int = 1,
    generator: torch.Generator,
) -> InvertibleMLP:
    """A random well-conditioned mixing.

    Each layer has entries U(-1, 1) and l2-normalised columns. The rule on condition numbers: the
    smallest of `candidates` draws is the limit, then every layer is drawn anew until its condition
    number is at most that limit.

    Beating the best of N draws takes a further N on median but has no finite mean (more than k N
    with probability 1 / (k + 1)), so draws are screened: unit columns fix the sum of the Gram
    matrix's eigenvalues, a limit on the condition number then bounds the sum of their inverses, and
    only draws within that bound (one in forty) see their eigenvalues computed. That takes 0.05 s
    for 24,975 draws of 10 x 10 on one thread, against 0.23 s for singular values of all.

    Args:
        dim: of latents and observations, at least 1.
        layers: at least 1.
        slope: of LeakyReLU between the layers.
        candidates: draws that set the limit.
        rank: the limit is the rank-th smallest condition number of the candidates. The paper's
            text is candidates = 24,975, rank = 1; the public code has candidates = 25,000 and
            rank = 26.
        generator: on the CPU.

    Raises:
        InputError: a size below 1, or a rank beyond the candidates.

    References:
        von Kuegelgen et al. (2021), arXiv 2106.04619, appendix D; Hyvarinen and Morioka (2016).

    Examples:
        >>> mixing = draw_mixing(4, candidates=100, generator=torch.Generator().manual_seed(0))
        >>> mixing.weights.shape, bool((mixing.weights.norm(dim=1) - 1).abs().max() < 1e-6)
        (torch.Size([3, 4, 4]), True)
    """
    in_range("dim", dim, at_least=1)
    in_range("layers", layers, at_least=1)
    in_range("candidates", candidates, at_least=1)
    in_range("rank", rank, at_least=1, at_most=candidates)
    limit = _smallest_condition(dim, candidates, rank, generator)
    accepted: list[Tensor] = []
    for matrices in _draws(dim, generator):
        found, _ = _conditioned_at_most(limit, matrices)
        accepted.extend(found)
        if len(accepted) >= layers:
            return InvertibleMLP(torch.stack(accepted[:layers]), slope)
    raise AssertionError("draws never end")


def _draws(dim: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Chunks (CHUNK, dim, dim) of random matrices with unit columns, without end."""
    while True:
        matrices = torch.rand(CHUNK, dim, dim, generator=generator).mul_(2).sub_(1)
        yield matrices / matrices.square().sum(dim=1, keepdim=True).sqrt_()


def _smallest_condition(dim: int, candidates: int, rank: int, generator: torch.Generator) -> float:
    """The rank-th smallest condition number of a number of draws."""
    best = torch.full((rank,), inf, dtype=torch.float64)
    left = candidates
    for matrices in _draws(dim, generator):
        _, conditions = _conditioned_at_most(float(best[-1]), matrices[:left])
        best = torch.cat([best, conditions]).sort().values[:rank]
        left -= CHUNK
        if left <= 0:
            break
    return float(best[-1])


def _conditioned_at_most(limit: float, matrices: Tensor) -> tuple[Tensor, Tensor]:
    """Those of the matrices (n, d, d) with condition number <= limit, and these numbers."""
    if limit < SCREENABLE:
        inverse = torch.linalg.inv_ex(matrices).inverse
        inverse_trace = inverse.square().sum(dim=(1, 2))
        # The margin covers the rounding of float32 inverses; a singular matrix's NaN fails.
        most = _most_inverse_trace(matrices.shape[-1], limit)
        matrices = matrices[inverse_trace <= 1.001 * most]
    exact = matrices.double()
    eigenvalues = torch.linalg.eigvalsh(exact.mT @ exact)
    conditions = (eigenvalues[:, -1] / eigenvalues[:, 0].clamp_min(1e-300)).sqrt()
    kept = conditions <= limit
    return exact[kept], conditions[kept]


def _most_inverse_trace(dim: int, condition: float) -> float:
    """The largest trace that the inverse of a Gram matrix can have, given unit columns.

    That is the sum of 1 / eigenvalue, convex in eigenvalues whose sum is dim, so it is largest at a
    corner of {sum = dim, largest <= condition^2 smallest}: k of them equal, the others condition^2
    times as large.
    """
    r = condition**2
    return max((k + (dim - k) * r) * (k + (dim - k) / r) / dim for k in range(dim + 1))
