"""What the methods study has to do: one representation a job."""

from causal_ssl.experiments.image_study.config import RANDOM, ImageCell
from causal_ssl.experiments.methods.config import RAW, MethodsStudy

SCORING_EPOCHS = 1.0
"""About as long as scoring takes, in passes over the training images."""


class Cell(ImageCell):
    """One representation of the study."""

    encoderless = (RAW,)


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
