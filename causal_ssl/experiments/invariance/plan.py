"""What the invariance study has to do: representations of known worlds, in jobs to share."""

from collections.abc import Sequence
from dataclasses import dataclass

from causal_ssl import methods
from causal_ssl._numbers import exactly
from causal_ssl.experiments.invariance.config import CONTROLS, InvarianceStudy
from causal_ssl.experiments.trained import batches


@dataclass(frozen=True, order=True)
class Cell:
    """One representation of one world, measured in every kind of environment.

    Attributes:
        world: which kind, see `WORLDS`.
        method: of an encoder, or a control.
        seed: of the world and of the encoder.
        alpha: weight of ReLIC's invariance term; None for other methods.
    """

    world: str
    method: str
    seed: int
    alpha: float | None = None

    @property
    def name(self) -> str:
        """File name without its ending."""
        alpha = "" if self.alpha is None else f"-alpha{exactly(self.alpha)}"
        return f"{self.world}-{self.method}{alpha}-seed{self.seed}"

    @property
    def world_name(self) -> str:
        """Name of the world that it is of; methods share worlds."""
        return f"{self.world}-seed{self.seed}"

    @property
    def is_control(self) -> bool:
        """Whether it is made of the true latents, without training."""
        return self.method in CONTROLS


@dataclass(frozen=True)
class Job:
    """Encoders trained as one batched model, or the controls of one world."""

    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        first = self.cells[0]
        if first.is_control:
            return f"{first.world_name}-controls"
        more = f"-and-{len(self.cells) - 1}-more" if len(self.cells) > 1 else ""
        return first.name + more

    @property
    def cell_names(self) -> list[str]:
        return [cell.name for cell in self.cells]


def variants(config: InvarianceStudy) -> list[tuple[str, float | None]]:
    """Methods with the weight alpha of their penalty: those that have one once for each."""
    return [
        (method, alpha)
        for method in config.methods
        for alpha in (config.relic_alphas if "alpha" in methods.get(method).options else (None,))
    ]


def cells(config: InvarianceStudy) -> list[Cell]:
    """Every representation, in the order of the table: encoders, then controls, of each world."""
    return [
        Cell(world, method, seed, alpha)
        for world in config.worlds
        for method, alpha in [*variants(config), *((name, None) for name in config.controls)]
        for seed in range(config.seeds)
    ]


def jobs(config: InvarianceStudy) -> list[Job]:
    """All jobs, the longest first so that processes finish together."""
    every = cells(config)
    found = [
        Job(tuple(part))
        for variant in variants(config)
        for part in batches(
            [cell for cell in every if (cell.method, cell.alpha) == variant], config.device
        )
    ]
    for world in config.worlds:
        for seed in range(config.seeds):
            found.append(Job(tuple(_controls(every, world, seed))))
    return sorted(found, key=lambda job: -work(config, job))


def _controls(every: Sequence[Cell], world: str, seed: int) -> list[Cell]:
    return [c for c in every if c.is_control and (c.world, c.seed) == (world, seed)]


MEASURING_STEPS = 1000
"""About as long as measuring a representation of the quick preset takes, in training steps."""


def work(config: InvarianceStudy, job: Job) -> float:
    """How long a job takes, in steps of one small encoder."""
    measuring = MEASURING_STEPS * len(config.environments)
    training = 0 if job.cells[0].is_control else config.steps
    return (measuring + training) * len(job.cells)
