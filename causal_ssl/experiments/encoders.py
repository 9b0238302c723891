"""Worlds and encoders of a study, in its run's directory: drawn, trained, kept, resumed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from causal_ssl import files, methods
from causal_ssl.datasets.content_style import ContentStyle, ContentStyleConfig
from causal_ssl.datasets.tasks import Task
from causal_ssl.experiments.progress import JobProgress
from causal_ssl.experiments.trained import TrainedStudy
from causal_ssl.experiments.workers import Report, TaskError
from causal_ssl.objectives import Objective
from causal_ssl.training.numerical import (
    DivergedError,
    NumericalTraining,
    Progress,
    Trained,
    train,
)

HISTORY_ROWS = 200
"""Points of a loss curve, whatever the number of steps."""


def applied(name: str, **options: Any) -> dict[str, Any]:
    """Those of a study's options that a method's objective has.

    Args:
        name: of the method.
        **options: of objectives; None leaves an objective's own. A temperature is given to those
            alone that compare through a similarity.

    Raises:
        InputError: no such method.

    Examples:
        >>> applied("infonce", tau=0.5, alpha=2.0)
        {'tau': 0.5}
    """
    known = set(methods.get(name).options)
    if "similarity" not in known:
        known.discard("tau")
    return {k: value for k, value in options.items() if k in known and value is not None}


def configured(name: str, **options: Any) -> tuple[methods.Method, Objective]:
    """A method and its objective, with those of a study's options that it has; see `applied`.

    Raises:
        InputError: no such method, or a value that the objective refuses.

    Examples:
        >>> configured("relic", tau=0.5, alpha=2.0)[1].alpha
        2.0
    """
    method = methods.get(name)
    return method, method.objective(**applied(name, **options))


def load_world(root: Path, name: str, config: ContentStyleConfig, seed: int) -> ContentStyle:
    """A world, from the run's directory; drawn and saved there the first time."""
    path = root / "worlds" / f"{name}.pt"
    if path.exists():
        return ContentStyle.load(path)
    world = ContentStyle.draw(config, seed=seed)
    path.parent.mkdir(exist_ok=True)
    world.save(path)
    return world


def checkpoint_of(root: Path, job: str) -> Path:
    """Where a job's training in progress is kept, until its cells are finished."""
    path = root / "checkpoints" / f"{job}.pt"
    path.parent.mkdir(exist_ok=True)
    return path


def train_cells(
    root: Path,
    job: str,
    cells: Sequence[str],
    worlds: Sequence[ContentStyle],
    method: methods.Method,
    objective: Objective,
    config: NumericalTraining,
    *,
    seeds: Sequence[int],
    n_outputs: int,
    device: str,
    report: Report,
    tasks: Sequence[Task] | None = None,
) -> Trained:
    """Train one encoder a cell, all of them as one batched model, or continue to.

    Args:
        root: the run's directory.
        job: whose checkpoint and progress it is.
        cells: names, one a world.
        worlds, method, objective, config, seeds, n_outputs, device, tasks: as `train`.
        report: takes a `JobProgress` every few steps.

    Raises:
        TaskError: training diverged; names the cell and the remedy.
    """

    def on_progress(progress: Progress) -> None:
        losses = progress.terms["loss"]
        loss = sum(losses) / len(losses)
        report(JobProgress(job, "training", progress.step, config.steps, loss))

    try:
        return train(
            worlds,
            method,
            objective,
            config,
            seeds=seeds,
            n_outputs=n_outputs,
            device=device,
            checkpoint=checkpoint_of(root, job),
            on_progress=on_progress,
            tasks=tasks,
        )
    except DivergedError as error:
        remedy = "(a changed learning_rate needs a new out directory)"
        message = f"training diverged: {error} {remedy}"
        raise TaskError(message, about=cells[error.replica]) from error


def keep_encoder(root: Path, cell: str, trained: Trained, replica: int) -> nn.Sequential:
    """A cell's encoder, on the CPU, in eval mode; its weights are saved as encoders/CELL.pt."""
    encoder = trained.encoder.replica(replica).to("cpu").eval()
    files.save_tensors(root / "encoders" / f"{cell}.pt", encoder.state_dict())
    return encoder


def training(config: TrainedStudy, steps: int) -> NumericalTraining:
    """The trainer's own config.

    Raises:
        InputError: a value that the trainer refuses.
    """
    return NumericalTraining(
        steps=steps,
        batch_size=config.batch_size,
        hidden=config.hidden,
        learning_rate=config.learning_rate,
        schedule=config.schedule,  # type: ignore[arg-type]
        warmup=config.warmup,
        precision=config.precision,  # type: ignore[arg-type]
        cuda_graph=config.cuda_graph,
        log_every=max(1, steps // HISTORY_ROWS),
    )
