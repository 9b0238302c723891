"""One ridge system (K + alpha I) c = y on a fold's training points, by preconditioned CG.

Many systems advance together so that each product with K serves all of them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from causal_ssl.analysis._gram import Fold, Gram
from causal_ssl.analysis._preconditioners import Preconditioner, identity

# coef (n_train, t), residual (n_train, t), product (n, t)
Iterate = tuple[Tensor, Tensor, Tensor]


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
        self.coef = self.coef + length * self.direction
        change = length * curved
        self.residual -= change
        self.running = not bool((self.norms() <= 0.5 * self.goal).all())
        if self.running:
            preconditioned = self._precondition(self.residual)
            # Polak-Ribiere: a float32 solve is not quite a fixed symmetric operator.
            conjugate = -_ratio((preconditioned * change).sum(0), self._inner)
            self._inner = (self.residual * preconditioned).sum(0)
            self.direction = preconditioned + conjugate * self.direction

    def iterate(self) -> Iterate:
        """What `confirm` goes back to where a residual rises."""
        return self.coef, self.residual.clone(), self.product

    def confirm(self, product: Tensor, previous: Iterate, factor: float) -> bool:
        """Take the true residual, given K times the embedded coef.

        Returns whether that of a column short of its goal fell below `factor` times the previous.
        """
        self._precondition = identity  # a factor kept here would hold its memory
        true = self.target - self.train(product) - self.alpha * self.coef
        now, past = true.norm(dim=0), previous[1].norm(dim=0)
        better = now < past  # false for NaN
        new = (self.coef, true, product)
        self.coef, self.residual, self.product = (
            torch.where(better, a, b) for a, b in zip(new, previous, strict=True)
        )
        short = self.norms() > self.goal
        self.met = not bool(short.any())
        return bool((short & (now < factor * past)).any())


Pair = tuple[RidgeSystem, Preconditioner]


def refine(gram: Gram, pairs: Sequence[Pair]) -> None:
    """Add the preconditioned true residual while that shrinks it at least fourfold.

    Takes one product a step, one fewer than conjugate gradients; for good preconditioners.
    """
    active = [pair for pair in pairs if not pair[0].met]
    while active:
        before = [system.iterate() for system, _ in active]
        for system, precondition in active:
            system.coef = system.coef + precondition(system.residual)
        active = _judge(gram, active, before, factor=0.25)


def advance(gram: Gram, pairs: Sequence[Pair], *, iterations: int, rounds: int = 3) -> None:
    """Run conjugate gradients until each system's true residual meets its goal, or gives up.

    A round ends with the true residual of all; another begins from it where it misses the goal and
    the last one at least halved it.
    """
    active = [pair for pair in pairs if not pair[0].met]
    for _ in range(rounds):
        if not active:
            return
        before = [system.iterate() for system, _ in active]
        for system, precondition in active:
            system.start(precondition)
        for _ in range(iterations):
            running = [s for s, _ in active if s.running]
            if not running:
                break
            products = _products(gram, running, [s.direction for s in running])
            for system, product in zip(running, products, strict=True):
                system.step(product)
        active = _judge(gram, active, before, factor=0.5)


def _judge(
    gram: Gram, pairs: Sequence[Pair], before: Sequence[Iterate], *, factor: float
) -> list[Pair]:
    """The pairs to go on with: those that miss their goal, but whose residual fell by the factor.

    By their true residuals; columns whose residual rose get back what they had.
    """
    systems = [system for system, _ in pairs]
    products = _products(gram, systems, [s.coef for s in systems])
    going = []
    for pair, product, previous in zip(pairs, products, before, strict=True):
        fell = pair[0].confirm(product, previous, factor)
        if fell and not pair[0].met:
            going.append(pair)
    return going


def _products(
    gram: Gram, systems: Sequence[RidgeSystem], vectors: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    columns = [s.embed(v) for s, v in zip(systems, vectors, strict=True)]
    return gram.matmul(torch.cat(columns, dim=1)).split([c.shape[1] for c in columns], dim=1)


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    """a / b, 0 where a column has converged to 0 / 0."""
    return torch.where(b > 0, a / b.clamp_min(1e-300), torch.zeros_like(a))
