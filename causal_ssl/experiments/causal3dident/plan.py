"""What the Causal3DIdent study has to do: one representation a job."""

from collections.abc import Sequence
from dataclasses import dataclass

from causal_ssl.experiments.causal3dident.config import (
    CLASS_ALONE,
    RANDOM,
    Causal3DIdentStudy,
)

SCORING_STEPS = 100
"""About as long as scoring an encoder of the quick preset takes, in its training steps."""


@dataclass(frozen=True)
class Cell:
    """One representation of the study, of an encoder or for reference; it is its own job.

    Attributes:
        setting: how its views were made; "" for those not trained.
        method: what trained it, or `RANDOM` or `CLASS_ALONE`.
        seed: of its weights, batches and views.
    """

    setting: str
    method: str
    seed: int

    @property
    def name(self) -> str:
        """File name without its ending."""
        return "-".join([*filter(None, [self.setting, self.method]), f"seed{self.seed}"])

    @property
    def is_trained(self) -> bool:
        return self.method not in (RANDOM, CLASS_ALONE)

    @property
    def cell_names(self) -> Sequence[str]:
        return [self.name]


def cells(config: Causal3DIdentStudy) -> list[Cell]:
    """Every representation in the order of the table, those for reference first."""
    untrained = [Cell("", RANDOM, seed) for seed in range(config.untrained_seeds)]
    trained = [
        Cell(setting, method, seed)
        for setting in config.settings
        for method in config.methods
        for seed in range(config.seeds)
    ]
    return [Cell("", CLASS_ALONE, 0), *untrained, *trained]


def jobs(config: Causal3DIdentStudy) -> list[Cell]:
    """The same, the short ones last so that processes finish together."""
    return sorted(cells(config), key=lambda cell: -work(config, cell))


def work(config: Causal3DIdentStudy, cell: Cell) -> float:
    """How long a job takes, in training steps."""
    return SCORING_STEPS + (config.steps if cell.is_trained else 0)
