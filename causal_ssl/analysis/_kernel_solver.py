"""Every system of the grid search, solved until its residual certifies the score."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from causal_ssl.analysis._gram import Fold, Gram, Points
from causal_ssl.analysis._preconditioners import (
    NotPositiveDefinite,
    Nystrom,
    cholesky,
    eigen,
    identity,
)
from causal_ssl.analysis._ridge_system import Pair, RidgeSystem, advance, refine

# Three float32 factors of two thirds of 20480 points: with the rest, below 4 GB.
FACTOR_BYTES = 2_300_000_000
# Landmarks pay where what they leave out is small beside alpha: conjugate gradients then need few
# products. The trace bounds its norm some tens of times too high.
SMOOTH_RATIO = 10.0
MAX_LANDMARKS = 1024
# Residuals below this times ||K|| ||c|| are rounding: no solver in float64 betters them.
ROUNDING = 1e-15


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


def folds_of(n: int, cv: int) -> list[Fold]:
    """The held-out ranges [start, stop) of an unshuffled KFold(cv) over n samples."""
    sizes = [n // cv + (k < n % cv) for k in range(cv)]
    starts = [sum(sizes[:k]) for k in range(cv)]
    return [(start, start + size) for start, size in zip(starts, sizes, strict=True)]


class GridSearch:
    """Cross-validation of all targets y (n, t) over alphas x gammas x folds."""

    def __init__(
        self,
        points: Points,
        y: Tensor,
        alphas: Sequence[float],
        gammas: Sequence[float],
        folds: Sequence[Fold],
    ) -> None:
        self.points, self.y = points, y
        self.alphas, self.gammas, self.folds = alphas, gammas, folds
        shape = (y.shape[1], len(alphas), len(gammas), len(folds))
        self.workspaces: list[Tensor] = []
        self.result = GridScores(*(torch.zeros(shape, dtype=torch.float64) for _ in range(3)))

    def run(self, wanted: Tensor, tol: float) -> None:
        """Fill in the wanted (alphas, gammas), a mask, with bounds of about tol or below."""
        for g, gamma in enumerate(self.gammas):
            chosen = [a for a in range(len(self.alphas)) if wanted[a, g]]
            if chosen:
                self._run_gamma(self.points.gram(gamma), g, chosen, tol)
        self.workspaces.clear()

    def _run_gamma(self, gram: Gram, g: int, chosen: list[int], tol: float) -> None:
        sums = _row_sums(gram, self.folds)
        places, systems, spreads = [], [], []
        for a in chosen:
            for f, (start, stop) in enumerate(self.folds):
                spread = min(float(stop - start), float(sums[start:stop, f].max()))
                goal = _goal(self.y[start:stop], self.alphas[a], spread, tol)
                systems.append(RidgeSystem(self.y, self.alphas[a], (start, stop), goal))
                spreads.append(spread)
                places.append((a, f))
        solve_all(gram, systems, float(sums.sum(1).max()), self.workspaces)
        for (a, f), system, spread in zip(places, systems, spreads, strict=True):
            start, stop = system.fold
            norms = system.norms()
            predicted = system.product[start:stop]
            score, bound = r2_with_bound(
                self.y[start:stop], predicted, norms * (spread / system.alpha) ** 0.5
            )
            self.result.scores[:, a, g, f] = score.cpu()
            self.result.bounds[:, a, g, f] = bound.cpu()
            relative = norms / system.target.norm(dim=0).clamp_min(1e-300)
            self.result.residuals[:, a, g, f] = relative.cpu()


def refit(points: Points, y: Tensor, alpha: float, gamma: float) -> Tensor:
    """Coefficients (n, t) on all points, as near the exact solution as float64 allows."""
    gram = points.gram(gamma)
    nothing = (len(y), len(y))
    goal = 1e-9 * alpha**0.5 * y.square().mean(0).sqrt()
    system = RidgeSystem(y, alpha, nothing, goal)
    solve_all(gram, [system], float(_row_sums(gram, [(0, len(y))]).max()), [])
    return system.coef


def r2_with_bound(y: Tensor, predicted: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """R2 (t,) of held-out predictions (m, t) that err by at most `shift` (t,) in norm, and a bound
    on the error of the R2.

    With e = (K + alpha I)^-1 r the error of the coefficients, held-out predictions err by K_* e.
    The kernel over training and held-out points is positive semi-definite, so
    K_* (K + alpha I)^-1 K_*' <= K_**, hence
    ||K_* e||^2 <= ||K_**|| r' (K + alpha I)^-1 r <= ||K_**|| ||r||^2 / alpha,
    and the largest row sum of K_** bounds its norm.
    """
    error = (y - predicted).norm(dim=0)
    total = (y - y.mean(0)).norm(dim=0)
    constant = total == 0
    total = torch.where(constant, torch.ones_like(total), total)
    scores = 1 - (error / total).square()
    # scikit-learn's convention for a target that is constant on the fold.
    scores = torch.where(constant, (error == 0).to(scores), scores)
    bounds = (2 * error * shift + shift.square()) / total.square()
    return scores, torch.where(constant, torch.zeros_like(bounds), bounds)


def _goal(held_out: Tensor, alpha: float, spread: float, tol: float) -> Tensor:
    """Residual norms (t,) for which the bound of `r2_with_bound` stays near tol."""
    total = (held_out - held_out.mean(0)).square().sum(0)
    # Predictions no worse than 0 are assumed; where they are, the bound is that much larger.
    size = held_out.norm(dim=0).clamp_min(1e-300)
    shift = tol * torch.where(total > 0, total / (2.5 * size), size)
    return shift * (alpha / spread) ** 0.5


def _row_sums(gram: Gram, folds: Sequence[Fold]) -> Tensor:
    """(n, folds): the sum of each row of K over each fold."""
    members = torch.zeros(len(gram.x), len(folds), dtype=gram.x.dtype, device=gram.x.device)
    for f, (start, stop) in enumerate(folds):
        members[start:stop, f] = 1
    return gram.matmul(members)


def solve_all(
    gram: Gram, systems: Sequence[RidgeSystem], norm: float, workspaces: list[Tensor]
) -> None:
    """Bring every system to its goal, or to what float64 allows; `norm` bounds that of K.

    The cheapest way that works: conjugate gradients alone where K is sparse, preconditioned by
    landmarks where it is smooth, by a float32 Cholesky factor each otherwise, and by a float64 one
    where float32 fails. `workspaces` hold the float32 factors and serve again at the next call.
    """
    if gram.sparse is not None:
        advance(gram, [(system, identity) for system in systems], iterations=100)
    else:
        _by_landmarks(gram, systems, norm)
    pending = _pending(systems, norm)
    entries = max((len(s.target) ** 2 for s in systems), default=1)
    if any(len(workspace) < entries for workspace in workspaces):
        workspaces.clear()
    batch = max(1, _factor_bytes(gram.x.device) // (4 * entries))
    while len(workspaces) < min(batch, len(pending)):
        workspaces.append(torch.empty(entries, dtype=torch.float32, device=gram.x.device))
    for k in range(0, len(pending), batch):
        _by_float32(gram, pending[k : k + batch], norm, workspaces)
    pending = _pending(systems, norm)
    if pending:
        workspaces.clear()
    for system in pending:
        _by_float64(gram, system)


def _pending(systems: Sequence[RidgeSystem], norm: float) -> list[RidgeSystem]:
    """Systems that miss their goal by more than the rounding of their residual explains."""
    floor = [ROUNDING * (norm + s.alpha) * s.coef.norm(dim=0) for s in systems]
    return [
        s
        for s, rounding in zip(systems, floor, strict=True)
        if not s.met and bool((s.norms() > torch.maximum(s.goal, rounding)).any())
    ]


def _by_landmarks(gram: Gram, systems: Sequence[RidgeSystem], norm: float) -> None:
    landmarks = min(len(gram.x) // 4, max(512, len(gram.x) // 8), MAX_LANDMARKS)
    # A quarter of them tells, at a sixteenth of the cost, whether K is smooth at all.
    if landmarks < 4 or Nystrom(gram, landmarks // 4).trace_error > 0.01 * len(gram.x):
        return
    nystrom = Nystrom(gram, landmarks)
    smooth = [s for s in systems if nystrom.trace_error <= SMOOTH_RATIO * s.alpha]
    _by_both(gram, [(s, nystrom.preconditioner(s.fold, s.alpha)) for s in smooth], norm)


def _by_float32(
    gram: Gram, systems: Sequence[RidgeSystem], norm: float, workspaces: list[Tensor]
) -> None:
    pairs = []
    for system, workspace in zip(systems, workspaces, strict=False):
        try:
            factor = cholesky(gram, system.fold, system.alpha, torch.float32, workspace)
        except NotPositiveDefinite:
            continue
        pairs.append((system, factor))
    _by_both(gram, pairs, norm)


def _by_both(gram: Gram, pairs: list[Pair], norm: float) -> None:
    """Refinement, and conjugate gradients for those that it does not bring to their goal."""
    refine(gram, pairs)
    pending = _pending([system for system, _ in pairs], norm)
    advance(gram, [pair for pair in pairs if pair[0] in pending], iterations=15)


def _by_float64(gram: Gram, system: RidgeSystem) -> None:
    try:
        made = cholesky(gram, system.fold, system.alpha, torch.float64)
    except NotPositiveDefinite:
        made = eigen(gram, system.fold, system.alpha)
    refine(gram, [(system, made)])


def _factor_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0] // 2)
    return FACTOR_BYTES
