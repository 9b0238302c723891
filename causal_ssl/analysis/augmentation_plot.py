"""Gaps under augmentations beside accuracy under them: what one does not say without the other."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from causal_ssl.analysis.plots import REFERENCE, WIDTH, Titles, colours, require, style
from causal_ssl.errors import InputError

GAP, OTHER, ACCURACY = "proxy_gap", "proxy_gap_other_image", "accuracy"
DASHES = (0, (5, 2.5))


def gaps_and_accuracy(
    table: pd.DataFrame, *, augmentations: Titles, variables: Titles, chance: float
) -> Figure:
    """A row an augmentation: its gap to the first one, a panel a network, and the accuracy.

    Lines: the gap between two different images, and accuracy by chance. Intervals at 95 %.

    Args:
        table: columns metric (`proxy_gap`, `proxy_gap_other_image`, `accuracy`), environment,
            against, variable, value, low, high.
        augmentations: what to show, from top to bottom; the first is what others are compared with.
        variables: networks whose gaps to show, from left to right: f, g.
        chance: accuracy of who answers with the most frequent class.

    Raises:
        InputError: a missing column, or no gaps of a network.
    """
    require(table, ["metric", "environment", "against", "variable", "value", "low", "high"])
    first, *others = augmentations
    palette = colours([*variables, ACCURACY])
    with style():
        size = WIDTH, 1.2 + 0.36 * len(augmentations)
        # Apart, that the last tick of a panel does not touch the first of the next.
        figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.12))
        *left, right = figure.subplots(1, len(variables) + 1, sharey=True)
        for axis, (variable, title) in zip(left, variables.items(), strict=True):
            own = table[table["variable"] == variable]
            gaps = own[(own["metric"] == GAP) & (own["against"] == first)].set_index("environment")
            if gaps.empty:
                raise InputError(f"the table has no {GAP} of {variable!r} against {first!r}")
            _intervals(axis, gaps.reindex(others), 1, palette[variable])
            other = float(own.loc[own["metric"] == OTHER, "value"].iloc[0])
            _line(axis, other, "another image")
            axis.set_xlim(0, 1.08 * max(other, float(gaps["high"].max())) or 1.0)
            axis.set_xlabel(f"gap to {augmentations[first]}, nats")
            axis.set_title(title)
        accuracy = table[table["metric"] == ACCURACY].set_index("environment")
        _intervals(right, accuracy.reindex(list(augmentations)), 0, palette[ACCURACY])
        _line(right, chance, "chance")
        right.set_xlim(0, 1)
        right.set_xlabel("accuracy")
        right.set_title("classes told from f")
        left[0].set_yticks(range(len(augmentations)), list(augmentations.values()))
        left[0].set_ylim(len(augmentations) - 0.5, -0.5)
        for axis in (*left, right):
            axis.tick_params(axis="y", length=0)
            axis.xaxis.set_major_locator(MaxNLocator(5))
    return figure


def _intervals(axis: Axes, rows: pd.DataFrame, start: int, colour: str) -> None:
    places = np.arange(start, start + len(rows))
    look: dict[str, Any] = {"color": colour, "zorder": 3}
    axis.hlines(places, rows["low"], rows["high"], lw=2.2, alpha=0.5, **look)
    axis.plot(rows["value"], places, "o", ms=7, **look)


def _line(axis: Axes, at: float, words: str) -> None:
    axis.axvline(at, color=REFERENCE, lw=1.3, ls=DASHES, zorder=1)
    axis.annotate(
        words,
        (at, 1),
        (0, -3),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right",
        va="top",
        rotation=90,
        fontsize=7.5,
        color=REFERENCE,
    )
