"""Tables of the methods report and of the terminal."""

import math

import pandas as pd
from rich.table import Table as TerminalTable

from causal_ssl.analysis.plots import Titles
from causal_ssl.analysis.report import Cell, Row, Table
from causal_ssl.experiments.methods.config import RAW
from causal_ssl.experiments.methods.evaluation import RANK
from causal_ssl.experiments.methods.summary import ASKED, BASELINES, Score

COLUMNS = (*ASKED.values(), "RankMe", "published, ImageNet")


def numbers(scores: list[Score], *, methods: Titles) -> Table:
    """What is read against, then every method; in small print how far above either it is.

    Args:
        scores: see `summary.summarise`.
        methods: those of the run and their titles.
    """
    by = {(score.method, score.metric): score for score in scores}
    lines = []
    for k, (name, title) in enumerate({**BASELINES, **methods}.items()):
        cells = [_accuracy(by[name, metric]) for metric in ASKED]
        rank = Cell(_rank(by[name, RANK]), number=True)
        lines.append(
            Row([Cell(title), *cells, rank, _published(by[name, "linear_top1"])], first=k == 2)
        )
    return Table(["", *COLUMNS], lines)


def _accuracy(score: Score) -> Cell:
    over = " / ".join(f"{score.gains[name].errors:+.1f}" for name in score.gains)
    detail = f"{over} s.e." if over else ""
    return Cell(_with_spread(score, "3f"), detail, number=True, strong=bool(score.gains))


def _rank(score: Score) -> str:
    """Of raw pixels none: it counts the directions of another space."""
    return "" if score.method == RAW else _with_spread(score, "1f")


def _with_spread(score: Score, form: str) -> str:
    spread = "" if math.isnan(score.spread) else f" ± {score.spread:.{form}}"
    return f"{score.value:.{form}}{spread}"


def _published(score: Score) -> Cell:
    return Cell("" if math.isnan(score.reference) else f"{score.reference:.3f}", number=True)


def recipes(plans: pd.DataFrame, *, methods: Titles) -> Table:
    """What each recipe says, and below it, where that is something else, what was run.

    Args:
        plans: columns method, what, recipe, run.
        methods: those of the run and their titles.
    """
    columns = list(plans["what"].unique())
    lines = []
    for name, title in methods.items():
        own = plans[plans["method"] == name].set_index("what")[["recipe", "run"]]
        cells = [_beside(*own.loc[what]) if what in own.index else Cell("") for what in columns]
        lines.append(Row([Cell(title), *cells], first=True))
    return Table(["", *columns], lines)


def _beside(recipe: str, run: str) -> Cell:
    return Cell(run, "" if recipe == run else f"({recipe})")


def terminal(scores: list[Score], *, methods: Titles) -> TerminalTable:
    """The table in short; arguments as of `numbers`."""
    table = TerminalTable(title="accuracy on test images, frozen representation")
    table.add_column("method", no_wrap=True)
    for title in COLUMNS:
        table.add_column(title, justify="right")
    by = {(score.method, score.metric): score for score in scores}
    for name, title in {**BASELINES, **methods}.items():
        values = [_with_spread(by[name, metric], "3f") for metric in ASKED]
        published = _published(by[name, "linear_top1"]).text
        table.add_row(title, *values, _rank(by[name, RANK]), published)
    return table
