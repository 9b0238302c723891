"""Errors of a classifier under every corruption and severity, and its CE beside."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from causal_ssl.analysis.plots import PUBLISHED, REFERENCE, WIDTH, colours, require, style
from causal_ssl.analysis.robustness import SEVERITIES

COLOURS = "YlOrBr"
DARK = 0.6
"""From this error on a cell is dark enough for white text."""


def corruption_errors(
    errors: pd.DataFrame,
    ce: pd.DataFrame,
    *,
    groups: Mapping[str, Sequence[str]],
    published: str = "",
) -> Figure:
    """A row a corruption: errors by severity as a heatmap, and CE as a dot, AlexNet's being 100.

    What is missing is an empty cell, or a row without a dot.

    Args:
        errors: columns corruption, severity (1 to 5), error, a share in [0, 1].
        ce: columns corruption, ce (1 is as AlexNet) and reference, the published one (NaN: none).
        groups: title -> corruptions, in the order shown.
        published: whose the published CE are.

    Raises:
        InputError: a column is missing.
    """
    require(errors, ["corruption", "severity", "error"])
    require(ce, ["corruption", "ce", "reference"])
    names = [name for group in groups.values() for name in group]
    grid = errors.pivot_table(index="corruption", columns="severity", values="error", dropna=False)
    with style():
        figure = Figure(figsize=(WIDTH, 1.2 + 0.27 * len(names)), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True, width_ratios=[1, 1.25])
        _heatmap(axes[0], grid.reindex(index=names, columns=list(SEVERITIES)).to_numpy(float))
        _dots(axes[1], ce.set_index("corruption").reindex(names), published)
        axes[0].set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
        _rules(figure, axes, groups)
    return figure


def _heatmap(axis: Axes, grid: np.ndarray) -> None:
    axis.imshow(grid, cmap=COLOURS, vmin=0, vmax=1, aspect="auto")
    for (row, column), error in np.ndenumerate(grid):
        text: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8}
        if np.isnan(error):
            axis.text(column, row, "–", color=REFERENCE, **text)
            continue
        colour = "white" if error > DARK else "#222222"
        axis.text(column, row, f"{100 * error:.1f}", color=colour, **text)
    axis.set_xticks(range(len(SEVERITIES)), [str(severity) for severity in SEVERITIES])
    axis.set_xlabel("severity")
    axis.set_title("top-1 error, %")
    _bare(axis)


def _dots(axis: Axes, ce: pd.DataFrame, published: str) -> None:
    rows = np.arange(len(ce))
    axis.axvline(100, color=REFERENCE, lw=1.4, ls=(0, (5, 2.5)), label="AlexNet")
    axis.plot(100 * ce["ce"], rows, "o", ms=7, color=colours(["ce"])["ce"], label="here", zorder=3)
    if ce["reference"].notna().any():
        look: dict[str, Any] = {"ms": 5, "color": PUBLISHED, "mfc": "white", "zorder": 4}
        axis.plot(100 * ce["reference"], rows, "D", label=f"published, {published}", **look)
    axis.set_xlabel("summed error over AlexNet’s, %")
    axis.set_title("CE")
    axis.tick_params(axis="y", length=0)


def _rules(figure: Figure, axes: np.ndarray, groups: Mapping[str, Sequence[str]]) -> None:
    """A rule between groups, and their titles at the right."""
    start = 0
    for title, names in groups.items():
        if start:
            axes[0].axhline(start - 0.5, color="white", lw=4)
            axes[1].axhline(start - 0.5, color=REFERENCE, lw=0.6)
        middle = start + (len(names) - 1) / 2
        axes[1].text(
            1.02,
            middle,
            title,
            transform=mpl.transforms.blended_transform_factory(
                axes[1].transAxes, axes[1].transData
            ),
            va="center",
            color="#444444",
        )
        start += len(names)
    handles, labels = axes[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels))


def _bare(axis: Axes) -> None:
    axis.tick_params(length=0)
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)
