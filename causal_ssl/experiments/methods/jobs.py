"""Do the jobs of the methods study: pretrain encoders, score representations."""

from pathlib import Path

from rich.console import Console

from causal_ssl.datasets.images import Images
from causal_ssl.experiments.image_study import jobs as image_jobs
from causal_ssl.experiments.image_study import plans as image_plans
from causal_ssl.experiments.image_study.config import RANDOM
from causal_ssl.experiments.image_study.pictures import FILE
from causal_ssl.experiments.image_study.splits import Splits, splits
from causal_ssl.experiments.methods import evaluation, pictures, plan, recipes
from causal_ssl.experiments.methods.config import PRESET, RAW, MethodsStudy
from causal_ssl.experiments.methods.images import represented
from causal_ssl.experiments.methods.plan import Cell
from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.experiments.pretraining.plan import Plan, Views, asked_for
from causal_ssl.experiments.run_directory import RunDirectory
from causal_ssl.experiments.workers import Report
from causal_ssl.models.image_encoders import ImageEncoder, image_encoder
from causal_ssl.training.device import device_of


def check(config: MethodsStudy) -> None:
    """Refuse, before anything starts, what only methods, trainer or data can tell is wrong."""
    device_of(config.device)
    images = images_of(config)
    for name in config.methods:
        planned(config, name, 0, images.train)


def prepare(directory: RunDirectory, config: MethodsStudy, console: Console) -> None:
    """Keep some images for the report."""
    image_jobs.sweep(directory.path, plan.cells(config))
    if not (directory / FILE).exists():
        images = images_of(config).train
        pictures.keep(directory / FILE, images, shown(config, images))


def run(root: Path, config: MethodsStudy, cell: Cell, report: Report) -> None:
    """Make a representation and score it; see `image_jobs.run`."""
    images = images_of(config)
    image_jobs.run(
        root,
        cell,
        report,
        make=lambda: _encoder(root, config, cell, images.train, report),
        score=lambda encoder: _score(config, images, encoder),
    )


def _encoder(
    root: Path, config: MethodsStudy, cell: Cell, images: Images, report: Report
) -> image_jobs.Made:
    if cell.method == RAW:
        return None, {}
    if cell.method == RANDOM:
        # Any method's: the trunk comes first and has the same weights under every head.
        training = planned(config, config.methods[0], cell.seed, images).training
        return image_encoder(training.encoder, seed=cell.seed), {}
    what = planned(config, cell.method, cell.seed, images)
    encoder, logs = image_jobs.train(
        root, config, cell, what.training, images, what.views, groups=what.groups, report=report
    )
    return encoder, {"plan": recipes.beside(what), **logs}


def _score(
    config: MethodsStudy, images: Splits, encoder: ImageEncoder | None
) -> list[evaluation.Row]:
    train, test = (
        represented(encoder, split, device=config.device)
        for split in images.whole(asked(config, config.methods[0], 0).size)
    )
    return evaluation.score(train, test, n_linear=config.n_linear)


def images_of(config: MethodsStudy) -> Splits:
    """The study's images.

    Raises:
        InputError: see `splits`.
    """
    return splits(config.data_root, size=asked(config, config.methods[0], 0).working_size)


def asked(config: MethodsStudy, method: str, seed: int) -> Pretraining:
    """What `causal-ssl pretrain` is asked for; the same for every method that has a use for it."""
    return asked_for(
        method,
        PRESET,
        data_root=config.data_root,
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
        InputError: there is no such method, or it is not for images; see `image_plans.planned`.
    """
    n_images, n_classes = len(images), len(images.classes)
    what = asked(config, method, seed)
    return image_plans.planned(method, what, n_images=n_images, n_classes=n_classes)


def shown(config: MethodsStudy, images: Images) -> Views:
    """The views that the study's methods learn from."""
    return planned(config, config.methods[0], 0, images).views
