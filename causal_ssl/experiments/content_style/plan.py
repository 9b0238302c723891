"""What a content/style study has to do: its cells, in jobs for processes to share."""

from dataclasses import dataclass
from typing import Any

from causal_ssl.experiments.content_style import settings
from causal_ssl.experiments.content_style.config import NumericalStudy
from causal_ssl.experiments.trained import batches

REFERENCES = "references"
"""Stands for a method in the cells that need no training: what true latents predict."""


@dataclass(frozen=True, order=True)
class Cell:
    """One encoder (or, with method "references", one world) of a study."""

    setting: str
    method: str
    seed: int
    n_outputs: int

    @property
    def name(self) -> str:
        """File name without its ending."""
        outputs = "" if self.method == REFERENCES else f"-d{self.n_outputs}"
        return f"{self.setting}-{self.method}-seed{self.seed}{outputs}"

    @property
    def world(self) -> str:
        """Name of the world that it is about; methods share worlds."""
        return f"{self.setting}-seed{self.seed}"


@dataclass(frozen=True)
class Job:
    """Cells that one process computes; those that train do so as one batched model."""

    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        first = self.cells[0]
        more = f"-and-{len(self.cells) - 1}-more" if len(self.cells) > 1 else ""
        return first.name + more

    @property
    def cell_names(self) -> list[str]:
        return [cell.name for cell in self.cells]


def cells(config: NumericalStudy) -> list[Cell]:
    """Every cell to train, in the order of the table."""
    return [
        Cell(setting, method, seed, n_outputs)
        for setting in config.settings
        for method in config.methods
        for n_outputs in config.n_outputs
        for seed in range(config.budget(settings.get(setting)).seeds)
    ]


def reference_cells(config: NumericalStudy) -> list[Cell]:
    """One cell a world, for what its true latents predict."""
    return [
        Cell(setting, REFERENCES, seed, 0)
        for setting in config.settings
        for seed in range(config.budget(settings.get(setting)).seeds)
    ]


def jobs(config: NumericalStudy) -> list[Job]:
    """All jobs, the longest first so that processes finish together.

    Cells of a method that train for as long and have the same outputs make batched models, see
    `batches`.
    """
    training = sorted(cells(config), key=lambda cell: -steps_of(config, cell))
    alike: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in training:
        key = (cell.method, cell.n_outputs, steps_of(config, cell))
        alike.setdefault(key, []).append(cell)
    groups = [part for group in alike.values() for part in batches(group, config.device)]
    references = [Job((cell,)) for cell in reference_cells(config)]
    every = [Job(tuple(group)) for group in groups] + references
    return sorted(every, key=lambda job: -work(config, job))


def steps_of(config: NumericalStudy, cell: Cell) -> int:
    """Training steps of that cell."""
    return config.budget(settings.get(cell.setting)).steps


SCORING_STEPS = 400
"""About as long as scoring an encoder of the quick preset takes, in training steps."""


def work(config: NumericalStudy, job: Job) -> float:
    """How long a job takes, in steps of one small encoder."""
    scoring = SCORING_STEPS * len(job.cells)
    if job.cells[0].method == REFERENCES:
        return scoring
    return scoring + steps_of(config, job.cells[0]) * len(job.cells)
