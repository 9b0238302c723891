"""Do the jobs of the Causal3DIdent study: render images, train encoders, score representations."""

from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from causal_ssl import methods
from causal_ssl.datasets.causal3dident import layout
from causal_ssl.datasets.causal3dident.dataset import Causal3DIdent
from causal_ssl.datasets.causal3dident.packed import pack
from causal_ssl.datasets.images.parts import Part
from causal_ssl.errors import InputError
from causal_ssl.experiments import encoders
from causal_ssl.experiments.causal3dident import evaluation, pictures, plan, render, settings
from causal_ssl.experiments.causal3dident.config import (
    ALPHAS,
    CLASS_ALONE,
    GAMMAS,
    LAYERS,
    Causal3DIdentStudy,
)
from causal_ssl.experiments.causal3dident.evaluation import Labelled
from causal_ssl.experiments.causal3dident.pairs import pairs_of, source_of
from causal_ssl.experiments.causal3dident.plan import Cell
from causal_ssl.experiments.image_study import jobs as image_jobs
from causal_ssl.experiments.image_study.config import RANDOM
from causal_ssl.experiments.image_study.pictures import FILE
from causal_ssl.experiments.run_directory import RunDirectory
from causal_ssl.experiments.workers import Report
from causal_ssl.methods import Optimiser
from causal_ssl.models.image_encoders import EncoderConfig, ImageEncoder, image_encoder
from causal_ssl.randomness import generator_for
from causal_ssl.training.device import device_of
from causal_ssl.training.images import ImageTraining, features
from causal_ssl.views.augmentations import CAUSAL3DIDENT

SCORING_BATCH = 256


def check(config: Causal3DIdentStudy) -> None:
    """Refuse, before anything starts, what only methods, trainer or data can tell is wrong."""
    for name in config.methods:
        if methods.get(name).takes_groups:
            raise InputError(f"method {name!r} needs groups, which this study has none of")
        training(config, name)
    device_of(config.device)
    if config.data_root:
        _check_images(config)
    else:
        render.recipe_of(_render_options(config, Path("data")))


def _check_images(config: Causal3DIdentStudy) -> None:
    for split, wanted in (("train", config.batch_size), ("test", config.n_test)):
        albums = [len(album) for album in layout.albums(config.data_root, split)]
        if sum(albums) < wanted:
            raise InputError(
                f"{config.data_root} has {sum(albums):,} images in its {split}set, this asks for "
                f"{wanted:,}: lower n_test or batch_size, or render more"
            )
        if sum(map(bool, albums)) < 2:
            raise InputError(
                f"all images of {config.data_root} in its {split}set are of one class: this "
                "study asks representations for the class, name a set of several"
            )


def prepare(directory: RunDirectory, config: Causal3DIdentStudy, console: Console) -> None:
    """Render the images, or what is missing of them, and keep some for the report."""
    image_jobs.sweep(directory.path, plan.cells(config))
    root = data_of(directory.path, config)
    if config.data_root:
        for split in layout.SPLITS:
            _pack(root, split, config)
    else:
        render.run(_render_options(config, root), console=console)
    if not (directory / FILE).exists():
        pictures.keep(directory / FILE, images_of(directory.path, config, "train"), config)


def run(root: Path, config: Causal3DIdentStudy, cell: Cell, report: Report) -> None:
    """Make a representation and score it, of an encoder both layers; see `image_jobs.run`."""
    image_jobs.run(
        root,
        cell,
        report,
        make=lambda: _encoder(root, config, cell, report),
        score=lambda encoder: _score(root, config, encoder),
    )


def _encoder(root: Path, config: Causal3DIdentStudy, cell: Cell, report: Report) -> image_jobs.Made:
    if cell.method == CLASS_ALONE:
        return None, {"source": ""}
    if cell.method == RANDOM:
        return image_encoder(encoder_config(config), seed=cell.seed), {"source": ""}
    pairs, views = pairs_of(settings.get(cell.setting), images_of(root, config, "train"))
    what = training(config, cell.method)
    encoder, logs = image_jobs.train(root, config, cell, what, pairs, views, report=report)
    return encoder, {"source": source_of(pairs), **logs}


def _score(
    root: Path, config: Causal3DIdentStudy, encoder: ImageEncoder | None
) -> list[evaluation.Row]:
    """Rows of both layers of an encoder; for None those of the class alone, which has no layers."""
    images = images_of(root, config, "test")
    chosen = _chosen(config, len(images))
    labelled = Labelled(images.object_class[chosen], images.latents[chosen], config.n_fit)
    if encoder is None:
        # Of seven distinct points, shuffled pairs would say nothing of chance.
        representations, shuffles = {"": evaluation.class_alone(labelled)}, 0
    else:
        seen = Part(images, chosen)
        made = features(encoder, seen, batch_size=SCORING_BATCH, device=config.device)
        representations, shuffles = {layer: getattr(made, layer) for layer in LAYERS}, 1
    return [
        {"layer": layer, **row}
        for layer, representation in representations.items()
        for row in evaluation.score(
            representation,
            labelled,
            alphas=ALPHAS,
            gammas=GAMMAS,
            cv=config.folds,
            shuffles=shuffles,
            seed=config.data_seed,
            device=config.device,
        )
    ]


def _chosen(config: Causal3DIdentStudy, total: int) -> np.ndarray:
    """The images to score on, in random order: in the files they lie class by class."""
    generator = generator_for(config.data_seed, "scored")
    return torch.randperm(total, generator=generator)[: config.n_test].numpy()


def images_of(root: Path, config: Causal3DIdentStudy, split: str) -> Causal3DIdent:
    """A split of the run's images, packed at the size that encoders see."""
    return Causal3DIdent(data_of(root, config), split, size=config.size)


def data_of(root: Path, config: Causal3DIdentStudy) -> Path:
    """The folder of the run's images."""
    return Path(config.data_root) if config.data_root else root / "data"


def encoder_config(config: Causal3DIdentStudy) -> EncoderConfig:
    """The study's encoder; images are standardised with the published set's channel moments."""
    return EncoderConfig(
        config.encoder, n_outputs=config.n_outputs, mean=CAUSAL3DIDENT.mean, std=CAUSAL3DIDENT.std
    )


def training(config: Causal3DIdentStudy, method: str) -> ImageTraining:
    """The trainer's own config.

    Raises:
        InputError: a value that the trainer refuses.
    """
    objective = encoders.applied(
        method, similarity="cosine", tau=config.tau, alpha=config.relic_alpha
    )
    return ImageTraining(
        steps=config.steps,
        batch_size=config.batch_size,
        method=method,
        objective=objective,
        encoder=encoder_config(config),
        optimiser=Optimiser("adam", config.learning_rate),
        precision=config.precision,  # type: ignore[arg-type]
        log_every=image_jobs.log_every(config.steps),
        checkpoint_every=config.checkpoint_every,
    )


def _render_options(config: Causal3DIdentStudy, root: Path) -> render.RenderOptions:
    return render.RenderOptions(
        n_train=config.n_train,
        n_test=config.n_test,
        seed=config.data_seed,
        out=str(root),
        size=config.size,
        backend=config.backend,
        object_scale=config.object_scale,
        counterfactuals=config.counterfactuals if config.changes else 0,
        change=",".join(config.changes),
        counterfactuals_of="train",
        packed=config.size,
    )


def _pack(root: Path, split: str, config: Causal3DIdentStudy) -> None:
    there = layout.changes(root, split)
    for change in ("", *(change for change in config.changes if change in there)):
        pack(root, split, config.size, change=change)
