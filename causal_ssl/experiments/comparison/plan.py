"""What the methods study has to do: one representation a job."""

from collections.abc import Sequence
from dataclasses import dataclass

from causal_ssl.experiments.comparison.config import RANDOM, RAW, MethodsStudy

SCORING_EPOCHS = 1.0
"""About as long as scoring takes, in passes over the training images."""


@dataclass(frozen=True)
class Cell:
    """One representation of the study, of an encoder or for reference; it is its own job.

    Attributes:
        method: what trained it, or `RANDOM` or `RAW`.
        seed: of its weights, batches and views.
    """

    method: str
    seed: int

    @property
    def name(self) -> str:
        """File name without its ending."""
        return f"{self.method}-seed{self.seed}"

    @property
    def is_trained(self) -> bool:
        return self.method not in (RANDOM, RAW)

    @property
    def cell_names(self) -> Sequence[str]:
        return [self.name]


def cells(config: MethodsStudy) -> list[Cell]:
    """Every representation in the order of the table, those for reference first."""
    seeds = range(config.seeds)
    return [
        Cell(RAW, 0),
        *(Cell(method, seed) for method in (RANDOM, *config.methods) for seed in seeds),
    ]


def jobs(config: MethodsStudy) -> list[Cell]:
    """The same, a seed of all methods before the next, the short ones last."""
    return sorted(cells(config), key=lambda cell: (not cell.is_trained, cell.seed))


def work(config: MethodsStudy, cell: Cell) -> float:
    """How long a job takes, in passes over the training images."""
    return SCORING_EPOCHS + (config.epochs if cell.is_trained else 0)
