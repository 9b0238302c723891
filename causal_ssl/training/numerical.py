"""The trainer of the numerical studies: small encoders, fresh samples, many replicas.

    trained = train(worlds, methods.get("relic"), methods.get("relic").objective(),
                    NumericalTraining(steps=4000, batch_size=256), seeds=[0, 1], n_outputs=5,
                    checkpoint=Path("runs/x/training.pt"))
    trained.encoder.replica(0)(x)     # (n, 5)

Call it again after an interruption, with the same arguments: it continues from the checkpoint and
ends, on a CPU with as many threads, bit for bit where it would have ended.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from causal_ssl.datasets.content_style import ContentStyle
from causal_ssl.datasets.tasks import Task
from causal_ssl.errors import InputError, in_range
from causal_ssl.methods import Method
from causal_ssl.models.mlp import ReplicatedMLP
from causal_ssl.objectives import Objective
from causal_ssl.training.config import NumericalTraining
from causal_ssl.training.run import DivergedError, Progress, TrainingRun
from causal_ssl.training.step import matmul_precision

__all__ = ["DivergedError", "NumericalTraining", "Progress", "Trained", "train"]


@dataclass(frozen=True)
class Trained:
    """What training leaves.

    Attributes:
        encoder: the R trained encoders, on the CPU.
        history: columns step, replica, term, value; see `History.frame`.
    """

    encoder: ReplicatedMLP
    history: pd.DataFrame


def train(
    worlds: Sequence[ContentStyle],
    method: Method,
    objective: Objective,
    config: NumericalTraining,
    *,
    seeds: Sequence[int],
    n_outputs: int,
    tasks: Sequence[Task] | None = None,
    device: torch.device | str = "cpu",
    checkpoint: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train one encoder per world, all of them together.

    Args:
        worlds: R worlds, where replica r's views come from; of one observed dimension.
        method: says whether there is a target network, a squashed output.
        objective: the method's, with the options wanted (`method.objective(...)`); says whether
            there are separate negatives.
        config: see `NumericalTraining`.
        seeds: R seeds, of the encoders' first weights and of the stream of samples.
        n_outputs: dimension of the representation.
        tasks: R tasks, iff the objective takes groups: samples whose content has the same label
            are of one group. In a checkpoint a dataclass is known by its fields, a function by its
            name; see `causal_ssl.datasets.tasks`.
        device: where to train.
        checkpoint: file to save to every few seconds and to continue from. A finished run's is
            complete: training it again returns at once.
        on_progress: called every few steps; what it raises ends the training.

    Returns:
        The encoders and the history of their losses.

    Raises:
        InputError: arguments that do not fit together, or a checkpoint of another run (the message
            names what differs; nothing is overwritten).
        DivergedError: a loss is no longer finite; names replica, step and term, and the checkpoint
            that was still good.

    References:
        Von Kuegelgen et al. 2021, arXiv 2106.04619, appendix D.

    Examples:
        >>> from causal_ssl import methods
        >>> from causal_ssl.datasets.content_style import ContentStyleConfig
        >>> world = ContentStyle.draw(ContentStyleConfig(mixing_candidates=100), seed=0)
        >>> method = methods.get("infonce")
        >>> config = NumericalTraining(steps=20, batch_size=64, hidden=(16,), log_every=10)
        >>> trained = train([world], method, method.objective(), config, seeds=[0], n_outputs=5)
        >>> trained.encoder.replica(0)(torch.zeros(3, 10)).shape
        torch.Size([3, 5])
        >>> trained.history.query("term == 'loss'").step.tolist()
        [10, 20]
    """
    _check(worlds, seeds, n_outputs)
    _check_tasks(tasks, worlds, objective)
    device = torch.device(device)
    with matmul_precision(config.precision, device):
        run = TrainingRun(
            worlds, method, objective, config, list(seeds), n_outputs, device, checkpoint, tasks
        )
        while run.step < config.steps:
            terms = run.chunk()
            run.save_if_due()
            if on_progress is not None:
                on_progress(run.progress(terms))
    return Trained(run.training.encoder.cpu(), run.history.frame())


def _check(worlds: Sequence[ContentStyle], seeds: Sequence[int], n_outputs: int) -> None:
    if not worlds:
        raise InputError("no worlds: training needs at least one")
    if len(seeds) != len(worlds):
        raise InputError(f"{len(seeds)} seeds for {len(worlds)} worlds: give one each")
    in_range("n_outputs", n_outputs, at_least=1)
    if len(dims := {world.mixing.dim for world in worlds}) > 1:
        raise InputError(
            f"worlds of {sorted(dims)} observed dimensions: train those of one dimension together"
        )


def _check_tasks(
    tasks: Sequence[Task] | None, worlds: Sequence[ContentStyle], objective: Objective
) -> None:
    name = type(objective).__name__
    if tasks is None:
        if objective.takes_groups:
            raise InputError(
                f"no tasks: {name} with groups as positives learns from labels, give one task a "
                "world (causal_ssl.datasets.tasks)"
            )
        return
    if not objective.takes_groups:
        raise InputError(
            f"{len(tasks)} tasks, but {name} without groups as positives looks at no label: leave "
            "tasks out, or give the objective positives='group_mass' or 'group_mean_log'"
        )
    if len(tasks) != len(worlds):
        raise InputError(f"{len(tasks)} tasks for {len(worlds)} worlds: give one each")
