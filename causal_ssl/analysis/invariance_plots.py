"""Figures of invariance on samples, from a study's table.

All of them read one tidy table with the columns setting, method, seed, metric, variable (the task),
value, low, high (the ends of an interval, or NaN) and, where a number belongs to one environment or
to a pair, environment and against ("all", NaN or no such column: it belongs to none). The metrics
are those of `Invariance.table`, `pairwise_gaps`, `Transfer.table` and `ProxyGaps.table`; gaps are
in nats.

Representations come in two groups, each in the order shown: `methods`, that were learnt (filled
markers, solid lines), and `controls`, that were made (open markers, dashed lines).
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import matplotlib as mpl
import matplotlib.ticker
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from causal_ssl.analysis._invariance_glance import at_a_glance
from causal_ssl.analysis._invariance_heatmaps import pair_heatmaps
from causal_ssl.analysis._invariance_looks import (
    COLUMNS,
    MARKERS,
    NOTE,
    Look,
    looks,
    method_legend,
    of_all,
)
from causal_ssl.analysis.plots import REFERENCE, WIDTH, Titles, require, style

__all__ = ["at_a_glance", "bound_scatter", "gap_ladder", "pair_heatmaps"]

TICKS = (0.0, 0.01, 0.05, 0.2, 0.5, 1.0, 2.0, 3.0)
"""Of the axes that grow with the root of a gap (nats)."""


def bound_scatter(
    table: pd.DataFrame,
    *,
    settings: Titles,
    methods: Titles,
    controls: Titles | None = None,
    tasks: Titles,
    finest: str = "finest",
    metric: str = "gap",
) -> Figure:
    """Gap of each task over the gap of its refinement; Theorem 1 is the diagonal.

    A panel a setting, a colour a representation, a marker a task, a point a seed; lines are
    intervals, that of the refinement drawn once, at the largest of the gaps over it. Both axes grow
    with the root of the gap, so that 0 is on them and small gaps are told apart.

    Args:
        table: metrics `gap` of the finest task and `metric` of the coarser ones.
        settings, methods, controls: what to show, in this order.
        tasks: the coarser tasks to show, variables of the table.
        finest: the variable of the refinement.
        metric: of the vertical axis: `gap`, which cannot cross the diagonal, or `gap_fresh`.
    """
    require(table, COLUMNS)
    shown, both = looks(methods, controls), _beside_finest(of_all(table), tasks, finest, metric)
    markers = {task: MARKERS[k % len(MARKERS)] for k, task in enumerate(tasks)}
    most = 1.05 * float(both[["high", "high_finest", "value"]].max().max())
    across = len(settings) if len(settings) <= 3 else 2
    down = ceil(len(settings) / across)
    with style():
        size = WIDTH, min(4.2, WIDTH / across) * down + 0.95
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for axis in axes.flat[len(settings) :]:
            axis.set_visible(False)
        for axis, (setting, title) in zip(axes.flat, settings.items(), strict=False):
            _bound(axis, most)
            for name, look in shown.items():
                own = both[(both["setting"] == setting) & (both["method"] == name)]
                _crosses(axis, own, look, markers)
            axis.set_title(title)
        for axis in axes[:, 0]:
            axis.set_ylabel(
                "gap of the task (nats)" + ("" if metric == "gap" else ", fresh probes")
            )
        for axis in axes[-1]:
            axis.set_xlabel("gap of the refinement (nats)")
        method_legend(figure, shown)
        grey: dict[str, Any] = {"ls": "", "ms": 5, "color": REFERENCE}
        handles = [Line2D([], [], marker=markers[t], label=tasks[t], **grey) for t in tasks]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(tasks))
    return figure


def _beside_finest(rows: pd.DataFrame, tasks: Titles, finest: str, metric: str) -> pd.DataFrame:
    """The metric of each task beside its refinement's gap (value_finest, low_finest, ...)."""
    refinement = rows[(rows["metric"] == "gap") & (rows["variable"] == finest)]
    own = rows[(rows["metric"] == metric) & rows["variable"].isin(tasks)]
    return own.merge(refinement, on=["setting", "method", "seed"], suffixes=("", "_finest"))


def _bound(axis: Axes, most: float) -> None:
    """Axes in roots with the diagonal, and what lies above it in grey."""
    axis.fill_between([0, most], [0, most], most, color="#f0f0f0", lw=0, zorder=0)
    axis.plot([0, most], [0, most], color=REFERENCE, lw=1, zorder=1)
    axis.text(
        0.03, 0.97, "above the bound\nof Theorem 1", transform=axis.transAxes, va="top", **NOTE
    )
    roots = {"functions": (lambda gap: np.sqrt(np.maximum(gap, 0)), np.square)}
    axis.set_xscale("function", **roots)
    axis.set_yscale("function", **roots)
    axis.set(xlim=(0, most), ylim=(0, most), aspect="equal")
    ticks = [tick for tick in TICKS if tick <= most]
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])


def _crosses(axis: Axes, rows: pd.DataFrame, look: Look, markers: Mapping[str, str]) -> None:
    """The points of one representation and their intervals."""
    bars: dict[str, Any] = {"color": look.colour, "lw": 0.7, "alpha": 0.45, "zorder": 2}
    axis.vlines(rows["value_finest"], rows["low"], rows["high"], **bars)
    top = rows.loc[rows.groupby("seed")["value"].idxmax()]
    axis.hlines(top["value"], top["low_finest"], top["high_finest"], **bars)
    for task, marker in markers.items():
        own = rows[rows["variable"] == task]
        place = own["value_finest"], own["value"]
        axis.plot(*place, marker, ms=4.5, mew=1, zorder=3, clip_on=False, **look.marker)


def gap_ladder(
    table: pd.DataFrame,
    *,
    settings: Titles,
    methods: Titles,
    controls: Titles | None = None,
    tasks: Sequence[str],
) -> Figure:
    """Gap over the number of cells of the task, from the binary task to the finest.

    A column a setting, the learnt representations above and the controls below. The line is the
    plug-in gap, biased up; the band reaches down to the held-out one, biased down. Means over
    seeds.

    Args:
        table: metrics `gap`, `gap_held_out` and `n_classes` of the tasks.
        settings, methods, controls: what to show, in this order.
        tasks: the rungs, variables of the table, the finest one among them.
    """
    require(table, COLUMNS)
    shown = looks(methods, controls)
    rungs = _rungs(of_all(table), tasks)
    groups = [{n: k for n, k in shown.items() if k.control == made} for made in (False, True)]
    groups = [group for group in groups if group]
    with style():
        figure = Figure(figsize=(WIDTH, 0.8 + 2.2 * len(groups)), layout="constrained")
        axes = figure.subplots(len(groups), len(settings), sharex=True, sharey="row", squeeze=False)
        for across, group in zip(axes, groups, strict=True):
            for axis, setting in zip(across, settings, strict=True):
                here = rungs[rungs["setting"] == setting]
                for name, look in group.items():
                    _rung_line(axis, here[here["method"] == name], look)
                axis.set_xscale("log", base=2)
                axis.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda n, _: f"{n:g}"))
            across[0].set(ylabel="gap (nats)", ylim=(0, None))
        for axis, title in zip(axes[0], settings.values(), strict=True):
            axis.set_title(title)
        for axis in axes[-1]:
            axis.set_xlabel("cells of the task")
        note = "line: plug-in; band: to held-out"
        axes[0, 0].text(0.03, 0.97, note, transform=axes[0, 0].transAxes, va="top", **NOTE)
        method_legend(figure, shown)
    return figure


def _rungs(rows: pd.DataFrame, tasks: Sequence[str]) -> pd.DataFrame:
    """Columns setting, method, n_classes, gap, gap_held_out: means over seeds, coarsest first."""
    metrics = ["gap", "gap_held_out", "n_classes"]
    own = rows[rows["metric"].isin(metrics) & rows["variable"].isin(tasks)]
    wide = own.pivot_table(
        index=["setting", "method", "variable"], columns="metric", values="value"
    )
    return wide.reindex(columns=metrics).reset_index().sort_values("n_classes")


def _rung_line(axis: Axes, rungs: pd.DataFrame, look: Look) -> None:
    cells, plug_in = rungs["n_classes"], rungs["gap"]
    held_out = rungs["gap_held_out"].clip(lower=0)
    axis.fill_between(cells, held_out, plug_in, color=look.colour, alpha=0.13, lw=0)
    axis.plot(cells, plug_in, marker="o", ms=4, mew=1, **look.marker, **look.line)
