"""Approximate inverses of K + alpha I on the training points of a fold."""

from collections.abc import Callable

import torch
from torch import Tensor

from causal_ssl.analysis._blocked_cholesky import cholesky_in_place
from causal_ssl.analysis._gram import Fold, Gram

# r (n, t) -> about (K + alpha I)^-1 r
Preconditioner = Callable[[Tensor], Tensor]


class NotPositiveDefinite(ArithmeticError):
    """K + alpha I has no Cholesky factor in the precision asked for."""


def identity(r: Tensor) -> Tensor:
    return r


def cholesky(
    gram: Gram, fold: Fold, alpha: float, dtype: torch.dtype, workspace: Tensor | None = None
) -> Preconditioner:
    """Solve with a Cholesky factor computed in `dtype`, kept in the flat workspace if one is given.

    Raises:
        NotPositiveDefinite: alpha is below the rounding error of that precision.
    """
    matrix = gram.training_matrix(fold, alpha, dtype, workspace)
    if not cholesky_in_place(matrix):
        raise NotPositiveDefinite
    upper = matrix.T

    def apply(r: Tensor) -> Tensor:
        # Columns at unit norm: residuals near 1e-12 would leave float32's exponent range squared.
        scale = r.norm(dim=0).clamp_min(1e-300)
        half = torch.linalg.solve_triangular(matrix, (r / scale).to(dtype), upper=False)
        return torch.linalg.solve_triangular(upper, half, upper=True).to(r.dtype) * scale

    return apply


def eigen(gram: Gram, fold: Fold, alpha: float) -> Preconditioner:
    """Solve by float64 eigendecomposition, negative eigenvalues (rounding) set to 0."""
    values, vectors = torch.linalg.eigh(gram.training_matrix(fold, alpha, torch.float64))
    values = values.clamp(min=alpha)[:, None]

    def apply(r: Tensor) -> Tensor:
        solved: Tensor = vectors @ ((vectors.T @ r) / values)
        return solved

    return apply


class Nystrom:
    """K ~ Z Z' from every `stride`-th point as landmark, shared by folds and penalties.

    `trace_error` = tr(K - Z Z') bounds the norm of what is left out.
    """

    def __init__(self, gram: Gram, n_landmarks: int) -> None:
        n = len(gram.x)
        step = max(1, n // n_landmarks)
        columns = gram.block(slice(None), slice(None, None, step))
        corner = columns[::step].clone()
        corner.diagonal().add_(1e-13 * len(corner))
        factor, info = torch.linalg.cholesky_ex(corner)
        self.trace_error = float("inf")
        if int(info) == 0:
            self._z = torch.linalg.solve_triangular(factor, columns.T, upper=False).T
            self.trace_error = max(0.0, n - float(self._z.square().sum()))
        self._inner: dict[Fold, Tensor] = {}

    def preconditioner(self, fold: Fold, alpha: float) -> Preconditioner:
        """(Z_f Z_f' + alpha I)^-1 by Woodbury's identity."""
        start, stop = fold
        above, below = self._z[:start], self._z[stop:]
        if fold not in self._inner:
            self._inner[fold] = above.T @ above + below.T @ below
        shifted = self._inner[fold].clone()
        shifted.diagonal().add_(alpha)
        factor = torch.linalg.cholesky(shifted)

        def apply(r: Tensor) -> Tensor:
            # Few rows times a matrix run up to five times as fast as a matrix times few columns.
            rows = r.T
            inner = torch.cholesky_solve(
                (rows[:, :start] @ above + rows[:, start:] @ below).T, factor
            )
            fitted = torch.cat([inner.T @ above.T, inner.T @ below.T], dim=1)
            return (rows - fitted).T / alpha

        return apply
