"""One figure for three questions: invariant, overlapping, accurate?"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from causal_ssl.analysis._invariance_looks import COLUMNS, looks, of_all
from causal_ssl.analysis.plots import REFERENCE, WIDTH, Titles, colours, require, style

Places = Mapping[str, float]
"""Method -> height of its dots."""


def at_a_glance(
    table: pd.DataFrame,
    *,
    settings: Titles,
    methods: Titles,
    controls: Titles | None = None,
    finest: str = "finest",
) -> Figure:
    """Invariant? Overlapping? Accurate? A row a representation, a column each question.

    A colour a setting. Gaps with the hull of their intervals over seeds; everything else as means
    over seeds and, of the overlap, a line down to that of the two environments that share least.
    The accuracy is the pooled one; a tick marks that of the probes of single environments.

    Args:
        table: metrics `gap`, `accuracy`, `accuracy_within` and `chance` of the finest task;
            `overlap` and `overlap_min`.
        settings, methods, controls: what to show, in this order.
        finest: the variable whose gap and accuracy are shown.
    """
    require(table, COLUMNS)
    shown, palette = looks(methods, controls), colours(list(settings))
    own = table[table["variable"] == finest]
    with style():
        figure = Figure(
            figsize=(WIDTH, 1.3 + (0.2 + 0.05 * len(settings)) * len(shown)), layout="constrained"
        )
        axes = figure.subplots(1, 3, sharey=True)
        for k, setting in enumerate(settings):
            offset = (k - (len(settings) - 1) / 2) * 0.66 / len(settings)
            places = {name: row + offset for row, name in enumerate(shown)}
            colour = palette[setting]
            for axis, draw, rows in (
                (axes[0], _gap_dots, own),
                (axes[1], _overlap_dots, table),
                (axes[2], _accuracy_dots, own),
            ):
                draw(axis, rows[rows["setting"] == setting], places, colour)
        _ask(axes[0], "Invariant?", "gap (nats)")
        _ask(axes[1], "Overlapping?", "overlap (mean; line to the least)", (0, 1.02))
        _ask(axes[2], "Accurate?", "accuracy", (0, 1.02))
        axes[0].set_yticks(range(len(shown)), [look.title for look in shown.values()])
        axes[0].set_ylim(len(shown) - 0.5, -0.5)
        for axis in axes:
            axis.axhline(len(methods) - 0.5, color=REFERENCE, lw=0.8)
        dots = [
            Line2D([], [], ls="", marker="o", ms=5, color=palette[setting], label=title)
            for setting, title in settings.items()
        ]
        within = Line2D(
            [], [], ls="", marker="|", ms=8, color=REFERENCE, label="within environments"
        )
        chance = Line2D([], [], ls=":", color=REFERENCE, label="chance")
        figure.legend(handles=[*dots, within, chance], loc="outside upper center", ncols=6)
    return figure


def _ask(axis: Axes, question: str, label: str, limits: tuple[float, float] | None = None) -> None:
    axis.set(title=question, xlabel=label)
    axis.set_xlim(*(limits or (0, None)))
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", visible=False)


def _gap_dots(axis: Axes, rows: pd.DataFrame, places: Places, colour: str) -> None:
    gap = of_all(rows)[lambda own: own["metric"] == "gap"].groupby("method")
    _dots(axis, gap["value"].mean(), places, colour)
    _spans(axis, gap["low"].min(), gap["high"].max(), places, colour)


def _overlap_dots(axis: Axes, rows: pd.DataFrame, places: Places, colour: str) -> None:
    mean, least = _means(rows, "overlap"), _means(rows, "overlap_min")
    _dots(axis, mean, places, colour)
    _spans(axis, least, mean, places, colour)


def _accuracy_dots(axis: Axes, rows: pd.DataFrame, places: Places, colour: str) -> None:
    for value in _means(rows, "chance").iloc[:1]:
        axis.axvline(value, color=REFERENCE, lw=1, ls=":", zorder=1)
    within = rows[rows["metric"] == "accuracy_within"].groupby("method")["value"].mean()
    _dots(axis, within, places, colour, marker="|", ms=7, mew=1.4)
    _dots(axis, _means(rows, "accuracy"), places, colour)


def _means(rows: pd.DataFrame, metric: str) -> pd.Series:
    """Method -> mean over seeds."""
    own = of_all(rows)
    return own[own["metric"] == metric].groupby("method")["value"].mean()


def _dots(axis: Axes, values: pd.Series, places: Places, colour: str, **look: Any) -> None:
    shown = values.reindex(list(places))
    marker = {"marker": "o", "ms": 4.5, **look}
    axis.plot(shown, list(places.values()), ls="", color=colour, zorder=3, clip_on=False, **marker)


def _spans(axis: Axes, low: pd.Series, high: pd.Series, places: Places, colour: str) -> None:
    ends = [each.reindex(list(places)) for each in (low, high)]
    axis.hlines(list(places.values()), *ends, color=colour, lw=1.2, zorder=2)
