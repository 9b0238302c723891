"""What the Causal3DIdent study has to do: one representation a job."""

from dataclasses import dataclass

from causal_ssl.experiments.causal3dident.config import CLASS_ALONE, Causal3DIdentStudy
from causal_ssl.experiments.image_study.config import RANDOM, ImageCell

SCORING_STEPS = 100
"""About as long as scoring an encoder of the quick preset takes, in its training steps."""


@dataclass(frozen=True)
class Cell(ImageCell):
    """One representation of the study.

    Attributes:
        setting: how its views were made; "" for those not trained.
    """

    encoderless = (CLASS_ALONE,)

    setting: str = ""

    @property
    def name(self) -> str:
        return "-".join(filter(None, [self.setting, super().name]))


def cells(config: Causal3DIdentStudy) -> list[Cell]:
    """Every representation in the order of the table, those for reference first."""
    untrained = [Cell(RANDOM, seed) for seed in range(config.untrained_seeds)]
    trained = [
        Cell(method, seed, setting)
        for setting in config.settings
        for method in config.methods
        for seed in range(config.seeds)
    ]
    return [Cell(CLASS_ALONE, 0), *untrained, *trained]


def jobs(config: Causal3DIdentStudy) -> list[Cell]:
    """The same, the short ones last so that processes finish together."""
    return sorted(cells(config), key=lambda cell: -work(config, cell))


def work(config: Causal3DIdentStudy, cell: Cell) -> float:
    """How long a job takes, in training steps."""
    return SCORING_STEPS + (config.steps if cell.is_trained else 0)
