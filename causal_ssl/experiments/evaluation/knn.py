"""`causal-ssl evaluate knn`: weighted nearest neighbours, exact, nothing trained."""

from pathlib import Path

import pandas as pd
from rich.console import Console

from causal_ssl.analysis.knn import knn_accuracy
from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation import runs
from causal_ssl.experiments.evaluation.config import Knn
from causal_ssl.experiments.evaluation.encoders import open_subject


def evaluate(asked: Knn, out: Path | str, *, console: Console) -> pd.DataFrame:
    """How many held-out images the votes of their nearest training images classify.

    Args:
        asked: the options.
        out: the run's directory.
        console: where to say what happens.

    Returns:
        The table that is in table.csv: metrics `knn_top1` and `knn_top5`, see `knn_accuracy`.

    Raises:
        InputError: what does not fit together or is not there, before anything is computed; NaN.
        Stopped: the disk is full.
    """
    subject = open_subject(asked)
    train, val = runs.open_splits(asked, console)
    if asked.k > len(train):
        raise InputError(f"k = {asked.k} neighbours among {len(train):,} training images: lower k")
    with runs.run_of(asked, out, subject, runs.digests_of([train, val])) as directory:
        fit, score = (
            runs.features_in(directory, asked, subject, split, console) for split in (train, val)
        )
        found = knn_accuracy(
            fit,
            train.labels,
            score,
            val.labels,
            k=asked.k,
            temperature=asked.temperature,
            device=subject.network.mean.device,
        )
        setting = f"k={asked.k} T={asked.temperature:g}"
        rows = [
            runs.share(
                f"knn_{name}", getattr(found, name), len(val), setting=setting, variable=val.name
            )
            for name in ("top1", "top5")
        ]
        table = runs.write_table(directory, asked, subject, rows)
    top1, top5 = map(runs.percent, rows)
    runs.say(
        console,
        f"{subject.source}: nearest neighbours, k = {asked.k}, T = {asked.temperature:g}: top-1 "
        f"{top1}, top-5 {top5}, of {len(val):,} held-out images by {len(train):,}",
        f"{directory.path}: table.csv",
    )
    return table
