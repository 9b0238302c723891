"""The table of `causal-ssl evaluate linear`, and the short of it for a terminal."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from causal_ssl._numbers import exactly
from causal_ssl.analysis.linear_probe import LinearProbe
from causal_ssl.experiments.evaluation import published, runs
from causal_ssl.experiments.evaluation.images import Split
from causal_ssl.experiments.evaluation.linear.choosing import validation_mce
from causal_ssl.experiments.evaluation.linear.config import CORRUPTED, HELD_OUT, Linear

IMAGENET = 1000, 50_000
"""Classes and validation images: published numbers are of these."""


def rows_of(asked: Linear, found: LinearProbe, val: Split) -> list[dict[str, Any]]:
    """The two accuracies, and those that the grid's trainings were chosen by."""
    common = {"seed": asked.seed, "variable": val.name, "setting": in_words(found.chosen)}
    rows = [
        {**common, "metric": f"linear_{name}", "n": it.n, **runs.interval(it)}
        for name, it in (("top1", found.top1), ("top5", found.top5))
    ]
    if len(found.members) > 1:
        by_top1 = asked.choose_on == HELD_OUT
        on = (
            {"variable": "held_out", "metric": "choice_top1"}
            if by_top1
            else {"variable": f"{CORRUPTED} validation", "metric": "choice_mce"}
        )
        rows += [
            {
                "seed": asked.seed,
                **on,
                "setting": in_words(row),
                "value": row.choice_top1 if by_top1 else validation_mce(row.choice_top1),
            }
            for row in found.members.itertuples()
        ]
    return rows


def in_words(member: Any) -> str:
    """A training of the grid, as tables name it."""
    return (
        f"rate={exactly(member.learning_rate)} decay={exactly(member.weight_decay)} "
        f"epochs={member.epochs} batch={member.batch_size}"
    )


def _few(train: Split) -> str:
    """Of how many of ImageNet-C's classes; "" for all."""
    n = len(np.unique(train.labels))
    return "" if n == IMAGENET[0] else f"of {n:,} of its {IMAGENET[0]:,} classes"


def summary(
    run: runs.Run[Linear],
    found: LinearProbe,
    rows: list[dict[str, Any]],
    train: Split,
    val: Split,
) -> Iterator[str]:
    asked = run.asked
    how = "random crops and flips" if asked.augment else "centres"
    chosen = in_words(found.chosen)
    least = [row["value"] for row in rows[2:] if row["setting"] == chosen]
    if asked.choose_on == CORRUPTED and least:
        few = f", {_few(train)}" if _few(train) else ""
        chosen += f" (mCE {100 * least[0]:.1f} % on ImageNet-C's validation corruptions{few})"
    top1, top5 = (runs.percent(row) for row in rows[:2])
    yield (
        f"{run.subject.source}: linear classifier trained on {how} of {len(train):,} images, "
        f"{chosen}: top-1 {top1}, top-5 {top5}, of {len(val):,} validation "
        "images"
    )
    diverged = int(found.members["diverged"].sum())
    yield from runs.remarks(found.edge, diverged=diverged, n=len(found.members))
    if (len(train.classes), len(val)) == IMAGENET:
        yield "published, ImageNet top-1: " + ", ".join(
            f"{row.printed} ({row.architecture}) {100 * row.reference:.1f} %"
            for row in published.linear().query("metric == 'top1' and method != ''").itertuples()
        )
    yield f"{run.directory.path}: table.csv, probe.pt"
