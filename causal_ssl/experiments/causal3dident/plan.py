"""What the Causal3DIdent study has to do: one encoder a job."""

from collections.abc import Sequence
from dataclasses import dataclass

from causal_ssl.experiments.causal3dident.config import RANDOM, Causal3DIdentStudy

SCORING_STEPS = 300
"""About as long as scoring an encoder of the quick preset takes, in its training steps."""


@dataclass(frozen=True)
class Cell:
    """One encoder of the study; it is its own job.

    Attributes:
        setting: how its views were made; "" for the untrained one.
        method: what trained it, or `RANDOM`.
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
    def cell_names(self) -> Sequence[str]:
        return [self.name]


def cells(config: Causal3DIdentStudy) -> list[Cell]:
    """Every encoder in the order of the table, the untrained ones first."""
    seeds = range(config.seeds)
    trained = [
        Cell(setting, method, seed)
        for setting in config.settings
        for method in config.methods
        for seed in seeds
    ]
    return [Cell("", RANDOM, seed) for seed in seeds] + trained


def jobs(config: Causal3DIdentStudy) -> list[Cell]:
    """The same, the short ones last so that processes finish together."""
    return sorted(cells(config), key=lambda cell: -work(config, cell))


def work(config: Causal3DIdentStudy, cell: Cell) -> float:
    """How long a job takes, in training steps."""
    return SCORING_STEPS + (0 if cell.method == RANDOM else config.steps)
