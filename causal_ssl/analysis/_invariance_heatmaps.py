"""Matrices between environments as heatmaps, a panel a representation."""

from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd
import seaborn
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from causal_ssl.analysis._invariance_looks import COLUMNS, looks, of_pairs
from causal_ssl.analysis.plots import WIDTH, Titles, colours, require, style
from causal_ssl.errors import InputError, one_of

ACROSS = 5
"""Panels in a row at most."""
CROWDED = 40
"""Letters of all columns' names above which they are turned."""


@dataclass(frozen=True)
class PairMetric:
    """How a number of two environments is shown: its title, and that of rows and of columns."""

    title: str
    rows: str = "environment"
    columns: str = "environment"
    most: float | None = None

    @property
    def symmetric(self) -> bool:
        return self.rows == self.columns


PAIR_METRICS = {
    "gap": PairMetric("gap (nats)"),
    "gap_held_out": PairMetric("held-out gap (nats)"),
    "overlap": PairMetric("overlap", most=1.0),
    "overlap_held_out": PairMetric("overlap (held out)", most=1.0),
    "transfer_accuracy": PairMetric("accuracy", "fitted under", "scored under", most=1.0),
    "transfer_log_loss": PairMetric("log loss (nats)", "fitted under", "scored under"),
    "proxy_gap": PairMetric("proxy gap D(row || column)", "predicted under", "compared with"),
}


def pair_heatmaps(
    table: pd.DataFrame,
    *,
    metric: str,
    setting: str,
    methods: Titles,
    controls: Titles | None = None,
    environments: Titles | None = None,
    across: int = ACROSS,
    one_scale: bool = True,
) -> Figure:
    """A number of two environments as a heatmap for each representation.

    Args:
        table: with columns environment and against; one variable (task) of the metric.
        metric: one of `PAIR_METRICS`. Those without a direction fill both halves.
        setting: which one to show.
        methods, controls: what to show, in this order; those without rows are left out.
        environments: which to show, in this order; None: all, as they come.
        across: panels in a row at most; fewer are larger.
        one_scale: whether a shade is one number in all panels; else each panel has its own.

    Raises:
        InputError: an unknown metric, a missing column, no rows to show.
    """
    require(table, [*COLUMNS, "environment", "against"])
    kind = PAIR_METRICS[one_of("metric of pairs", metric, PAIR_METRICS)]
    own = of_pairs(table[(table["metric"] == metric) & (table["setting"] == setting)])
    names = dict(environments or {e: e for e in pd.unique(own[["environment", "against"]].stack())})
    matrices = {
        look.title: _matrix(own[own["method"] == name], list(names), kind.symmetric)
        for name, look in looks(methods, controls).items()
        if (own["method"] == name).any()
    }
    if not matrices:
        raise InputError(
            f"the table has no rows of {metric!r} in setting {setting!r} for "
            f"{', '.join([*methods, *(controls or {})])}: choose others"
        )
    values = [matrix.to_numpy() for matrix in matrices.values()]
    one_scale |= len(matrices) == 1
    highest = [float(np.nanmax(values if one_scale else each)) for each in values]
    scales = [Normalize(0, kind.most or most or 1.0) for most in highest]
    turned = len(names) * max(map(len, names.values())) > CROWDED
    shades = seaborn.light_palette(colours(["first"])["first"], as_cmap=True)
    side, across = WIDTH / (across + 0.8), min(across, len(matrices))
    n_rows = ceil(len(matrices) / across)
    with style():
        size = (0.8 + across) * side, (side + 0.5) * n_rows + (0 if kind.symmetric else 0.25)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(n_rows, across, squeeze=False)
        for axis in axes.flat[len(matrices) :]:
            axis.set_visible(False)
        for k, (axis, (title, matrix)) in enumerate(zip(axes.flat, matrices.items(), strict=False)):
            seaborn.heatmap(
                matrix.rename(index=names, columns=names),
                ax=axis,
                cmap=shades,
                norm=scales[k],
                annot=True,
                fmt=".2f",
                annot_kws={"fontsize": 7},
                square=True,
                cbar=False,
                linewidths=0.8,
            )
            left, bottom = k % across == 0, k + across >= len(matrices)
            axis.set(title=title, xlabel="", ylabel="")
            axis.grid(visible=False)
            axis.tick_params(length=0, labelsize=7.5, labelleft=left, labelrotation=0)
            if turned:
                axis.set_xticks(axis.get_xticks(), list(names.values()), rotation=40, ha="right")
            if not kind.symmetric:
                axis.set(xlabel=kind.columns if bottom else "", ylabel=kind.rows if left else "")
        if one_scale:
            shown = ScalarMappable(scales[0], shades)
            bar = figure.colorbar(shown, ax=axes, aspect=25 * n_rows, pad=0.01)
            bar.set_label(kind.title)
            bar.outline.set_visible(False)
    return figure


def _matrix(rows: pd.DataFrame, names: list[str], symmetric: bool) -> pd.DataFrame:
    """(E, E), mean over seeds; NaN where there is no number."""
    found = rows.pivot_table(index="environment", columns="against", values="value")
    matrix = found.reindex(index=names, columns=names)
    return matrix.combine_first(matrix.T).loc[names, names] if symmetric else matrix
