"""Do the jobs of the robustness study: train encoders, score them clean and corrupted."""

from pathlib import Path
from typing import Any

from rich.console import Console

from causal_ssl.experiments.image_study import jobs as image_jobs
from causal_ssl.experiments.image_study.pictures import FILE
from causal_ssl.experiments.robustness import evaluation, images, pictures, plan
from causal_ssl.experiments.robustness.config import RobustnessStudy
from causal_ssl.experiments.robustness.evaluation import Floats
from causal_ssl.experiments.robustness.plan import Cell
from causal_ssl.experiments.run_directory import RunDirectory
from causal_ssl.experiments.workers import Report
from causal_ssl.models.image_encoders import ImageEncoder, image_encoder
from causal_ssl.training.device import device_of
from causal_ssl.training.images import features

SCORING_BATCH = 500


def check(config: RobustnessStudy) -> None:
    """Refuse, before anything starts, what only methods, trainer or data can tell is wrong."""
    device_of(config.device)
    for dataset in config.datasets:
        n_images, n_classes = images.check(config, dataset)
        for cell in plan.cells(config):
            if cell.dataset == dataset:
                images.planned(config, cell, n_images=n_images, n_classes=n_classes)


def prepare(directory: RunDirectory, config: RobustnessStudy, console: Console) -> None:
    """Render what is to be rendered, and keep some images for the report."""
    image_jobs.sweep(directory.path, plan.cells(config))
    images.prepare(directory.path, config, console)
    if not (directory / FILE).exists():
        pictures.keep(directory.path, config)


def run(root: Path, config: RobustnessStudy, cell: Cell, report: Report) -> None:
    """Make an encoder and score it; see `image_jobs.run`."""
    image_jobs.run(
        root,
        cell,
        report,
        make=lambda: _encoder(root, config, cell, report),
        score=lambda encoder: _score(root, config, cell, encoder),
    )


def _encoder(root: Path, config: RobustnessStudy, cell: Cell, report: Report) -> image_jobs.Made:
    train = images.images_of(root, config, cell.dataset).train
    what = images.planned(config, cell, n_images=len(train), n_classes=len(train.classes))
    if not cell.is_trained:
        return image_encoder(what.training.encoder, seed=cell.seed), {}
    return image_jobs.train(
        root, config, cell, what.training, train, what.views, groups=what.groups, report=report
    )


def _score(
    root: Path, config: RobustnessStudy, cell: Cell, encoder: ImageEncoder | None
) -> list[evaluation.Row]:
    assert encoder is not None

    def represent(seen: Any) -> Floats:
        made = features(encoder, seen, batch_size=SCORING_BATCH, device=config.device)
        return made.intermediate

    material = images.material_of(root, config, cell.dataset)
    return evaluation.score(
        represent,
        material.train,
        material.test,
        corruptions=config.corruptions,
        severities=config.severities,
        styles=material.styles,
        seed=cell.seed,
    )
