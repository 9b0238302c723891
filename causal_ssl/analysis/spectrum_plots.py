"""Figures of which directions of the latents a code keeps, from a study's table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib.lines
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from causal_ssl.analysis.plots import REFERENCE, WIDTH, Titles, colours, require, style

KINDS = {"content_direction": "content direction", "style_direction": "style direction"}
MARKERS = {"content_direction": "o", "style_direction": "^"}
LOWEST = -0.15
"""Of the R2 axes; an R2 below it is drawn on the edge."""


def directions(table: pd.DataFrame) -> pd.DataFrame:
    """One row a direction and encoder: what was measured beside what was predicted.

    Args:
        table: tidy; its metrics r2_kernel_ridge, r2_predicted, variance, stability for variables
            content_direction_<k> and style_direction_<k>.

    Returns:
        Columns setting, method, seed, variable, kind ("content_direction", "style_direction") and
        a column for each of these metrics (NaN where it does not apply).
    """
    require(table, ["setting", "method", "seed", "metric", "variable", "value"])
    metrics = ["r2_kernel_ridge", "r2_predicted", "variance", "stability"]
    chosen = table["metric"].isin(metrics) & table["variable"].str.contains("_direction_")
    keys = ["setting", "method", "seed", "variable"]
    wide = table[chosen].pivot_table(index=keys, columns="metric", values="value", sort=False)
    wide = wide.reindex(columns=metrics).reset_index()
    wide["kind"] = wide["variable"].str.replace(r"_\d+$", "", regex=True)
    return wide.rename_axis(columns=None)


@dataclass(frozen=True)
class Agreement:
    """How near predictions are to measurements.

    Attributes:
        correlation: Pearson's, of predicted and measured R2, in [-1, 1]; NaN if one is constant.
        rmse: root of the mean squared difference, in units of R2; 0 when they are equal.
    """

    correlation: float
    rmse: float


def agreement(rows: pd.DataFrame) -> Agreement | None:
    """Agreement of predicted with measured R2; None for fewer than three directions.

    A measured R2 below 0 counts as 0: both mean "not predictable", and chance is not held against
    the prediction.

    Args:
        rows: from `directions`, those with a prediction.

    Examples:
        >>> r2 = {"r2_predicted": [0, 0.5, 1], "r2_kernel_ridge": [-0.2, 0.5, 1]}
        >>> agreement(pd.DataFrame(r2))
        Agreement(correlation=1.0, rmse=0.0)
    """
    if len(rows) < 3:
        return None
    predicted, measured = rows["r2_predicted"], rows["r2_kernel_ridge"].clip(lower=0)
    rmse = np.sqrt(((predicted - measured) ** 2).mean())
    return Agreement(float(predicted.corr(measured)), float(rmse))


def predicted_against_measured(rows: pd.DataFrame, *, settings: Titles) -> Figure:
    """Measured against predicted R2, a point a direction and encoder, a panel a setting.

    Args:
        rows: from `directions`, those with a prediction.
        settings: what to show, in this order.
    """
    palette = colours(list(KINDS))
    with style():
        side = WIDTH / max(len(settings), 4)
        figure = Figure(figsize=(side * len(settings), side + 0.75), layout="constrained")
        axes = figure.subplots(1, len(settings), sharex=True, sharey=True, squeeze=False)[0]
        for axis, (setting, title) in zip(axes, settings.items(), strict=True):
            here = rows[rows["setting"] == setting]
            axis.plot([0, 1], [0, 1], color=REFERENCE, lw=0.8, zorder=1)
            for kind in KINDS:
                own = here[here["kind"] == kind]
                _points(axis, own["r2_predicted"], own["r2_kernel_ridge"], kind, palette[kind])
            axis.set(xlim=(LOWEST, 1.05), ylim=(LOWEST, 1.05), aspect="equal", title=title)
            axis.set_xlabel("predicted R²")
            axis.text(0.97, 0.06, _agreement(here), transform=axis.transAxes, ha="right", size=8)
        axes[0].set_ylabel("measured R²")
        figure.legend(handles=_legend(palette), loc="outside upper right", ncols=2)
    return figure


def kept_directions(rows: pd.DataFrame, *, settings: Titles) -> Figure:
    """Measured R2 over what a direction is: content by its variance, style by its stability.

    Args:
        rows: from `directions`.
        settings: what to show, in this order.
    """
    palette = colours(list(settings))
    axes_of = {
        "content_direction": ("variance", "variance of the content direction"),
        "style_direction": ("stability", "stability of the style direction (variance / change²)"),
    }
    with style():
        figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        for axis, (kind, (column, label)) in zip(axes, axes_of.items(), strict=True):
            for setting in settings:
                own = rows[(rows["setting"] == setting) & (rows["kind"] == kind)]
                _points(axis, own[column], own["r2_kernel_ridge"], kind, palette[setting])
            axis.set(xscale="log", ylim=(LOWEST, 1.05), xlabel=label)
            axis.set_title(f"{KINDS[kind].capitalize()}s")
        axes[0].set_ylabel("measured R²")
        handles = [
            matplotlib.lines.Line2D(
                [], [], ls="", marker="s", ms=5, color=palette[name], label=title
            )
            for name, title in settings.items()
        ]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def _points(axis: Axes, x: pd.Series, y: pd.Series, kind: str, colour: str) -> None:
    y = y.clip(lower=LOWEST)
    look: dict[str, Any] = {
        "ms": 4.5,
        "mfc": colour,
        "mec": "white",
        "mew": 0.4,
        "alpha": 0.75,
        "clip_on": False,
    }
    axis.plot(x, y, MARKERS[kind], zorder=2, **look)


def _agreement(rows: pd.DataFrame) -> str:
    found = agreement(rows)
    return f"r = {found.correlation:.2f}\nRMSE {found.rmse:.2f}" if found else ""


def _legend(palette: Mapping[str, str]) -> list[matplotlib.lines.Line2D]:
    return [
        matplotlib.lines.Line2D(
            [], [], ls="", marker=MARKERS[kind], ms=5, color=palette[kind], label=title
        )
        for kind, title in KINDS.items()
    ]
