"""Tables of the robustness report and of the terminal."""

import math
from collections.abc import Sequence

from rich.table import Table as TerminalTable

from causal_ssl._numbers import exactly
from causal_ssl.analysis.plots import Titles
from causal_ssl.analysis.report import Cell, Row, Table
from causal_ssl.experiments.robustness.config import BASELINE
from causal_ssl.experiments.robustness.summary import METRICS, Answer, Score, Scores, partly
from causal_ssl.experiments.robustness.sums import CLEAN, MCE, MRCE

SHORT = (CLEAN, "mean_error", MCE)
"""Metrics on the terminal."""


def numbers(scores: Scores, *, dataset: str, variants: Titles) -> Table:
    """Every variant's metrics on a data set; in small print the paper's on ImageNet.

    Args:
        scores: see `summary.summarise`.
        dataset: which.
        variants: those of the run and their titles.
    """
    metrics = [name for name in METRICS if any(k[0] == dataset and k[2] == name for k in scores)]
    lines = []
    for k, (variant, title) in enumerate(variants.items()):
        own = [_cell(scores.get((dataset, variant, metric)), metric) for metric in metrics]
        lines.append(Row([Cell(title), *own], first=k == 0))
    return Table(["", *(METRICS[metric] for metric in metrics)], lines)


def _cell(score: Score | None, metric: str) -> Cell:
    if score is None:
        return Cell("undefined", number=True)
    detail = "" if math.isnan(score.reference) else f"ImageNet {100 * score.reference:.1f}"
    if metric in (MCE, MRCE) and not math.isnan(score.printed):
        detail += f" ({100 * score.printed:.1f})"
    return Cell(_shown(score), detail, number=True, strong=metric == MCE)


def _shown(score: Score | None) -> str:
    """Hundredths, the standard deviation over seeds, and of how many where not of all."""
    if score is None or not score.values:
        return "undefined"
    spread = "" if math.isnan(score.spread) else f" ± {100 * score.spread:.1f}"
    return f"{100 * score.value:.1f}{spread}{partly(len(score.values), score.seeds)}"


def differences(found: Sequence[Answer]) -> Table:
    """What the penalty changes on a data set against alpha 0 of the same seeds, in hundredths.

    Args:
        found: one an alpha, at least one.
    """
    metrics = list(found[0].differences)
    lines = [
        Row(
            [
                Cell(f"α\u00a0=\u00a0{exactly(answer.alpha)}"),
                *(
                    Cell(answer.shown(metric), number=True, strong=metric == MCE)
                    for metric in metrics
                ),
            ],
            first=k == 0,
        )
        for k, answer in enumerate(found)
    ]
    return Table(["less α\u00a0=\u00a00", *(METRICS[metric] for metric in metrics)], lines)


def terminal(scores: Scores, *, datasets: Titles, variants: Titles) -> TerminalTable:
    """The table in short; titles of data sets and of variants."""
    table = TerminalTable(title=f"per cent; by {BASELINE}: 100 is as that of the same seed")
    for title in ("images", "method"):
        table.add_column(title, no_wrap=True)
    for metric in SHORT:
        table.add_column(METRICS[metric], justify="right")
    for dataset, title in datasets.items():
        for variant, name in variants.items():
            own = (_shown(scores.get((dataset, variant, metric))) for metric in SHORT)
            table.add_row(title, name, *own)
    return table
