"""The linear systems behind `KernelRidgeCV`: (K_gamma + alpha I) c = y, solved and certified."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Fold = tuple[int, int]


@dataclass(frozen=True)
class GridScores:
    """Held-out R2 of every system of the grid, each with what certifies it.

    Each field has shape (targets, alphas, gammas, folds): `scores` the R2, `bounds` an upper bound
    on its distance to the R2 of the exact solution, `residuals` the relative residual
    ||y - (K + alpha I) c|| / ||y||.
    """

    scores: Tensor
    bounds: Tensor
    residuals: Tensor


def gaussian_kernel(a: Tensor, b: Tensor, gamma: float) -> Tensor:
    """exp(-gamma ||a_i - b_j||^2): (n, d), (m, d) -> (n, m), in the inputs' precision."""
    squared = a.square().sum(1)[:, None] + b.square().sum(1) - 2 * (a @ b.T)
    return squared.clamp_(min=0).mul_(-gamma).exp_()


def folds_of(n: int, cv: int) -> list[Fold]:
    """The held-out ranges [start, stop) of an unshuffled KFold(cv) over n samples."""
    sizes = [n // cv + (k < n % cv) for k in range(cv)]
    stops = torch.tensor(sizes).cumsum(0).tolist()
    return [(stop - size, stop) for stop, size in zip(stops, sizes, strict=True)]


def grid_scores(
    x: Tensor, y: Tensor, alphas: Sequence[float], gammas: Sequence[float], folds: Sequence[Fold]
) -> GridScores:
    """Held-out R2 of every (target, alpha, gamma, fold)."""
    shape = (y.shape[1], len(alphas), len(gammas), len(folds))
    out = GridScores(*(torch.zeros(shape, dtype=torch.float64) for _ in range(3)))
    for g, gamma in enumerate(gammas):
        gram = gaussian_kernel(x, x, gamma)
        for f, (start, stop) in enumerate(folds):
            train = torch.cat([torch.arange(start), torch.arange(stop, len(x))]).to(x.device)
            k, cross, target = gram[train][:, train], gram[start:stop][:, train], y[train]
            for a, alpha in enumerate(alphas):
                coef, residual = _cholesky_solve(k, target, alpha)
                predicted = cross @ coef
                scores, bounds = r2_with_bound(y[start:stop], predicted, residual, alpha)
                out.scores[:, a, g, f] = scores.cpu()
                out.bounds[:, a, g, f] = bounds.cpu()
                relative = residual / target.norm(dim=0).clamp_min(1e-300)
                out.residuals[:, a, g, f] = relative.cpu()
    return out


def solve(x: Tensor, y: Tensor, alpha: float, gamma: float) -> tuple[Tensor, Tensor]:
    """Coefficients (n, t) of the ridge on all of x, and their residual norms (t,)."""
    return _cholesky_solve(gaussian_kernel(x, x, gamma), y, alpha)


def _cholesky_solve(k: Tensor, y: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    shifted = k.clone()
    shifted.diagonal().add_(alpha)
    coef = torch.cholesky_solve(y, torch.linalg.cholesky(shifted))
    return coef, (y - shifted @ coef).norm(dim=0)


def r2_with_bound(
    y: Tensor, predicted: Tensor, residual: Tensor, alpha: float
) -> tuple[Tensor, Tensor]:
    """R2 (t,) of held-out predictions (m, t), and a bound on its error by residual norms (t,).

    With e = (K + alpha I)^-1 r the error of the coefficients, a prediction errs by k(x)^T e. The
    matrix [[K, k], [k^T, 1]] is positive semi-definite, so k^T (K + alpha I)^-1 k <= 1, and by
    Cauchy-Schwarz |k^T e| <= sqrt(r^T (K + alpha I)^-1 r) <= ||r|| / sqrt(alpha).
    """
    error = (y - predicted).norm(dim=0)
    total = (y - y.mean(0)).norm(dim=0)
    shift = residual * (len(y) / alpha) ** 0.5
    constant = total == 0
    scores = 1 - (error / total).square()
    scores = torch.where(constant, (error == 0).to(scores), scores)
    bounds = (2 * error * shift + shift.square()) / total.square()
    return scores, torch.where(constant, torch.zeros_like(bounds), bounds)
