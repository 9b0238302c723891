"""What the study of Theorem 1 has to do: batches of models, each a cell and a job of its own."""

from dataclasses import dataclass

from causal_ssl.experiments.theorem1.config import Theorem1Study


@dataclass(frozen=True)
class Job:
    """Models of one setting, which one process checks in one go.

    Attributes:
        setting: of the models.
        seeds: of the models; consecutive.
    """

    setting: str
    seeds: range

    @property
    def name(self) -> str:
        return f"{self.setting}-{self.seeds[0]}-to-{self.seeds[-1]}"

    @property
    def cell_names(self) -> list[str]:
        return [self.name]


def jobs(config: Theorem1Study) -> list[Job]:
    """All batches, in the order of the table.

    Examples:
        >>> config = Theorem1Study(settings=("channel",), models=5, models_per_job=2)
        >>> [job.name for job in jobs(config)]
        ['channel-0-to-1', 'channel-2-to-3', 'channel-4-to-4']
    """
    starts = range(0, config.models, config.models_per_job)
    return [
        Job(setting, config.seeds[start : start + config.models_per_job])
        for setting in config.settings
        for start in starts
    ]


def work(config: Theorem1Study, job: Job) -> float:
    """How long a job takes, in models."""
    return len(job.seeds)
