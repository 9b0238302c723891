"""Scores of many variables in many settings as one heatmap a method, published numbers inside."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from causal_ssl.analysis.plots import WIDTH, Titles, require, style

COLOURS = "YlGnBu"
DARK = 0.55
"""From this value on a cell is dark enough for white text."""


def score_heatmap(
    table: pd.DataFrame, *, settings: Titles, methods: Titles, variables: Titles
) -> Figure:
    """Mean scores over seeds: a panel a method, a row a setting, a column a variable.

    Args:
        table: columns setting, method, variable, value (in [0, 1], or below 0 for a bad fit) and
            reference, the published value (NaN where there is none), shown small in parentheses.
        settings, methods, variables: what to show, in this order.

    Raises:
        InputError: a column is missing.
    """
    require(table, ["setting", "method", "variable", "value", "reference"])
    with style():
        figure = Figure(figsize=(WIDTH, 1.5 + 0.36 * len(settings)), layout="constrained")
        axes = figure.subplots(1, len(methods), sharey=True, squeeze=False)[0]
        for axis, (method, title) in zip(axes, methods.items(), strict=True):
            own = table[table["method"] == method]
            values, references = (
                own.pivot_table(index="setting", columns="variable", values=name, dropna=False)
                .reindex(index=list(settings), columns=list(variables))
                .to_numpy(dtype=float)
                for name in ("value", "reference")
            )
            _panel(axis, values, references, list(variables.values()))
            axis.set_title(title, pad=8)
        axes[0].set_yticks(range(len(settings)), list(settings.values()))
        scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(0, 1), COLOURS)
        bar = figure.colorbar(scale, ax=axes.tolist(), fraction=0.02, pad=0.01)
        bar.set_label("accuracy, R²")
        bar.outline.set_visible(False)
    return figure


def _panel(
    axis: Axes, values: np.ndarray, references: np.ndarray, variables: Sequence[str]
) -> None:
    axis.imshow(values, cmap=COLOURS, vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        colour, published = "white" if value > DARK else "#222222", references[row, column]
        beside = not np.isnan(published)
        place: dict[str, Any] = {"ha": "center", "va": "center", "color": colour}
        axis.text(column, row - 0.16 * beside, f"{value:.2f}", fontsize=7.5, **place)
        if beside:
            axis.text(column, row + 0.27, f"({published:.2f})", fontsize=5.8, **place)
    axis.set_xticks(range(len(variables)), variables, rotation=40, ha="right", fontsize=8)
    axis.tick_params(length=0)
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)
