"""`causal-ssl evaluate finetune`: the whole network trained on labelled images.

DIR/table.csv                 top-1 and top-5 on the validation images, and the grid's choice
DIR/encoder.pt, probe.pt      the network that was trained: trunk and classifier together, and the
                              classifier alone, as `--checkpoint DIR` and `--probe DIR` read them
DIR/metrics.csv, timing.csv   of its training, whose last epoch is what is scored
DIR/checkpoints/              the last two
DIR/grid/                     a directory like this one for every training of the grid

Called again after an interruption it continues, and ends, on a CPU, bit for bit where it would have
ended.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import nn

from causal_ssl.analysis.linear_probe import held_out_split
from causal_ssl.datasets.images.parts import Part
from causal_ssl.datasets.images.subsets import lists_classes
from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation import published, runs
from causal_ssl.experiments.evaluation.classifier import Classifier
from causal_ssl.experiments.evaluation.encoders import open_subject
from causal_ssl.experiments.evaluation.finetune.config import Finetune
from causal_ssl.experiments.evaluation.finetune.retraining import (
    TOP,
    Member,
    Retraining,
    Rows,
    train,
    train_of_grid,
)
from causal_ssl.experiments.evaluation.images import Split
from causal_ssl.experiments.evaluation.semi.config import Semi
from causal_ssl.experiments.watching import watching
from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.models.weights.digest import weights_digest
from causal_ssl.training.images import ImageRun

LISTS = {12_811: 1, 128_116: 10}
"""Images of the lists published with SimCLR -> per cent of ImageNet's training images."""
N_VALIDATION = 50_000
"""Of ImageNet: published numbers are of these."""
BATCH_NORM = "batch norm: training mode while trained, eval mode while scored"


@dataclass(frozen=True, eq=False)
class Plan:
    """The trainings of a run, all of them checked and none begun.

    Attributes:
        grid: trainings to choose from, on `fit`; none where there is no choice.
        last: the same on all images, of which one is trained.
        choice: images that the choice is made on.
    """

    grid: dict[Member, ImageRun]
    last: dict[Member, ImageRun]
    choice: Rows


def evaluate(asked: Finetune, out: Path | str, *, console: Console) -> pd.DataFrame:
    """How many validation images the network tells rightly after it was trained on labelled ones.

    Args:
        asked: the options.
        out: the run's directory.
        console: where to say what happens.

    Returns:
        The table that is in table.csv: metrics `finetune_top1` and `finetune_top5` (`semi_...`) on
        "val", and `choice_top1` of every training of the grid on the training images that it was
        chosen on; of one that diverged, empty.

    Raises:
        InputError: what does not fit together or is not there, before anything is trained; no
            training of the grid that stays finite.
        NonFiniteError: the training on all images diverged.
        KeyboardInterrupt: see `train_images`.
        Stopped: the disk is full.
    """
    subject = open_subject(asked)
    labelled, val = runs.open_splits(asked, console)
    require_images(labelled, asked)
    retraining = Retraining(asked, subject, labelled)
    plan = plan_of(retraining, Path(out))
    next(iter(plan.last.values())).require_parts()
    with runs.run_of(asked, out, subject, runs.digests_of([labelled, val]), console) as run:
        scores = _scores(plan, retraining, run)
        chosen = _best(scores)
        encoder = train(plan.last[chosen], f"fine-tuning, {chosen}").encoder
        with watching(console) as watcher:
            right = retraining.right(encoder, val.seen, val.labels, watcher)
        _classifier(encoder, labelled, chosen).save(run.directory.path)
        rows = _rows(asked, chosen, right, scores, len(labelled))
        table = run.write_table(rows)
    how = f"{subject.source}: fine-tuned on {len(labelled):,} labelled images, {chosen}"
    top1, top5 = map(runs.percent, rows[: len(TOP)])
    run.say(
        f"{how}: top-1 {top1}, top-5 {top5}, of {len(val):,} validation images; {BATCH_NORM}",
        *_remarks(asked, chosen, scores),
        *published_beside(asked, len(labelled), len(val)),
        f"{run.directory.path}: table.csv, encoder.pt, probe.pt",
    )
    return table


def require_images(labelled: Split, asked: Finetune) -> None:
    """Refuse as a list of few labelled images one of classes.

    Raises:
        InputError: names the list.
    """
    if isinstance(asked, Semi) and lists_classes(asked.subset, tuple(labelled.classes)):
        raise InputError(
            f"{asked.subset} lists classes, of whose images all are labelled: give a list of "
            "images, or use `causal-ssl evaluate finetune`"
        )


def plan_of(retraining: Retraining, out: Path) -> Plan:
    """The trainings that the options come to.

    Raises:
        InputError: see `Retraining.run`; no images that are left to choose on.
    """
    asked, n = retraining.asked, len(retraining.train)
    members = [Member(rate, epochs) for epochs, rate in product(asked.epochs, asked.rates)]
    grid: dict[Member, ImageRun] = {}
    choice = np.empty(0, np.int64)
    if len(members) > 1:
        labels = torch.from_numpy(retraining.train.labels)
        fit, choice = (rows.numpy() for rows in held_out_split(labels, asked.held_out, asked.seed))
        for member in members:
            folder = out / "grid" / str(member).replace(" ", "-")
            grid[member] = retraining.run(member, fit, folder)
    last = {member: retraining.run(member, np.arange(n), out) for member in members}
    return Plan(grid, last, choice)


def _scores(plan: Plan, retraining: Retraining, run: runs.Run[Finetune]) -> dict[Member, float]:
    """Accuracy of each training of the grid on the images to choose on; NaN if it diverged.

    Where there is but one training, it is not scored.
    """
    if not plan.grid:
        return dict.fromkeys(plan.last, nan)
    labels, seen = retraining.train.labels[plan.choice], Part(retraining.train.seen, plan.choice)
    scores = {}
    for number, (member, training) in enumerate(plan.grid.items(), start=1):
        title = f"{number} of {len(plan.grid)} to choose from, {member}"
        run.say(title)
        found = train_of_grid(training, title)
        if found is None:
            scores[member] = nan
            continue
        with watching(run.console) as watcher:
            right = retraining.right(found.encoder, seen, labels, watcher)
        scores[member] = float(right[1].mean())
    if all(map(isnan, scores.values())):
        lowest = min(member.rate for member in scores)
        raise InputError(
            f"all of {len(scores)} trainings diverged: lower the learning rates, of which the "
            f"lowest is {lowest:g}"
        )
    return scores


def _best(scores: Mapping[Member, float]) -> Member:
    """The highest score, of equals the first; one that diverged has none."""
    return max(scores, key=lambda member: -1.0 if isnan(scores[member]) else scores[member])


def _classifier(encoder: ImageEncoder, labelled: Split, chosen: Member) -> Classifier:
    head = encoder.head
    assert isinstance(head, nn.Linear)
    weights, biases = (values.detach().cpu().float() for values in (head.weight, head.bias))
    words = f"trained with its trunk, {chosen}"
    names, seen = tuple(labelled.classes), (labelled.side, labelled.interpolation)
    return Classifier(weights, biases, names, weights_digest(encoder), words, *seen)


def _rows(
    asked: Finetune,
    chosen: Member,
    right: Mapping[int, NDArray[np.bool_]],
    scores: Mapping[Member, float],
    n_labelled: int,
) -> list[dict[str, Any]]:
    """Top-1 and top-5, and what the grid's trainings were chosen by."""
    note = f"{n_labelled} labelled images; {BATCH_NORM}"
    rows = [
        runs.share(
            f"{asked.name}_top{k}",
            float(found.mean()),
            len(found),
            seed=asked.seed,
            variable="val",
            setting=f"{chosen} batch={asked.batch_size}",
            note=note,
        )
        for k, found in right.items()
    ]
    if len(scores) > 1:
        rows += [
            {
                "seed": asked.seed,
                "variable": "held_out",
                "metric": "choice_top1",
                "setting": f"{member} batch={asked.batch_size}",
                "value": score,
            }
            for member, score in scores.items()
        ]
    return rows


def _remarks(asked: Finetune, chosen: Member, scores: Mapping[Member, float]) -> Iterator[str]:
    """What to know of the choice; nothing where there was none."""
    if len(scores) == 1:
        return iter(())
    rates = set(asked.rates)
    edges = {min(rates): "lowest", max(rates): "highest"} if len(rates) > 1 else {}
    diverged = sum(map(isnan, scores.values()))
    return runs.remarks(edges.get(chosen.rate), diverged=diverged, n=len(scores))


def published_beside(asked: Finetune, n_labelled: int, n_validation: int) -> Iterator[str]:
    """Published numbers of the same list, where it is as long as one of the two of ImageNet.

    Examples:
        >>> [line] = published_beside(Semi(), 12811, 50000)
        >>> line
        "published, ResNet-50 with 1 % of ImageNet's labels, top-1: Supervised 25.4 %, SimCLR
         48.3 %, BYOL 53.2 %"
    """
    percent = LISTS.get(n_labelled)
    if not isinstance(asked, Semi) or percent is None or n_validation != N_VALIDATION:
        return
    rows = published.semi().query(f"metric == 'top1' and percent == {percent}")
    numbers = zip(rows["method"], rows["reference"], strict=True)
    yield (
        f"published, ResNet-50 with {percent} % of ImageNet's labels, top-1: "
        + ", ".join(f"{method} {100 * value:.1f} %" for method, value in numbers)
    )
