"""The tables and sentences of the invariance report, from the study's summary."""

import math
from collections.abc import Mapping, Sequence

from rich.table import Table as TerminalTable

from causal_ssl.analysis.report import Cell, Row, Table
from causal_ssl.experiments.invariance.config import CONTROLS
from causal_ssl.experiments.invariance.summary import Bound, Line, setting_text

Titles = Mapping[str, str]


def number(value: float, digits: int = 2) -> str:
    """A number as shown; a dash where there is none.

    Examples:
        >>> number(0.1234), number(float("nan")), number(-0.001)
        ('0.12', '–', '0.00')
    """
    if math.isnan(value):
        return "–"
    shown = f"{value:.{digits}f}"
    return shown.removeprefix("-") if float(shown) == 0 else shown


def numbers(lines: Sequence[Line], titles: Titles) -> Table:
    """A row a setting and representation."""
    rows = []
    for k, line in enumerate(lines):
        first = k == 0 or lines[k - 1].setting != line.setting
        own = sum(other.setting == line.setting for other in lines)
        head = [Cell(line.setting, setting_text(line.setting), rows=own)] if first else []
        ends = f"{number(line.gap[1], 3)} to {number(line.gap[2], 3)}"
        cells = [
            Cell(titles[line.method]),
            Cell(
                number(line.gap[0], 3),
                ends,
                number=True,
                strong=True,
            ),
            Cell(number(line.overlap), f"least {number(line.overlap_min)}", number=True),
            Cell(number(line.accuracy), f"within {number(line.accuracy_within)}", number=True),
            Cell(_rejections(line), number=True),
            Cell(f"{line.swapped} of {line.worlds}", number=True),
            Cell(number(line.proxy_gap), _critic(line), number=True),
            Cell(number(line.content), number=True),
            Cell(number(line.style), number=True),
        ]
        rows.append(Row([*head, *cells], first=first))
    columns = ["setting", "f", "gap", "overlap", "accuracy", "Y ⊥ E | f", "f unmoved"]
    return Table(
        [*columns, "of f", "content", "style"],
        rows,
        groups=[("", 2), ("estimated", 3), ("rejected", 2), ("proxy gap", 1), ("R²", 2)],
    )


def _rejections(line: Line) -> str:
    """How often the finest task was found to depend on E given f; a dash where nothing is left."""
    return f"{line.rejected} of {line.tested}" if line.tested else "–"


def _critic(line: Line) -> str:
    return "" if math.isnan(line.proxy_gap_g) else f"of g(f) {number(line.proxy_gap_g)}"


def terminal(lines: Sequence[Line], titles: Titles) -> TerminalTable:
    """The main numbers for a terminal."""
    table = TerminalTable(title="gap I(Y; E | f(X)) in nats, with what it must be read beside")
    for column in ("setting", "representation"):
        table.add_column(column, no_wrap=True)
    for column in ("gap", "overlap", "accuracy", "Y ⊥ E | f rejected"):
        table.add_column(column, justify="right", no_wrap=True)
    for line in lines:
        table.add_row(
            line.setting,
            titles[line.method],
            f"{number(line.gap[0], 3)} ({number(line.gap[1], 3)} to {number(line.gap[2], 3)})",
            number(line.overlap),
            number(line.accuracy),
            _rejections(line),
        )
    return table


def finding(lines: Sequence[Line]) -> str:
    """What came out in the first setting; of this run's numbers alone, and without a ranking."""
    setting = lines[0].setting
    own = [line for line in lines if line.setting == setting]
    learnt = [line for line in own if line.method not in CONTROLS]
    made = {line.method: line for line in own}
    parts = []
    if learnt:
        gaps, accuracies = [e.gap[0] for e in learnt], [e.accuracy for e in learnt]
        parts.append(
            f"In the setting {setting} the gaps of the encoders lie between {number(min(gaps), 3)}"
            f" and {number(max(gaps), 3)} nats, at accuracies from {number(min(accuracies))} to"
            f" {number(max(accuracies))} and overlaps of {number(min(e.overlap for e in learnt))}"
            " or more."
        )
    if {"oracle", "entangled"} <= made.keys():
        parts.append(
            f"The controls mark the scale: {number(made['oracle'].gap[0], 3)} for true content,"
            f" whose gap is 0, and {number(made['entangled'].gap[0], 3)} for content entangled with"
            " style."
        )
    return " ".join(parts)


def discussion(found: Bound) -> str:
    """How the estimates stand to Theorem 1."""
    if not found.compared:
        return ""
    return (
        f"Of {found.compared:,} gaps of coarser tasks, {found.above:,} exceed their refinement’s"
        f" where predictions are shared, and {found.fresh_above:,} where each task has probes of"
        " its own: only the former are held to the bound of Theorem 1, the latter show what"
        " separate fits would have claimed."
    )
