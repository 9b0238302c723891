"""Tables of the Causal3DIdent report and of the terminal."""

import math
from collections.abc import Mapping
from statistics import fmean, stdev

import pandas as pd
from rich.table import Table as TerminalTable

from causal_ssl.analysis.plots import Titles
from causal_ssl.analysis.report import Cell, Row, Table
from causal_ssl.experiments.causal3dident.published import VARIABLES
from causal_ssl.experiments.causal3dident.summary import Score

COLUMNS = tuple(name.replace("_", " ") for name in VARIABLES)


def numbers(
    scores: list[Score],
    references: Mapping[str, pd.DataFrame],
    *,
    settings: Titles,
    methods: Titles,
) -> Table:
    """The scores of one layer: what they are read against, then our rows and published ones.

    Args:
        scores: of that layer.
        references: title -> rows of the study's table, see `summary.references`.
        settings, methods: those of the run and their titles.
    """
    lines = [_reference(title, rows) for title, rows in references.items()]
    for setting, title in settings.items():
        here = [score for score in scores if score.setting == setting]
        published = {score.method for score in here if not math.isnan(score.reference)}
        rows = len(methods) + len(published)
        for k, (method, name) in enumerate(methods.items()):
            own = {score.variable: score for score in here if score.method == method}
            first = [Cell(title, setting, rows=rows)] if k == 0 else []
            ours = [_ours(own[variable]) for variable in VARIABLES]
            lines.append(Row([*first, Cell(name), *ours], first=k == 0))
            if method in published:
                paper = [Cell(_published(own[variable]), number=True) for variable in VARIABLES]
                lines.append(Row([Cell("", "published"), *paper]))
    return Table(["views", "method", *COLUMNS], lines)


def _reference(title: str, rows: pd.DataFrame) -> Row:
    values = {name: list(own["value"]) for name, own in rows.groupby("variable")}
    shown = [Cell(_mean(values[variable]), number=True) for variable in VARIABLES]
    return Row([Cell(title), Cell(""), *shown])


def _ours(score: Score) -> Cell:
    gain = "" if math.isnan(score.gain.error) else f"{score.gain.errors:+.1f} s.e."
    return Cell(_mean(score.values), gain, number=True, strong=True)


def _mean(values: tuple[float, ...] | list[float]) -> str:
    spread = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
    return f"{fmean(values):z.2f}{spread}"


def _published(score: Score) -> str:
    return f"{score.reference:.2f} ± {score.reference_std:.2f}"


def terminal(
    scores: list[Score],
    references: Mapping[str, pd.DataFrame],
    *,
    settings: Titles,
    methods: Titles,
) -> TerminalTable:
    """The final layer in short; arguments as of `numbers`."""
    table = TerminalTable(
        title="final layer: accuracy for the class, R² for the others (published)"
    )
    table.add_column("views", no_wrap=True)
    table.add_column("method", no_wrap=True)
    for name in COLUMNS:
        table.add_column(name, justify="right")
    final = {(s.setting, s.method, s.variable): s for s in scores}
    for setting, title in settings.items():
        for method, name in methods.items():
            own = [final[setting, method, variable] for variable in VARIABLES]
            table.add_row(title, name, *map(_short, own))
    for title, rows in references.items():
        means = rows.groupby("variable")["value"].mean()
        table.add_row(title, "", *(f"{means[variable]:z.2f}" for variable in VARIABLES))
    return table


def _short(score: Score) -> str:
    published = "" if math.isnan(score.reference) else f" ({score.reference:.2f})"
    return f"{score.value:z.2f}{published}"
