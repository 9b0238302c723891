"""Do the jobs of the methods study: pretrain encoders, score representations."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from causal_ssl import files
from causal_ssl.datasets.images import Images
from causal_ssl.experiments import cells, encoders
from causal_ssl.experiments.comparison import evaluation, pictures, plan, recipes
from causal_ssl.experiments.comparison.config import PRESET, RANDOM, RAW, MethodsStudy
from causal_ssl.experiments.comparison.images import Splits, represented, splits
from causal_ssl.experiments.comparison.plan import Cell
from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.experiments.pretraining.plan import Plan, Views, asked_for, make_plan
from causal_ssl.experiments.progress import JobProgress
from causal_ssl.experiments.run_directory import RunDirectory
from causal_ssl.experiments.workers import Report, TaskError
from causal_ssl.models.image_encoders import ImageEncoder, image_encoder
from causal_ssl.training.images import (
    ImageProgress,
    ImageRun,
    NonFiniteError,
    TrainedImages,
    train_images,
)
from causal_ssl.training.images.encoder_file import ENCODER

HISTORY_ROWS = 100
"""Points of a loss curve, about, whatever the number of steps."""


def check(config: MethodsStudy) -> None:
    """Refuse, before anything starts, what only methods, trainer or data can tell is wrong."""
    encoders.check_device(config.device)
    images = images_of(config)
    for name in config.methods:
        planned(config, name, 0, images.train)


def prepare(directory: RunDirectory, config: MethodsStudy, console: Console) -> None:
    """Keep some images for the report, and remove what a run that ended in between left: the
    folders of trainings whose cells are finished."""
    if not (directory / pictures.FILE).exists():
        images = images_of(config).train
        pictures.keep(directory / pictures.FILE, images, shown(config, images))
    for cell in plan.cells(config):
        if not cells.unfinished(directory.path, cell.cell_names):
            shutil.rmtree(_training_of(directory.path, cell), ignore_errors=True)


def run(root: Path, config: MethodsStudy, cell: Cell, report: Report) -> None:
    """Make a representation and score it; nothing where that is done.

    Raises:
        TaskError: training diverged.
    """
    if not cells.unfinished(root, cell.cell_names):
        return
    images = images_of(config)
    encoder, kept = _encoder(root, config, cell, images.train, report)
    report(JobProgress(cell.name, "scoring", 1, 1))
    train, test = (
        represented(encoder, split, device=config.device)
        for split in images.whole(asked(config, config.methods[0], 0).size)
    )
    rows = evaluation.score(train, test, n_linear=config.n_linear)
    cells.finish(root, cell.name, {"cell": asdict(cell), "rows": rows, **kept})
    shutil.rmtree(_training_of(root, cell), ignore_errors=True)


def _encoder(
    root: Path, config: MethodsStudy, cell: Cell, images: Images, report: Report
) -> tuple[ImageEncoder | None, dict[str, Any]]:
    """A cell's encoder, None for raw pixels, and what is kept of its training."""
    if cell.method == RAW:
        return None, {}
    if cell.method == RANDOM:
        # Any method's: the trunk comes first and has the same weights under every head.
        training = planned(config, config.methods[0], cell.seed, images).training
        return image_encoder(training.encoder, seed=cell.seed), {}
    what, out = planned(config, cell.method, cell.seed, images), _training_of(root, cell)
    trained = _train(out, config, cell, what, images, report)
    files.write(root / "encoders" / f"{cell.name}.pt", (out / ENCODER).read_bytes())
    logs = {name: getattr(trained, name).to_dict("list") for name in ("metrics", "timing")}
    return trained.encoder, {"plan": recipes.beside(what), **logs}


def _training_of(root: Path, cell: Cell) -> Path:
    """The folder that a cell's encoder trains in."""
    return root / "training" / cell.name


def _train(
    out: Path, config: MethodsStudy, cell: Cell, what: Plan, images: Images, report: Report
) -> TrainedImages:
    def on_progress(now: ImageProgress) -> None:
        report(JobProgress(cell.name, "training", now.step, now.total, now.loss))

    image_run = ImageRun(
        what.training,
        images,
        what.views,
        out=out,
        seed=cell.seed,
        groups=what.groups,
        device=config.device,
        workers=config.loader_workers,
        loggers=(),
    )
    try:
        return train_images(image_run, on_progress=on_progress)
    except NonFiniteError as error:
        raise TaskError(f"training diverged: {error}", about=cell.name) from error


def images_of(config: MethodsStudy) -> Splits:
    """The study's images.

    Raises:
        InputError: see `splits`.
    """
    return splits(config.data, size=asked(config, config.methods[0], 0).working_size)


def asked(config: MethodsStudy, method: str, seed: int) -> Pretraining:
    """What `causal-ssl pretrain` is asked for; the same for every method that has a use for it."""
    return asked_for(
        method,
        PRESET,
        data_root=config.data,
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        checkpoint_every=config.checkpoint_every,
        device=config.device,
        workers=config.loader_workers,
        seed=seed,
    )


def planned(config: MethodsStudy, method: str, seed: int, images: Images) -> Plan:
    """A method's run.

    Raises:
        InputError: there is no such method, or it is not for images; see `make_plan`.
    """
    n_images, n_classes = len(images), len(images.classes)
    steps = int(config.epochs * (n_images // config.batch_size))
    logged = replace(asked(config, method, seed), log_every=max(1, steps // HISTORY_ROWS))
    return make_plan(method, logged, n_images=n_images, n_classes=n_classes)


def shown(config: MethodsStudy, images: Images) -> Views:
    """The views that the study's methods learn from."""
    return planned(config, config.methods[0], 0, images).views
