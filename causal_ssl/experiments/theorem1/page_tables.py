"""Tables of the study of Theorem 1, for its report and for a terminal."""

from collections.abc import Mapping

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table as TerminalTable
from rich.text import Text as TerminalText

from causal_ssl.analysis.report import Cell, Row, Table
from causal_ssl.experiments.theorem1.settings import Setting
from causal_ssl.experiments.theorem1.summary import Summary, finding, number

Titles = Mapping[str, str]


def by_setting(summary: Summary) -> Table:
    """Whether the bound held: a row a setting, those where it must first."""
    groups = [("holds", summary.must_hold), ("dropped", summary.controls)]
    rows = []
    for premise, settings in groups:
        for k, setting in enumerate(settings):
            first = [Cell(premise, rows=len(settings))] if k == 0 else []
            counts = ["models", "models_with_gap", "models_violating", "comparisons", "violations"]
            cells = [
                *first,
                _titled(setting),
                Cell(setting.task),
                *(_count(summary, setting, metric) for metric in counts),
                Cell(number(summary.largest_excess(setting)), number=True),
            ]
            rows.append(Row(cells, first=k == 0))
    return Table(
        columns=[
            "premise", "setting", "", "models", "with a proxy gap", "violating", "comparisons",
            "violations", "largest excess",
        ],
        rows=rows,
        caption="A comparison: one value of f, an ordered pair of environments and one divergence;"
        " and I(Y; E | f) once a model. Excess: (gap of the task − gap of the proxy) / max(1, gap"
        " of the proxy), a violation above 10⁻¹². A proxy gap: above 10⁻¹² in total variation.",
    )  # fmt: skip


def gaps(summary: Summary, measures: Titles) -> Table:
    """Medians over models of the largest gaps, of proxy and task, a column a measure."""
    rows = []
    for setting in summary.settings:
        for k, (label, metric) in enumerate([("proxy", "gap"), ("task", "task_gap")]):
            first = [_titled(setting, rows=2)] if k == 0 else []
            values = [_median(summary, setting, metric, measure) for measure in measures]
            rows.append(Row([*first, Cell(label), *values], first=k == 0))
    return Table(["setting", "gap of", *measures.values()], rows)


def support(summary: Summary) -> Table:
    """Overlap, accuracy and premise: what a gap must be read with."""
    rows = []
    for k, setting in enumerate(summary.settings):
        low, median, high = (
            number(summary.value(setting, "overlap", name)) for name in ("q05", "median", "q95")
        )
        apart = summary.total([setting], "models") - summary.total([setting], "models_compared")
        medians = [
            ("accuracy", "proxy"), ("accuracy", "task"), ("premise_gap", "tv"),
            ("channel_gap", "tv"),
        ]  # fmt: skip
        cells = [
            _titled(setting),
            Cell(median, f"{low} to {high}", number=True),
            Cell(f"{apart:,}", number=True),
            *(Cell(_rounded(summary.value(setting, *key)), number=True) for key in medians),
        ]
        rows.append(Row(cells, first=k == 0))
    return Table(
        columns=["setting", "overlap", "no value shared", "proxy", "task", "p(Y_t | Y_R, f)",
                 "p(Y_t | Y_R)"],
        groups=[("", 1), ("laws of f", 2), ("accuracy from f", 2), ("moved by style, TV", 2)],
        rows=rows,
        caption="Medians over models; small print: from the 5 % to the 95 % quantile. Overlap:"
        " Σ_v min(p_i(f = v), p_j(f = v)) of the two environments that overlap least, in [0, 1]; no"
        " value shared: models in which no two environments share a value of f, so that nothing can"
        " be compared. Accuracy: of the best prediction from f, environments pooled. Moved by"
        " style: the largest total variation between environments; the premise is that the first"
        " is 0.",
    )  # fmt: skip


def _titled(setting: Setting, rows: int = 1) -> Cell:
    return Cell(setting.title, detail=setting.name, rows=rows)


def _count(summary: Summary, setting: Setting, metric: str) -> Cell:
    strong = metric in ("violations", "models_violating")
    return Cell(summary.count(setting, metric), number=True, strong=strong)


def _median(summary: Summary, setting: Setting, metric: str, measure: str) -> Cell:
    infinite = summary.count(setting, f"infinite_{metric}", measure)
    detail = "" if infinite == "0" else f"∞ in {infinite}"
    value = _rounded(summary.value(setting, metric, measure))
    return Cell(value, detail, number=True)


def _rounded(value: float) -> str:
    """Without the rounding errors of laws that are equal."""
    return number(0.0 if abs(value) <= 1e-12 else value)


def terminal(summary: Summary, witnesses: pd.DataFrame) -> RenderableType:
    """The main numbers and every witness, for a terminal."""
    table = TerminalTable(title="Does the gap of the proxy bound the gap of the task?")
    table.add_column("setting", no_wrap=True)
    table.add_column("premise", no_wrap=True)
    counts = {
        "models": "models",
        "with gap": "models_with_gap",
        "violating": "models_violating",
        "comparisons": "comparisons",
        "violations": "violations",
    }
    for column in (*counts, "largest excess"):
        table.add_column(column, justify="right", no_wrap=True)
    for setting in [*summary.must_hold, *summary.controls]:
        table.add_row(
            setting.name,
            "holds" if setting.must_hold else "dropped",
            *(summary.count(setting, metric) for metric in counts.values()),
            number(summary.largest_excess(setting)),
        )
    texts = [TerminalText(f"witness: {text}\n") for text in witnesses["text"]]
    return Group(table, TerminalText(" ".join(finding(summary)) + "\n"), *texts)
