"""`causal-ssl evaluate knn`: weighted nearest neighbours, exact, nothing trained."""

from itertools import product
from pathlib import Path

import pandas as pd
from rich.console import Console

from causal_ssl._numbers import exactly
from causal_ssl.analysis.knn import KnnAccuracy, knn_accuracies
from causal_ssl.experiments.evaluation import runs
from causal_ssl.experiments.evaluation.encoders import open_subject
from causal_ssl.experiments.evaluation.images import Split
from causal_ssl.experiments.evaluation.knn.config import Knn


def evaluate(asked: Knn, out: Path | str, *, console: Console) -> pd.DataFrame:
    """How many validation images the votes of their nearest training images classify.

    Args:
        asked: the options.
        out: the run's directory.
        console: where to say what happens.

    Returns:
        The table that is in table.csv: metrics `knn_top1` and `knn_top5`, see `KnnAccuracy`, of
        every k at every temperature.

    Raises:
        InputError: what does not fit together or is not there, before anything is computed; NaN.
        Stopped: the disk is full.
    """
    subject = open_subject(asked)
    train, val = runs.open_splits(asked, console)
    runs.require_neighbours(max(asked.k), train)
    settings = list(product(asked.k, asked.temperature))
    with runs.run_of(asked, out, subject, runs.digests_of([train, val]), console) as run:
        found = knn_accuracies(
            run.features(train),
            train.labels,
            run.features(val),
            val.labels,
            settings=settings,
            device=subject.encoder.mean.device,
        )
        pairs = [_rows(setting, each, val) for setting, each in zip(settings, found, strict=True)]
        table = run.write_table([row for pair in pairs for row in pair])
    run.say(
        f"{subject.source}: nearest of {len(train):,} training images, {len(val):,} "
        "validation images told by their votes",
        *(
            f"k = {k}, T = {temperature:g}: top-1 {runs.percent(top1)}, top-5 {runs.percent(top5)}"
            for (k, temperature), (top1, top5) in zip(settings, pairs, strict=True)
        ),
        f"{run.directory.path}: table.csv",
    )
    return table


def _rows(setting: tuple[int, float], found: KnnAccuracy, val: Split) -> tuple[runs.Row, runs.Row]:
    """Top-1 and top-5."""
    k, temperature = setting
    where = {"setting": f"k={k} T={exactly(temperature)}", "variable": val.name}
    return (
        runs.share("knn_top1", found.top1, len(val), **where),
        runs.share("knn_top5", found.top5, len(val), **where),
    )
