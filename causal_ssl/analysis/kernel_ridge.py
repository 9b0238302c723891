"""Kernel ridge regression with its grid search shared over targets, folds and penalties."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from causal_ssl.analysis._gram import Points, gaussian_kernel
from causal_ssl.analysis._inputs import finite_matrix
from causal_ssl.analysis._kernel_solver import GridScores, GridSearch, folds_of, refit
from causal_ssl.errors import InputError

Floats = NDArray[np.float64]


class KernelRidgeCV(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Gaussian kernel ridge regression; penalty and kernel width chosen by cross-validation.

    Selects what scikit-learn's ``GridSearchCV(KernelRidge(kernel="rbf"), ..., cv=cv)`` selects, in
    one search for all targets. The kernel is exp(-gamma ||x - y||^2); there is no intercept, so
    standardise inputs and targets first.

    Parameters:
        alphas: penalties to try, each > 0.
        gammas: inverse squared widths to try, each > 0, in units of 1 / (unit of X)^2.
        cv: number of contiguous folds, as ``KFold(cv)`` without shuffling.
        tol: aimed-at distance of a cross-validation score from the exact solution's; what was
            reached is in `cv_bounds_`. Pairs that this leaves undecided are solved again to a
            ten-thousandth of it.
        target_groups: which targets share one choice of (alpha, gamma), by the mean of their R2.
            None: all of them, as ``GridSearchCV`` does. "each": every target its own. Or one
            label a target, such as ["content"] * 5 + ["style"] * 5, which selects as one
            ``GridSearchCV`` per label would.
        device: where to compute: a torch device, or None for that of X (the CPU for arrays).

    Attributes:
        alpha_, gamma_: (n_targets,) the selected pair of each target.
        best_score_: (n_targets,) cross-validated R2 of the target's group at the selected pair.
        cv_scores_: (n_targets, n_alphas, n_gammas, cv) held-out R2 of every system.
        cv_bounds_: same shape, a bound on the distance of each score to that of the exact
            solution: no prediction errs by more than ||residual|| / sqrt(alpha). The residual is
            computed in float64; its rounding, of order 1e-16 ||K|| ||c||, is not in the bound.
        cv_residuals_: same shape, ||y - (K + alpha I) c|| / ||y||.
        certificate_: the largest of `cv_bounds_`.
        selection_certified_: (n_targets,) whether the bounds prove the selection to be the exact
            solver's.
        dual_coef_: (n_samples,) or (n_samples, n_targets), of the refit on all samples.
        X_fit_: (n_samples, n_features).

    Examples:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(120, 2))
        >>> y = np.stack([np.sin(2 * x[:, 0]), x[:, 0] * x[:, 1]], axis=1)
        >>> model = KernelRidgeCV(gammas=(0.01, 0.1, 1.0)).fit(x[:80], y[:80])
        >>> model.score(x[80:], y[80:]) > 0.9
        True
        >>> bool(model.certificate_ < 1e-6)
        True
    """

    def __init__(
        self,
        *,
        alphas: Sequence[float] = (1.0, 0.1, 0.01, 0.001),
        gammas: Sequence[float] = tuple(np.logspace(-2, 2, 4).tolist()),
        cv: int = 3,
        tol: float = 1e-6,
        target_groups: str | Sequence[Hashable] | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        self.alphas = alphas
        self.gammas = gammas
        self.cv = cv
        self.tol = tol
        self.target_groups = target_groups
        self.device = device

    def fit(self, X: ArrayLike | Tensor, y: ArrayLike | Tensor) -> "KernelRidgeCV":
        """Search the grid and refit the selected pairs on all samples.

        Args:
            X: (n_samples, n_features), finite.
            y: (n_samples,) or (n_samples, n_targets), finite.

        Raises:
            InputError: NaN or infinite data, lengths that differ, fewer samples than folds need,
                a penalty or width that is not positive, group labels that do not fit the targets.
        """
        x, targets = _pair(X, y, self.device)
        alphas, gammas = _positive("alphas", self.alphas), _positive("gammas", self.gammas)
        folds = _folds(len(x), self.cv)
        _positive("tol", [self.tol])
        groups = _groups(self.target_groups, targets.shape[1])
        points = Points(x)
        search = GridSearch(points, targets, alphas, gammas, folds)
        wanted = torch.ones(len(alphas), len(gammas), dtype=torch.bool)
        search.run(wanted, self.tol)
        wanted = _undecided(search.result, groups)
        if wanted.any():
            search.run(wanted, self.tol * 1e-4)
        self._store(search.result)
        self._select(alphas, gammas, groups)
        self._refit(points, targets)
        self.X_fit_: Floats = x.cpu().numpy()
        self.n_features_in_ = x.shape[1]
        self._one_target = (y if isinstance(y, Tensor) else np.asarray(y)).ndim == 1
        return self

    def _store(self, grid: GridScores) -> None:
        self.cv_scores_: Floats = grid.scores.numpy()
        self.cv_bounds_: Floats = grid.bounds.numpy()
        self.cv_residuals_: Floats = grid.residuals.numpy()
        self.certificate_ = float(self.cv_bounds_.max())

    def _select(self, alphas: list[float], gammas: list[float], groups: list[list[int]]) -> None:
        n_targets = self.cv_scores_.shape[0]
        self.alpha_, self.gamma_ = np.empty(n_targets), np.empty(n_targets)
        self.best_score_ = np.empty(n_targets)
        self.selection_certified_ = np.empty(n_targets, dtype=bool)
        for members in groups:
            scores = self.cv_scores_[members].mean(axis=(0, 3)).ravel()
            bounds = self.cv_bounds_[members].mean(axis=(0, 3)).ravel()
            # The first of equal scores with alpha varying slowest: the order of GridSearchCV.
            best = int(scores.argmax())
            others = np.delete(scores + bounds, best)
            self.alpha_[members] = alphas[best // len(gammas)]
            self.gamma_[members] = gammas[best % len(gammas)]
            self.best_score_[members] = scores[best]
            self.selection_certified_[members] = bool(np.all(others < scores[best] - bounds[best]))

    def _refit(self, points: Points, targets: Tensor) -> None:
        coef = torch.empty_like(targets)
        for alpha, gamma in sorted(set(zip(self.alpha_, self.gamma_, strict=True))):
            columns = torch.from_numpy((self.alpha_ == alpha) & (self.gamma_ == gamma))
            columns = columns.to(targets.device)
            coef[:, columns] = refit(points, targets[:, columns], alpha, gamma)
        self.dual_coef_: Floats = coef.cpu().numpy()

    def predict(self, X: ArrayLike | Tensor) -> Floats:
        """Predictions, (n,) or (n, n_targets), in blocks of bounded memory."""
        check_is_fitted(self, "dual_coef_")
        x = finite_matrix("X", X)
        x = x.to(self.device or x.device)
        if x.shape[1] != self.n_features_in_:
            raise InputError(
                f"X has {x.shape[1]} features, but KernelRidgeCV is expecting "
                f"{self.n_features_in_} features as input: predict on what it was fitted on"
            )
        fitted = torch.from_numpy(self.X_fit_).to(x.device)
        coef = torch.from_numpy(self.dual_coef_).to(x.device)
        out = torch.empty(len(x), coef.shape[1], dtype=x.dtype, device=x.device)
        rows = max(1, 2**23 // len(fitted))
        for gamma in np.unique(self.gamma_):
            columns = torch.from_numpy(self.gamma_ == gamma).to(x.device)
            for start in range(0, len(x), rows):
                block = slice(start, start + rows)
                out[block, columns] = gaussian_kernel(x[block], fitted, gamma) @ coef[:, columns]
        predicted: Floats = out.cpu().numpy()
        return predicted[:, 0] if self._one_target else predicted


def _undecided(grid: GridScores, groups: list[list[int]]) -> Tensor:
    """Mask (alphas, gammas) of the pairs that their bounds do not part from a group's best."""
    undecided = torch.zeros(grid.scores.shape[1:3], dtype=torch.bool)
    for members in groups:
        scores = grid.scores[members].mean(dim=(0, 3))
        bounds = grid.bounds[members].mean(dim=(0, 3))
        near = scores + bounds >= (scores - bounds).max()
        if near.sum() > 1:
            undecided |= near
    return undecided


def _pair(x: Any, y: Any, device: torch.device | str | None) -> tuple[Tensor, Tensor]:
    if y is None:
        raise InputError("KernelRidgeCV requires y to be passed, but the target y is None")
    matrix = finite_matrix("X", x)
    y = y if isinstance(y, Tensor) else np.asarray(y)
    targets = finite_matrix("y", y[:, None] if y.ndim == 1 else y)
    if len(matrix) != len(targets):
        raise InputError(
            f"X has {len(matrix)} samples and y has {len(targets)}: pass one row of each a sample"
        )
    device = device or matrix.device
    return matrix.to(device), targets.to(device)


def _positive(name: str, values: Sequence[float]) -> list[float]:
    numbers = [float(value) for value in values]
    bad = [value for value in numbers if not (0 < value < float("inf"))]
    if bad or not numbers:
        raise InputError(f"{name} are {numbers}: expected one or more finite numbers above 0")
    return numbers


def _folds(n: int, cv: int) -> list[tuple[int, int]]:
    if not isinstance(cv, int | np.integer) or cv < 2:
        raise InputError(f"cv is {cv!r}: expected a whole number of folds, at least 2")
    if n < cv:
        raise InputError(f"{n} samples cannot make {cv} folds: pass more samples or a smaller cv")
    return folds_of(n, int(cv))


def _groups(labels: str | Sequence[Hashable] | None, n_targets: int) -> list[list[int]]:
    """Column indices of each group of targets."""
    if labels is None:
        return [list(range(n_targets))]
    if isinstance(labels, str):
        if labels != "each":
            raise InputError(f"target_groups is {labels!r}: expected 'each', None or labels")
        return [[column] for column in range(n_targets)]
    if len(labels) != n_targets:
        raise InputError(
            f"target_groups has {len(labels)} labels for {n_targets} targets: give one a target"
        )
    members: dict[Hashable, list[int]] = {}
    for column, label in enumerate(labels):
        members.setdefault(label, []).append(column)
    return list(members.values())
