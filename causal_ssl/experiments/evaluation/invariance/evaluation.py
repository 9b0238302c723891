"""`causal-ssl evaluate invariance`: how an encoder's predictions change under augmentations.

DIR/table.csv      proxy gaps of all pairs of augmentations, F_LDA, accuracy, change of pixels
DIR/report.html    the same as figures (in DIR/figures), with what a gap of zero does not say

Whose gaps: f, the representation that is evaluated, and where the checkpoint has one g(f), the
critic's output, which is what an objective has seen.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from torch import Tensor

from causal_ssl.experiments.evaluation import runs
from causal_ssl.experiments.evaluation.encoders import open_subject
from causal_ssl.experiments.evaluation.features import Floats
from causal_ssl.experiments.evaluation.images import Shown, Split
from causal_ssl.experiments.evaluation.invariance.accuracy import by_neighbours, by_probe, teller_of
from causal_ssl.experiments.evaluation.invariance.config import Invariance
from causal_ssl.experiments.evaluation.invariance.images import (
    IDENTITY,
    Sample,
    draws_anything,
    sample,
    titles,
)
from causal_ssl.experiments.evaluation.invariance.measures import (
    ACCURACY,
    Outputs,
    Row,
    f_lda_rows,
    gap_rows,
    pixel_rows,
)
from causal_ssl.experiments.evaluation.invariance.page import Material, page, summary

MORE = ("environment", "against")
"""Columns of this table alone: the augmentation, and the one that it is compared with."""
LOOKED_AT = 64
"""Images whose pixels are compared."""


def evaluate(asked: Invariance, out: Path | str, *, console: Console) -> pd.DataFrame:
    """How far an encoder's predictions depend on the augmentation, beside how good they are.

    Args:
        asked: the options.
        out: the run's directory.
        console: where to say what happens.

    Returns:
        The table that is in table.csv; see `invariance_measures` for its metrics.

    Raises:
        InputError: what does not fit together or is not there, before anything is computed; NaN.
        Stopped: the disk is full.
    """
    subject = open_subject(asked)
    teller, val = teller_of(asked, subject, console)
    chosen = sample(val, asked)
    seen = _looked_at(chosen)
    if isinstance(teller, Split):
        digests = runs.digests_of([teller, val])
    else:
        digests = runs.digests_of([val]) | {"classifier": teller.digest()}
    with runs.run_of(asked, out, subject, digests, console) as run:
        outputs = {"f": _outputs(chosen, run.features)}
        if subject.critic is not None:
            outputs["g"] = outputs["f"].through(subject.critic, subject.encoder.mean.device)
        if isinstance(teller, Split):
            told = by_neighbours(asked, teller, run.features(teller), chosen, subject)
            setting = f"k={asked.k} T={asked.temperature:g}"
        else:
            told, setting = by_probe(teller, chosen), teller.words
        accuracy = partial(runs.share, ACCURACY, n=len(chosen.rows), variable="f", setting=setting)
        rows: list[Row] = [
            *(accuracy(told(f), environment=name) for name, f in outputs["f"].anchors.items()),
            *pixel_rows({name: seen[name] for name in asked.augmentations}, seen[IDENTITY]),
        ]
        for variable, each in outputs.items():
            rows += gap_rows(each, tau=asked.tau, variable=variable)
            rows += f_lda_rows(each, chosen.labels, variable=variable)
        common = {"seed": asked.seed}
        table = run.write_table([row | common for row in rows], more=MORE)
        material = Material(
            asked,
            subject.source,
            table,
            titles(asked),
            outputs,
            chosen.labels,
            seen,
            run.environment(),
        )
        run.write_report(page(material))
    run.say(*summary(material), f"{run.directory.path}: table.csv, report.html")
    return table


def _outputs(chosen: Sample, features: Callable[[Shown], Floats]) -> Outputs:
    """The representation of the sample under each augmentation, of second draws, and of the bank.

    Args:
        chosen: the sample.
        features: computes them, or finds them kept.
    """
    names = chosen.asked.augmentations
    return Outputs(
        {name: features(chosen.under(name)) for name in names},
        {name: features(chosen.under(name, "again")) for name in names if draws_anything(name)},
        features(chosen.bank()),
    )


def _looked_at(chosen: Sample) -> dict[str, Tensor]:
    """The first images of the sample as they are, and under each augmentation."""
    first = np.arange(min(LOOKED_AT, len(chosen.rows)))
    return {
        name: chosen.under(name).seen.batch(first)["image"]
        for name in dict.fromkeys((IDENTITY, *chosen.asked.augmentations))
    }
