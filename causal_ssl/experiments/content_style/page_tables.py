"""The tables of a content/style report, from a study's summary."""

import math
from collections.abc import Mapping, Sequence

from rich.table import Table as TerminalTable

from causal_ssl.analysis.report import Cell, Row, Table
from causal_ssl.experiments.content_style import published, settings
from causal_ssl.experiments.content_style.config import NumericalStudy
from causal_ssl.experiments.content_style.summary import (
    CLOSED_FORM,
    FROM_CONTENT,
    KERNEL_RIDGE,
    LINEAR,
    Score,
    Summary,
    number,
    with_spread,
)

Titles = Mapping[str, str]


def comparison(summary: Summary, metric: str, titles: Titles) -> Table:
    """Our content and style R2 beside the paper's, a row a setting and method."""
    scores = summary.where(metric=metric)
    lines = []
    for setting in scores.distinct("setting"):
        for k, (method, title) in enumerate(titles.items()):
            own = scores.where(setting=setting, method=method)
            content, style = own.only(variable="content"), own.only(variable="style")
            only = own.only(variable=FROM_CONTENT)
            cells = [
                *([_setting(setting, len(titles))] if k == 0 else []),
                Cell(title, f"{len(content.values)} world{'s' * (len(content.values) > 1)}"),
                *_beside(content),
                *_beside(style),
                Cell(_mean(only), each(only.values), number=True),
            ]
            lines.append(Row(cells, first=k == 0))
    beside = ["ours", "published", "difference"]
    sources = ", ".join(filter(None, scores.distinct("source")))
    return Table(
        columns=["setting", "method", *beside, *beside, "true content"],
        groups=[("", 2), ("content R²", 3), ("style R²", 3), ("style from", 1)],
        rows=lines,
        caption=f"Published: {sources}." if sources else "",
    )


def _setting(name: str, rows: int) -> Cell:
    return Cell(settings.get(name).title, detail=name, rows=rows)


def _mean(score: Score) -> str:
    return with_spread(score.mean, score.std)


def _scored(score: Score) -> Cell:
    return Cell(_mean(score), each(score.values), number=True)


def _beside(score: Score) -> list[Cell]:
    return [
        Cell(_mean(score), each(score.values), number=True, strong=True),
        Cell(with_spread(score.reference, score.reference_std), number=True),
        Cell(number(score.difference, signed=True), number=True),
    ]


def each(values: Sequence[float]) -> str:
    """Every world's own value, in order of seed.

    Examples:
        >>> each([0.981, 0.5])
        '0.98 0.50'
    """
    return " ".join(number(value) for value in values)


def superseded() -> str:
    """The sentence that names the numbers of an earlier version of the paper."""
    old = published.numerical().query("superseded").to_dict("records")
    values = {(row["setting"], row["variable"]): float(row["reference"]) for row in old}
    parts = [
        f"{settings.get(setting).title}: content {number(values[setting, 'content'])},"
        f" style {number(values[setting, 'style'])}"
        for setting in dict.fromkeys(setting for setting, _ in values)
    ]
    return f"An earlier version of the paper gave other values ({'; '.join(parts)})."


def references(summary: Summary) -> Table:
    """Style from true content and content from true style: closed form and estimates."""
    variables = (FROM_CONTENT, "content_from_true_style")
    method = summary.distinct("method")[0]  # the same for all: no encoder is asked
    lines = []
    for setting in summary.distinct("setting"):
        n_outputs = summary.where(setting=setting).scores[0].n_outputs
        own = summary.where(setting=setting, method=method, n_outputs=n_outputs)
        for k, variable in enumerate(variables):
            values = [
                _scored(own.only(variable=variable, metric=metric))
                for metric in (CLOSED_FORM, KERNEL_RIDGE, LINEAR)
            ]
            first = [_setting(setting, len(variables))] if k == 0 else []
            lines.append(Row([*first, Cell(variable.replace("_", " ")), *values], first=k == 0))
    return Table(["setting", "R² of", "closed form", "kernel ridge", "linear"], lines)


def by_dimension(summary: Summary, titles: Titles) -> Table:
    """Content and style R2, a row per setting, method and output dimension."""
    scores = summary.where(metric=KERNEL_RIDGE)
    lines = []
    for setting in scores.distinct("setting"):
        for method, title in titles.items():
            own = scores.where(setting=setting, method=method)
            outputs = own.distinct("n_outputs")
            for k, n_outputs in enumerate(outputs):
                rows = len(outputs)
                first = [_setting(setting, rows), Cell(title, rows=rows)] if k == 0 else []
                values = [
                    _scored(own.only(n_outputs=n_outputs, variable=variable))
                    for variable in ("content", "style")
                ]
                cells = [*first, Cell(str(n_outputs), number=True), *values]
                lines.append(Row(cells, first=k == 0))
    return Table(["setting", "method", "outputs", "content R²", "style R²"], lines)


def dimensions_finding(summary: Summary, config: NumericalStudy, titles: Titles) -> list[str]:
    """What came out of a dimensions study, in sentences computed from the numbers."""
    scores = summary.where(metric=KERNEL_RIDGE)
    fewest, most = min(config.n_outputs), max(config.n_outputs)
    shown = sorted({fewest, min(config.n_content, most), most})
    sentences = []
    for setting in scores.distinct("setting"):
        for method, title in titles.items():
            own = scores.where(setting=setting, method=method)
            values = {
                variable: " → ".join(
                    number(own.only(variable=variable, n_outputs=n).mean) for n in shown
                )
                for variable in ("content", "style")
            }
            sentences.append(
                f"{title}, {settings.get(setting).title}: content {values['content']},"
                f" style {values['style']}."
            )
    outputs = " to ".join(map(str, shown))
    return [f"R² of content and style as the encoder's outputs grow from {outputs}:", *sentences]


def terminal(summary: Summary, titles: Titles) -> TerminalTable:
    """The main numbers for a terminal."""
    scores = summary.where(metric=KERNEL_RIDGE)
    dimensions = len(scores.distinct("n_outputs")) > 1
    table = TerminalTable(title="R² by kernel ridge: mean ± std over worlds (published)")
    for column in ("setting", "method", *(["outputs"] if dimensions else [])):
        table.add_column(column, no_wrap=True)
    for column in ("content", "style", "style from true content"):
        table.add_column(column, justify="right", no_wrap=True)
    for anchor in scores.where(variable="content").scores:
        own = scores.where(setting=anchor.setting, method=anchor.method, n_outputs=anchor.n_outputs)
        shown = [
            _mean(score) + ("" if math.isnan(score.reference) else f" ({number(score.reference)})")
            for score in (own.only(variable=v) for v in ("content", "style", FROM_CONTENT))
        ]
        extra = [str(anchor.n_outputs)] if dimensions else []
        table.add_row(anchor.setting, titles[anchor.method], *extra, *shown)
    return table
