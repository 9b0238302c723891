"""Scores of many variables in many settings as one heatmap a method, published numbers inside."""

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
HEIGHTS = (0.0, -0.16, -0.26)
"""Where a value stands in its cell, from the middle, by the lines of small print below it."""


def score_heatmap(
    table: pd.DataFrame,
    *,
    settings: Titles,
    methods: Titles,
    variables: Titles,
    rule_below: int = 0,
) -> Figure:
    """Mean scores over seeds: a panel a method, a row a setting, a column a variable.

    Small below a mean: the standard deviation over seeds, where there are several, and the
    published value in parentheses, where there is one.

    Args:
        table: columns setting, method, variable, value (in [0, 1], or below 0 for a bad fit) and
            reference, the published value (NaN where there is none); a row a seed.
        settings, methods, variables: what to show, in this order.
        rule_below: settings above a rule across all panels; 0: no rule.

    Raises:
        InputError: a column is missing.
    """
    require(table, ["setting", "method", "variable", "value", "reference"])
    with style():
        figure = Figure(figsize=(WIDTH, 1.5 + 0.36 * len(settings)), layout="constrained")
        axes = figure.subplots(1, len(methods), sharey=True, squeeze=False)[0]
        for axis, (method, title) in zip(axes, methods.items(), strict=True):
            own = table[table["method"] == method]
            grid = {"index": list(settings), "columns": list(variables)}
            values, spreads, references = (
                own.pivot_table(
                    index="setting", columns="variable", values=name, aggfunc=how, dropna=False
                )
                .reindex(**grid)
                .to_numpy(dtype=float)
                for name, how in (("value", "mean"), ("value", "std"), ("reference", "mean"))
            )
            _panel(axis, values, spreads, references)
            names: dict[str, Any] = {"rotation": 40, "ha": "right", "fontsize": 8}
            axis.set_xticks(range(len(variables)), list(variables.values()), **names)
            if rule_below:
                axis.axhline(rule_below - 0.5, color="white", linewidth=4)
            axis.set_title(title, pad=8)
        axes[0].set_yticks(range(len(settings)), list(settings.values()))
        scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(0, 1), COLOURS)
        bar = figure.colorbar(scale, ax=axes.tolist(), fraction=0.02, pad=0.01)
        bar.set_label("accuracy, R²")
        bar.outline.set_visible(False)
    return figure


def _panel(axis: Axes, values: np.ndarray, spreads: np.ndarray, references: np.ndarray) -> None:
    axis.imshow(values, cmap=COLOURS, vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        spread, published = spreads[row, column], references[row, column]
        small = [
            *([] if np.isnan(spread) else [f"±{spread:.2f}"]),
            *([] if np.isnan(published) else [f"({published:.2f})"]),
        ]
        colour = "white" if value > DARK else "#222222"
        place: dict[str, Any] = {"ha": "center", "va": "center", "color": colour}
        axis.text(column, row + HEIGHTS[len(small)], f"{value:z.2f}", fontsize=7.5, **place)
        if small:
            axis.text(column, row + 0.25, "\n".join(small), fontsize=5.8, **place)
    axis.tick_params(length=0)
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)
