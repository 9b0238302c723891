"""Figures that studies of image encoders share, each from its tables."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from causal_ssl.analysis.plots import REFERENCE, WIDTH, Titles, colours, require, style

DASHES: tuple[Any, ...] = ((0, (1, 1.5)), (0, (5, 2.5)))
"""Of the lines of baselines, in order."""
COLUMNS = 3


def dots(table: pd.DataFrame, *, methods: Titles, metrics: Titles, baselines: Titles) -> Figure:
    """Scores of every method: a panel a metric, a row a method, small a seed, large their mean.

    Baselines are lines, one standard error of an accuracy wide on either side.

    Args:
        table: columns method, seed, metric, value, standard_error.
        methods: what to show, from top to bottom.
        metrics: the panels, from left to right.
        baselines: values of the column method, two at most; left out of panels that lack them.
    """
    require(table, ["method", "seed", "metric", "value", "standard_error"])
    colour = colours(["methods"])["methods"]
    with style():
        figure = Figure(figsize=(WIDTH, 1.5 + 0.34 * len(methods)), layout="constrained")
        axes = figure.subplots(1, len(metrics), sharey=True)
        for axis, (metric, title) in zip(axes, metrics.items(), strict=True):
            rows = table[table["metric"] == metric]
            _baselines(axis, rows, baselines)
            for k, method in enumerate(methods):
                own = rows[rows["method"] == method]["value"]
                look: dict[str, Any] = {"color": colour, "zorder": 3}
                axis.plot([own.mean()], [k], "o", ms=8, alpha=0.9, **look)
                if len(own) > 1:
                    axis.plot(own, [k] * len(own), "|", ms=12, mew=1.4, **look)
            axis.set_xlabel(title)
            axis.xaxis.set_major_locator(MaxNLocator(5))
        axes[0].set_yticks(range(len(methods)), list(methods.values()))
        axes[0].set_ylim(len(methods) - 0.5, -0.5)
        for axis in axes:
            axis.tick_params(axis="y", length=0)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(labels))
    return figure


def _baselines(axis: Axes, rows: pd.DataFrame, baselines: Titles) -> None:
    for (name, title), dashes in zip(baselines.items(), DASHES, strict=False):
        own = rows[rows["method"] == name]
        if own.empty:
            continue
        mean, error = own["value"].mean(), own["standard_error"].mean()
        axis.axvline(mean, color=REFERENCE, lw=1.4, ls=dashes, label=title)
        if error > 0:
            axis.axvspan(mean - error, mean + error, color=REFERENCE, alpha=0.15, lw=0)


def losses(history: pd.DataFrame, *, methods: Titles) -> Figure:
    """The loss over steps, a panel a method, whose units are its own, a line a seed.

    Args:
        history: columns method, seed, step, term, value.
        methods: what to show, in this order.
    """
    require(history, ["method", "seed", "step", "term", "value"])
    colour = colours(["loss"])["loss"]
    columns = min(COLUMNS, len(methods))
    rows = -(-len(methods) // columns)
    shown = history[history["term"] == "loss"]
    with style():
        figure = Figure(figsize=(WIDTH * columns / COLUMNS, 1.9 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, sharex=True, squeeze=False)
        for axis, (method, title) in zip(axes.flat, methods.items(), strict=False):
            for _, own in shown[shown["method"] == method].groupby("seed"):
                axis.plot(own["step"], own["value"], color=colour, lw=1.0, alpha=0.85)
            axis.set_title(title)
        for axis in axes.flat[len(methods) :]:
            axis.set_axis_off()
        for axis in axes[-1]:
            axis.set_xlabel("step")
        for axis in axes[:, 0]:
            axis.set_ylabel("loss")
    return figure
