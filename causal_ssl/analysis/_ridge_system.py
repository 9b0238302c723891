"""One ridge system (K + alpha I) c = y on a fold's training points, by preconditioned CG.

Many systems advance together so that each product with K serves all of them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from causal_ssl.analysis._gram import Fold, Gram
from causal_ssl.analysis._preconditioners import Preconditioner


class RidgeSystem:
    """Penalty, held-out fold, and the state of its solution.

    `coef`, `residual` (n_train, t): the current iterate and y - (K + alpha I) coef, in float64.
    `product` (n, t): K coef on all points, hence also the predictions for the held-out ones.
    `goal` (t,): the residual norms to reach.
    """

    def __init__(self, y: Tensor, alpha: float, fold: Fold, goal: Tensor) -> None:
        self.alpha, self.fold, self.goal = alpha, fold, goal
        self.target = self.train(y)
        self.coef = torch.zeros_like(self.target)
        self.residual = self.target.clone()
        self.product = torch.zeros_like(y)
        self.met = bool((self.norms() <= goal).all())

    def reset(self) -> None:
        """Start again from coef = 0."""
        self.coef = torch.zeros_like(self.target)
        self.residual = self.target.clone()
        self.met = False

    def train(self, full: Tensor) -> Tensor:
        """The training rows of (n, t)."""
        start, stop = self.fold
        return torch.cat([full[:start], full[stop:]])

    def embed(self, v: Tensor) -> Tensor:
        """Training rows (n_train, t) among all points, 0 at the held-out ones: (n, t)."""
        start, stop = self.fold
        return torch.cat([v[:start], v.new_zeros(stop - start, v.shape[1]), v[start:]])

    def norms(self) -> Tensor:
        return self.residual.norm(dim=0)

    def start(self, precondition: Preconditioner) -> None:
        """Begin conjugate gradients from the current iterate and its residual."""
        self._precondition = precondition
        self.direction = precondition(self.residual)
        self._inner = (self.residual * self.direction).sum(0)
        self.running = True

    def step(self, product: Tensor) -> None:
        """Advance by one iteration, given K times the embedded direction."""
        curved = self.train(product) + self.alpha * self.direction
        length = _ratio(self._inner, (self.direction * curved).sum(0))
        self.coef += length * self.direction
        change = length * curved
        self.residual -= change
        self.running = not bool((self.norms() <= 0.5 * self.goal).all())
        if self.running:
            preconditioned = self._precondition(self.residual)
            # Polak-Ribiere: a float32 solve is not quite a fixed symmetric operator.
            conjugate = -_ratio((preconditioned * change).sum(0), self._inner)
            self._inner = (self.residual * preconditioned).sum(0)
            self.direction = preconditioned + conjugate * self.direction

    def confirm(self, product: Tensor) -> None:
        """Replace the recursive residual by the true one, given K times the embedded coef."""
        self.product = product
        self.residual = self.target - self.train(product) - self.alpha * self.coef
        self.met = bool((self.norms() <= self.goal).all())


def refine(gram: Gram, pairs: Sequence[tuple[RidgeSystem, Preconditioner]]) -> None:
    """Add the preconditioned true residual while that shrinks it at least fourfold.

    Takes one product a step, one fewer than conjugate gradients; for good preconditioners.
    """
    active = [pair for pair in pairs if not pair[0].met]
    while active:
        before = [s.norms() for s, _ in active]
        for system, precondition in active:
            system.coef = system.coef + precondition(system.residual)
        confirm(gram, [s for s, _ in active])
        tried, active = list(zip(active, before, strict=True)), []
        for (system, precondition), norms in tried:
            if not bool((system.norms() <= norms).all()):
                system.reset()
            elif not system.met and bool((system.norms() < 0.25 * norms).any()):
                active.append((system, precondition))


def advance(
    gram: Gram,
    pairs: Sequence[tuple[RidgeSystem, Preconditioner]],
    *,
    iterations: int,
    rounds: int = 3,
) -> None:
    """Run conjugate gradients until each system's true residual meets its goal, or gives up.

    A round ends with the true residual of all; another begins from it where it misses the goal and
    the last one at least halved it.
    """
    active = [pair for pair in pairs if not pair[0].met]
    for _ in range(rounds):
        if not active:
            return
        before = [s.norms() for s, _ in active]
        for system, preconditioner in active:
            system.start(preconditioner)
        for _ in range(iterations):
            running = [s for s, _ in active if s.running]
            if not running:
                break
            products = _products(gram, running, [s.direction for s in running])
            for system, product in zip(running, products, strict=True):
                system.step(product)
        confirm(gram, [s for s, _ in active])
        progress = [
            bool((s.norms() < 0.5 * b).any()) for (s, _), b in zip(active, before, strict=True)
        ]
        active = [pair for pair, on in zip(active, progress, strict=True) if on and not pair[0].met]


def confirm(gram: Gram, systems: Sequence[RidgeSystem]) -> None:
    """True residuals and predictions of every system, by one product."""
    products = _products(gram, systems, [s.coef for s in systems])
    for system, product in zip(systems, products, strict=True):
        system.confirm(product)


def _products(
    gram: Gram, systems: Sequence[RidgeSystem], vectors: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    columns = [s.embed(v) for s, v in zip(systems, vectors, strict=True)]
    return gram.matmul(torch.cat(columns, dim=1)).split([c.shape[1] for c in columns], dim=1)


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    """a / b, 0 where a column has converged to 0 / 0."""
    return torch.where(b > 0, a / b.clamp_min(1e-300), torch.zeros_like(a))
