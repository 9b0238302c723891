"""Tables of the robustness report and of the terminal."""

import math

from rich.table import Table as TerminalTable

from causal_ssl.analysis.plots import Titles
from causal_ssl.analysis.report import Cell, Row, Table
from causal_ssl.experiments.robustness.config import BASELINE
from causal_ssl.experiments.robustness.summary import METRICS, Answer, Score, Scores, interval
from causal_ssl.experiments.robustness.sums import MCE, MRCE


def numbers(scores: Scores, *, datasets: Titles, variants: Titles) -> Table:
    """Every variant's metrics; in small print the paper's on ImageNet.

    Args:
        scores: see `summary.summarise`.
        datasets, variants: those of the run and their titles.
    """
    lines = []
    for dataset, title in datasets.items():
        for k, (variant, name) in enumerate(variants.items()):
            first = [Cell(title, rows=len(variants))] if k == 0 and len(datasets) > 1 else []
            own = [_cell(scores.get((dataset, variant, metric)), metric) for metric in METRICS]
            lines.append(Row([*first, Cell(name), *own], first=k == 0))
    columns = ["", *METRICS.values()]
    return Table(["images", *columns] if len(datasets) > 1 else columns, lines)


def _cell(score: Score | None, metric: str) -> Cell:
    if score is None:
        return Cell("–", "undefined", number=True)
    detail = "" if math.isnan(score.reference) else f"ImageNet {100 * score.reference:.1f}"
    if metric in (MCE, MRCE) and not math.isnan(score.printed):
        detail += f" ({100 * score.printed:.1f} by AlexNet)"
    return Cell(_shown(score), detail, number=True, strong=metric == MCE)


def _shown(score: Score | None) -> str:
    """Hundredths, and the standard deviation over seeds."""
    if score is None:
        return "–"
    spread = "" if math.isnan(score.spread) else f" ± {100 * score.spread:.1f}"
    return f"{100 * score.value:.1f}{spread}"


def differences(found: list[Answer], *, datasets: Titles) -> Table:
    """What the penalty changes against alpha 0 of the same seeds, in hundredths, with intervals."""
    metrics = list(found[0].differences)
    lines = [
        Row(
            [
                *([Cell(datasets[answer.dataset])] if len(datasets) > 1 else []),
                Cell(f"α = {answer.alpha:g} less α = 0"),
                *(Cell(interval(answer.differences[metric]), number=True) for metric in metrics),
            ],
            first=k == 0,
        )
        for k, answer in enumerate(found)
    ]
    columns = ["", *(METRICS[metric] for metric in metrics)]
    return Table(["images", *columns] if len(datasets) > 1 else columns, lines)


def terminal(scores: Scores, *, datasets: Titles, variants: Titles) -> TerminalTable:
    """The table in short; arguments as of `numbers`."""
    table = TerminalTable(title=f"per cent; by {BASELINE}: 100 is as that of the same seed")
    for title in ("images", "method"):
        table.add_column(title, no_wrap=True)
    for title in METRICS.values():
        table.add_column(title, justify="right")
    for dataset, title in datasets.items():
        for variant, name in variants.items():
            own = (_shown(scores.get((dataset, variant, metric))) for metric in METRICS)
            table.add_row(title, name, *own)
    return table
