"""What the study of Theorem 1 runs: kinds of random models, and how many of each."""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.experiments.config import StudyConfig
from causal_ssl.experiments.options import option
from causal_ssl.experiments.theorem1.settings import SETTINGS


@dataclass(frozen=True)
class Theorem1Study(StudyConfig):
    """`causal-ssl study theorem1`: the bound of Theorem 1 on finite models, by enumeration.

    The defaults are the quick preset. Nothing is trained and nothing is sampled but the models.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> Theorem1Study(settings=("channel",), models=10, first_seed=5).seeds
        range(5, 15)
    """

    name: ClassVar[str] = "theorem1"

    settings: tuple[str, ...] = option(
        tuple(SETTINGS),
        f"kinds of models: {', '.join(SETTINGS)}",
        choices=tuple(SETTINGS),
        singular="setting",
        distinct=True,
    )
    models: int = option(1000, "random models a setting", at_least=1)
    first_seed: int = option(0, "seed of the first; the others follow it", at_least=0)
    models_per_job: int = option(
        500, "models that a process checks, and keeps, in one go", at_least=1
    )

    @property
    def seeds(self) -> range:
        """Of the models of each setting."""
        return range(self.first_seed, self.first_seed + self.models)
