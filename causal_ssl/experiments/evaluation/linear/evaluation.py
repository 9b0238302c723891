"""`causal-ssl evaluate linear`: a linear classifier of frozen features, many rates in one pass.

DIR/table.csv    top-1 and top-5 on the held-out images, and the grid that it was chosen from
DIR/probe.pt     the classifier, for `causal-ssl evaluate robustness --probe DIR`
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from rich.console import Console

from causal_ssl.analysis.linear_probe import LinearProbe, LinearSettings, linear_probe, split
from causal_ssl.analysis.masked_accuracy import Accuracy
from causal_ssl.datasets.images.listing import some
from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation import published, runs
from causal_ssl.experiments.evaluation.classifier import Classifier
from causal_ssl.experiments.evaluation.encoders import Subject, open_subject
from causal_ssl.experiments.evaluation.images import Split
from causal_ssl.experiments.evaluation.linear.config import Linear
from causal_ssl.experiments.evaluation.linear.crops import augmented
from causal_ssl.experiments.run_directory import RunDirectory

IMAGENET = 1000, 50_000
"""Classes and held-out images: published numbers are of these."""


def evaluate(asked: Linear, out: Path | str, *, console: Console) -> pd.DataFrame:
    """How many held-out images a linear classifier of the encoder's features tells rightly.

    Args:
        asked: the options.
        out: the run's directory.
        console: where to say what happens.

    Returns:
        The table that is in table.csv: metrics `linear_top1` and `linear_top5` on "val", and
        `choice_top1` of every training of the grid on what it was chosen on; of one that diverged,
        empty.

    Raises:
        InputError: what does not fit together or is not there, before anything is computed; NaN; no
            training that stays finite.
        Stopped: the disk is full.
    """
    subject = open_subject(asked)
    train, val = runs.open_splits(asked, console)
    settings = settings_of(asked)
    require_classes(train, val, asked)
    if len(settings.members()) > 1:
        split(torch.from_numpy(train.labels), asked.held_out, asked.seed)
    with runs.run_of(asked, out, subject, runs.digests_of([train, val])) as directory:
        fit, score = (
            runs.features_in(directory, asked, subject, split, console) for split in (train, val)
        )
        folder = runs.features_folder(directory, asked)
        with augmented(subject, train, asked, folder, console) as views:
            found = linear_probe(
                fit,
                train.labels,
                score,
                val.labels,
                settings,
                views=views,
                held_out=asked.held_out,
                refit=asked.refit,
                seed=asked.seed,
                device=subject.network.mean.device,
            )
        _classifier(found, train, subject).save(directory.path)
        rows = _rows(asked, found, val)
        table = runs.write_table(directory, asked, subject, rows)
    runs.say(console, *_summary(directory, asked, subject, found, rows, train, val))
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
    """Of every held-out image's class there are training images.

    Raises:
        InputError: of some there are none, as where a list names images of a few classes.
    """
    if len(untrained := np.setdiff1d(val.labels, train.labels)):
        names = some([train.classes[number] for number in untrained])
        raise InputError(
            f"{asked.subset or asked.data_root} has no training images of {names}, which held-out "
            "images are of: give a list with images of every class"
        )


def _classifier(found: LinearProbe, train: Split, subject: Subject) -> Classifier:
    names = tuple(train.classes[number] for number in found.classes.tolist())
    words = _in_words(found.chosen)
    weights, biases = found.weights.float(), found.biases.float()
    return Classifier(weights, biases, names, subject.digest, words)


def _rows(asked: Linear, found: LinearProbe, val: Split) -> list[dict[str, Any]]:
    """The two accuracies, and those that the grid's trainings were chosen by."""
    common = {"seed": asked.seed, "variable": val.name, "setting": _in_words(found.chosen)}
    rows = [
        {**common, "metric": f"linear_{name}", "n": it.n, **_interval(it)}
        for name, it in (("top1", found.top1), ("top5", found.top5))
    ]
    if len(found.members) > 1:
        rows += [
            {
                "seed": asked.seed,
                "variable": "held_out",
                "metric": "choice_top1",
                "setting": _in_words(row),
                "value": row.held_out_top1,
            }
            for row in found.members.itertuples()
        ]
    return rows


def _interval(found: Accuracy) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high}


def _in_words(member: Any) -> str:
    """A training of the grid, as tables name it."""
    return (
        f"rate={member.learning_rate:g} decay={member.weight_decay:g} epochs={member.epochs} "
        f"batch={member.batch_size}"
    )


def _summary(
    directory: RunDirectory,
    asked: Linear,
    subject: Subject,
    found: LinearProbe,
    rows: list[dict[str, Any]],
    train: Split,
    val: Split,
) -> Iterator[str]:
    how = "random crops and flips" if asked.augment else "centres"
    top1, top5 = (runs.percent(row) for row in rows[:2])
    yield (
        f"{subject.source}: linear classifier trained on {how} of {len(train):,} images, "
        f"{_in_words(found.chosen)}: top-1 {top1}, top-5 {top5}, of {len(val):,} held-out images"
    )
    if found.edge:
        yield (
            f"the rate chosen is the {found.edge} of --rates: a better one may lie beyond, give "
            "more"
        )
    if found.members["diverged"].any():
        yield f"{int(found.members['diverged'].sum())} of {len(found.members)} trainings diverged"
    if (len(train.classes), len(val)) == IMAGENET:
        yield "published, ImageNet top-1: " + ", ".join(
            f"{row.printed} ({row.architecture}) {100 * row.reference:.1f} %"
            for row in published.linear().query("metric == 'top1' and method != ''").itertuples()
        )
    yield f"{directory.path}: table.csv, probe.pt"
