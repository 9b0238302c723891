"""`causal-ssl evaluate linear`: a linear classifier of frozen features, many rates in one pass.

DIR/table.csv    top-1 and top-5 on the validation images, and the grid that it was chosen from
DIR/probe.pt     the classifier, for `causal-ssl evaluate robustness --probe DIR`
DIR/training/    while it is trained: classifiers as they are after each epoch, to continue from
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from rich.console import Console

from causal_ssl.analysis.linear_probe import (
    LinearProbe,
    LinearSettings,
    held_out_split,
    linear_probe,
)
from causal_ssl.datasets.images.listing import some
from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation import runs
from causal_ssl.experiments.evaluation.classifier import Classifier
from causal_ssl.experiments.evaluation.encoders import Subject, open_subject
from causal_ssl.experiments.evaluation.images import Split
from causal_ssl.experiments.evaluation.linear.choosing import (
    open_validation,
    validation_folder,
)
from causal_ssl.experiments.evaluation.linear.config import CORRUPTED, Linear
from causal_ssl.experiments.evaluation.linear.crops import augmented
from causal_ssl.experiments.evaluation.linear.rows import in_words, rows_of, summary
from causal_ssl.experiments.watching import watching

TRAINING = "training"
TITLES = {"grid": "linear classifiers", "refit": "the chosen one, on all training images"}
OnEpoch = Callable[[str, int, int], None]


def evaluate(asked: Linear, out: Path | str, *, console: Console) -> pd.DataFrame:
    """How many validation images a linear classifier of the encoder's features tells rightly.

    Args:
        asked: the options.
        out: the run's directory.
        console: where to say what happens.

    Returns:
        The table that is in table.csv: metrics `linear_top1` and `linear_top5` on "val", and of
        every training of the grid what it was chosen by: `choice_top1` on held-out training images,
        or `choice_mce` on ImageNet-C's validation corruptions; of one that diverged, empty.

    Raises:
        InputError: what does not fit together or is not there, before anything is computed; NaN; no
            training that stays finite.
        Stopped: the disk is full.
    """
    settings = settings_of(asked)
    several = len(settings.members()) > 1
    if by_corrupted := several and asked.choose_on == CORRUPTED:
        validation_folder(asked)  # before anything is opened
    subject = open_subject(asked)
    train, val = runs.open_splits(asked, console)
    require_classes(train, val, asked)
    digests, corrupted = runs.digests_of([train, val]), None
    if by_corrupted:
        corrupted = open_validation(asked, train)
        digests |= {"validation corruptions": corrupted.digest()}
    elif several:
        held_out_split(torch.from_numpy(train.labels), asked.held_out, asked.seed)
    with runs.run_of(asked, out, subject, digests, console) as run:
        fit, score = map(run.features, (train, val))
        with (
            augmented(run, train) as views,
            _shown_epochs(asked, console) as on_epoch,
        ):
            found = linear_probe(
                fit,
                train.labels,
                score,
                val.labels,
                settings,
                views=views,
                choose_on=corrupted.choices(run) if corrupted else (),
                held_out=asked.held_out,
                refit=asked.refit,
                seed=asked.seed,
                device=subject.encoder.mean.device,
                keep=run.directory / TRAINING,
                on_epoch=on_epoch if views is None else views.on_epoch,
            )
        _classifier(found, train, subject).save(run.directory.path)
        rows = rows_of(asked, found, val)
        table = run.write_table(rows)
        shutil.rmtree(run.directory / TRAINING)
    run.say(*summary(run, found, rows, train, val))
    return table


def settings_of(asked: Linear) -> LinearSettings:
    """The grid.

    Raises:
        InputError: see `LinearSettings`.
    """
    return LinearSettings(
        asked.rates,
        weight_decays=asked.weight_decays,
        epochs=asked.epochs,
        batch_sizes=asked.batch_sizes,
        momentum=asked.momentum,
        schedule=asked.schedule,  # type: ignore[arg-type]
    )


def require_classes(train: Split, val: Split, asked: Linear) -> None:
    """Of every validation image's class there are training images.

    Raises:
        InputError: of some there are none, as where a list names images of a few classes.
    """
    if len(untrained := np.setdiff1d(val.labels, train.labels)):
        names = some([train.classes[number] for number in untrained])
        raise InputError(
            f"{asked.subset or asked.data_root} has no training images of {names}, which there are "
            "validation images of: give a list with images of every class"
        )


@contextmanager
def _shown_epochs(asked: Linear, console: Console) -> Iterator[OnEpoch | None]:
    """Progress of the training; None with crops, whose features tell of every epoch."""
    if asked.augment:
        yield None
        return
    with watching(console) as watcher:
        done: dict[str, int] = {}

        def on_epoch(what: str, epochs: int, total: int) -> None:
            if what in done:
                watcher.advance(epochs - done[what])
            else:
                watcher.begin(TITLES[what], total, epochs, "epochs")
            done[what] = epochs

        yield on_epoch


def _classifier(found: LinearProbe, train: Split, subject: Subject) -> Classifier:
    names = tuple(train.classes[number] for number in found.classes.tolist())
    words = in_words(found.chosen)
    weights, biases = found.weights.float(), found.biases.float()
    seen = train.side, train.interpolation
    return Classifier(weights, biases, names, subject.digest, words, *seen)
