"""The distribution of F_LDA over ordered pairs of classes, several representations compared."""

from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from causal_ssl.analysis.plots import REFERENCE, WIDTH, Titles, colours, require, style
from causal_ssl.analysis.separability import FORMS
from causal_ssl.errors import InputError

PANELS = {
    "paper": ("F_LDA, the paper's form", "F_LDA of an ordered pair of classes"),
    "size_normalised": (
        "F_LDA, size-normalised",
        "F_LDA (dashed: means as far apart as two samples of the class)",
    ),
}
MOST_POINTS = 4000
"""Behind a violin: as many evenly spaced order statistics stand for a larger distribution."""


def f_lda_distributions(table: pd.DataFrame, *, representations: Titles) -> Figure:
    """Violins of F_LDA on a log axis: a panel a form, a row a representation.

    The violin's height is the density over its own maximum, the bar spans the quartiles, ring and
    number are the median. In the size-normalised form a line marks 1: there the squared distance
    between two class means is the mean squared distance between two samples of the first class.

    Args:
        table: columns representation, form, value: `Separability.table()` of each representation,
            stacked. Values that a log axis cannot show (0, inf, NaN) are left out and counted.
        representations: what to show, in this order from the top.

    Raises:
        InputError: a missing column, no known form, or no finite positive value of a
            representation.
    """
    require(table, ["representation", "form", "value"])
    forms = [form for form in FORMS if form in set(table["form"])]
    if not forms:
        raise InputError(f"the table has no row of a form of F_LDA: it needs {' or '.join(FORMS)}")
    with style():
        figure = Figure(figsize=(WIDTH, 1.1 + 0.62 * len(representations)), layout="constrained")
        axes = figure.subplots(1, len(forms), sharey=True, squeeze=False)[0]
        for axis, form in zip(axes, forms, strict=True):
            _panel(axis, table[table["form"] == form], representations)
            title, label = PANELS[form]
            axis.set(title=title, xlabel=label)
            if form == "size_normalised":
                axis.axvline(1, color=REFERENCE, lw=0.9, ls=(0, (4, 3)))
    return figure


def _panel(axis: Axes, rows: pd.DataFrame, representations: Titles) -> None:
    shown = {name: _shown(rows, name) for name in representations}
    palette = colours(list(representations))
    points = pd.DataFrame(
        [(name, value) for name, (values, _) in shown.items() for value in _thinned(values)],
        columns=["representation", "value"],
    )
    look: dict[str, Any] = {"inner": None, "cut": 0, "linewidth": 0, "density_norm": "width"}
    seaborn.violinplot(
        points,
        x="value",
        y="representation",
        hue="representation",
        order=list(representations),
        palette=palette,
        log_scale=(True, False),
        alpha=0.45,
        legend=False,
        ax=axis,
        **look,
    )
    for row, (name, (values, _)) in enumerate(shown.items()):
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        axis.plot([low, high], [row, row], color=palette[name], lw=4, solid_capstyle="butt")
        axis.plot(middle, row, "o", ms=5, mfc="white", mec=palette[name], mew=1.4)
        axis.annotate(
            _readable(middle),
            (middle, row),
            (0, 6),
            textcoords="offset points",
            ha="center",
            size=8,
        )
    # What is left out is left out of both forms: one label a row says it for all panels.
    labels = [
        title + (f"\n({shown[name][1]} pairs not shown)" if shown[name][1] else "")
        for name, title in representations.items()
    ]
    axis.set_yticks(range(len(labels)), labels)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", visible=False)
    axis.set_ylabel("")
    axis.xaxis.set_major_locator(LogLocator(numticks=6))
    axis.xaxis.set_minor_formatter(NullFormatter())


def _shown(rows: pd.DataFrame, representation: str) -> tuple[np.ndarray, int]:
    """The values that a log axis can show, and how many others there are."""
    values = rows.loc[rows["representation"] == representation, "value"].to_numpy(dtype=float)
    positive = values[np.isfinite(values) & (values > 0)]
    if not len(positive):
        raise InputError(
            f"representation {representation!r} has {len(values)} values of F_LDA, none of them "
            "positive and finite: leave it out"
        )
    return positive, len(values) - len(positive)


def _readable(value: float) -> str:
    if 1e-3 <= value < 1e4:
        return f"{value:.2g}"
    digits, exponent = f"{value:.1e}".split("e")
    return rf"${digits} \times 10^{{{int(exponent)}}}$"


def _thinned(values: np.ndarray) -> np.ndarray:
    if len(values) <= MOST_POINTS:
        return values
    return np.quantile(values, (np.arange(MOST_POINTS) + 0.5) / MOST_POINTS)
