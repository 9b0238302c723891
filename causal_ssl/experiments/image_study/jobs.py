"""Do the jobs of a study of image encoders: each trains in a folder of its own, is scored and kept.

A killed run finds its checkpoint in that folder; it is removed once the cell is finished.
"""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from causal_ssl import files
from causal_ssl.experiments import cells
from causal_ssl.experiments.image_study.config import ImageCell, ImageStudy
from causal_ssl.experiments.progress import JobProgress
from causal_ssl.experiments.workers import Report, TaskError
from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.models.weights.runs import ENCODER
from causal_ssl.training.images import (
    ImageProgress,
    ImageRun,
    ImageTraining,
    NonFiniteError,
    train_images,
)
from causal_ssl.training.images.run import Labels, Views

Row = dict[str, Any]
Made = tuple[ImageEncoder | None, dict[str, Any]]
"""A cell's encoder, None for those without, and what is kept of its training."""

HISTORY_ROWS = 100
"""Points of a loss curve, about, whatever the number of steps."""


def log_every(steps: int) -> int:
    """Steps per row of the logs.

    Examples:
        >>> log_every(800), log_every(6)
        (8, 1)
    """
    return max(1, steps // HISTORY_ROWS)


def run(
    root: Path,
    cell: ImageCell,
    report: Report,
    *,
    make: Callable[[], Made],
    score: Callable[[ImageEncoder | None], list[Row]],
) -> None:
    """Make a representation and score it; nothing where that is done.

    Args:
        root: the run's directory.
        cell: what to make.
        report: takes a `JobProgress` at each phase.
        make: the encoder, with `train` where it is trained.
        score: rows of the study's table.

    Raises:
        TaskError: training diverged.
    """
    if not cells.unfinished(root, cell.cell_names):
        return
    encoder, kept = make()
    report(JobProgress(cell.name, "scoring", 1, 1))
    cells.finish(root, cell.name, {"cell": asdict(cell), "rows": score(encoder), **kept})
    shutil.rmtree(_folder(root, cell), ignore_errors=True)


def sweep(root: Path, every: Iterable[ImageCell]) -> None:
    """Remove the folders of trainings whose cells are finished: a run may have ended in between."""
    for cell in every:
        if not cells.unfinished(root, cell.cell_names):
            shutil.rmtree(_folder(root, cell), ignore_errors=True)


def train(
    root: Path,
    config: ImageStudy,
    cell: ImageCell,
    training: ImageTraining,
    images: Any,
    views: Views,
    *,
    report: Report,
    groups: Labels | None = None,
) -> tuple[ImageEncoder, dict[str, Any]]:
    """Train a cell's encoder, or continue to; it is kept as encoders/CELL.pt.

    Args:
        root: the run's directory.
        config: says on what device, and with how many processes that read images.
        cell: says the seed.
        training, images, views, groups: see `ImageRun`.
        report: takes a `JobProgress` every few steps.

    Returns:
        The encoder, in eval mode, and the logs of the training, as columns.

    Raises:
        TaskError: training diverged.
    """
    image_run = ImageRun(
        training,
        images,
        views,
        out=_folder(root, cell),
        seed=cell.seed,
        groups=groups,
        device=config.device,
        workers=config.loader_workers,
        loggers=(),
    )

    def on_progress(now: ImageProgress) -> None:
        report(JobProgress(cell.name, "training", now.step, now.total, now.loss))

    try:
        trained = train_images(image_run, on_progress=on_progress)
    except NonFiniteError as error:
        raise TaskError(f"training diverged: {error}", about=cell.name) from error
    files.write(root / "encoders" / f"{cell.name}.pt", (image_run.out / ENCODER).read_bytes())
    logs = {name: getattr(trained, name).to_dict("list") for name in ("metrics", "timing")}
    return trained.encoder, logs


def _folder(root: Path, cell: ImageCell) -> Path:
    """The folder that a cell's encoder trains in."""
    return root / "training" / cell.name
