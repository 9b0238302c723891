"""What the robustness study has to do: one encoder a job."""

from dataclasses import dataclass

from causal_ssl._numbers import exactly
from causal_ssl.experiments.image_study.config import RANDOM, ImageCell
from causal_ssl.experiments.robustness.config import (
    CAUSAL3DIDENT,
    FASHION_MNIST,
    SWEPT,
    Rendered,
    RobustnessStudy,
)

SIDES = {FASHION_MNIST: 28, CAUSAL3DIDENT: 48}
"""Pixels of an image."""
FASHION_IMAGES = 60_000
TRAINED = 6
"""Passes of an image through the network in one of training, two views there and back."""


@dataclass(frozen=True)
class Cell(ImageCell):
    """One encoder of the study.

    Attributes:
        dataset: whose images it learns from and is scored on.
        alpha: weight of its invariance term where the study sets one; None: as the method has it.

    Examples:
        >>> Cell("relic", 1, "fashion_mnist", 0.1).name
        'fashion_mnist-relic-alpha0.1-seed1'
    """

    dataset: str = ""
    alpha: float | None = None

    @property
    def name(self) -> str:
        return f"{self.dataset}-{variant(self.method, self.alpha)}-seed{self.seed}"


def variant(method: str, alpha: float | None) -> str:
    """What is told apart beside seed and data set: a method, at some alpha.

    Examples:
        >>> variant("relic", 0.0), variant("byol", None)
        ('relic-alpha0', 'byol')
    """
    return method if alpha is None else f"{method}-alpha{exactly(alpha)}"


def alphas(config: RobustnessStudy, method: str) -> tuple[float | None, ...]:
    """Those that a method is trained at."""
    return config.alphas if method == SWEPT else (None,)


def cells(config: RobustnessStudy) -> list[Cell]:
    """Every encoder in the order of the table, the untrained ones first."""
    return [
        Cell(method, seed, dataset, alpha)
        for dataset in config.datasets
        for method in (RANDOM, *config.methods)
        for alpha in alphas(config, method)
        for seed in range(config.seeds)
    ]


def jobs(config: RobustnessStudy) -> list[Cell]:
    """The same, a seed of all before the next, the short ones last."""
    return sorted(cells(config), key=lambda cell: (not cell.is_trained, cell.seed))


def work(config: RobustnessStudy, cell: Cell) -> float:
    """About how long a job takes, in pixels that go through the network."""
    budget, n_train = config.budget(cell.dataset), FASHION_IMAGES
    seen = budget.n_linear + budget.n_test * (1 + len(config.corruptions) * len(config.severities))
    if isinstance(budget, Rendered):
        n_train = budget.n_train
        seen += budget.n_style * len(budget.styles) * len(budget.values)
    if cell.is_trained:
        seen += int(TRAINED * budget.epochs * n_train)
    return float(seen * SIDES[cell.dataset] ** 2)
