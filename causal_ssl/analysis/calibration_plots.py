"""Figures of a calibration, from its table: level, uniformity, power, coverage.

The table has the columns setting (the part), method, metric, variable (the law), n, ratio, value,
low, high, replications, information; see `experiments.calibration.tables`.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.ticker
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from causal_ssl.analysis.plots import REFERENCE, WIDTH, Titles, colours, require, style

LEVEL, PROMISED = 0.05, 0.075
"""The level of the tests, and the rejection rate that those of continuous f are held to."""
COLUMNS = ("setting", "method", "metric", "variable", "n", "ratio", "value", "low", "high")
NOTE: dict[str, Any] = {"fontsize": 8, "color": "#555555"}


def rejection_rates(table: pd.DataFrame, *, laws: Titles, stress: Sequence[str]) -> Figure:
    """Rejections under the null: by size of sample on the left, by auxiliary sample on the right.

    A row a law, a colour a size or a ratio, lines the 95 % binomial intervals; the level and what
    is promised are vertical lines. Laws in `stress` stand below a line: nothing is promised there.

    Args:
        table: rows with setting "continuous" and metric "rejection".
        laws: laws in the order shown, and their titles.
        stress: those of them that are beyond what the test is for.
    """
    require(table, COLUMNS)
    rows = table[(table["setting"] == "continuous") & (table["metric"] == "rejection")]
    drawn = rows[rows["method"] == "conditional_randomisation"]
    usual = drawn.groupby("ratio")["n"].nunique().idxmax()
    smallest = drawn["n"].min()
    local = rows[rows["method"] == "local_permutation"]
    by_size = {f"n = {n:,}": own for n, own in drawn[drawn["ratio"] == usual].groupby("n")}
    by_ratio = {f"ratio {r}": own for r, own in drawn[drawn["n"] == smallest].groupby("ratio")}
    if len(local):
        by_ratio["local permutation"] = local
    with style():
        figure = Figure(figsize=(WIDTH, 1.7 + 0.36 * len(laws)), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True, sharex=True)
        _rates(axes[0], by_size, laws, f"by n (ratio {usual})")
        _rates(axes[1], by_ratio, laws, f"by ratio (n = {smallest:,})")
        axes[0].set_yticks(range(len(laws)), list(laws.values()))
        axes[0].set_ylim(len(laws) - 0.4, -0.6)
        for axis in axes:
            if stress:
                axis.axhline(len(laws) - len(stress) - 0.5, color=REFERENCE, lw=0.8)
            axis.set_xlabel("share of nulls rejected at 5 %")
            axis.xaxis.set_major_locator(mpl.ticker.MultipleLocator(0.05))
            axis.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    return figure


def _rates(axis: Axes, groups: dict[str, pd.DataFrame], laws: Titles, title: str) -> None:
    palette, places = colours(list(groups)), {law: k for k, law in enumerate(laws)}
    axis.axvline(LEVEL, color=REFERENCE, lw=0.9)
    axis.axvline(PROMISED, color=REFERENCE, lw=0.9, ls=(0, (4, 3)))
    for k, (name, rows) in enumerate(groups.items()):
        own = rows[rows["variable"].isin(laws)]
        y = own["variable"].map(places) + (k - (len(groups) - 1) / 2) * 0.17
        axis.hlines(y, own["low"], own["high"], color=palette[name], lw=1.2)
        axis.plot(own["value"], y, "o", ms=4.5, color=palette[name], label=name)
    axis.set_title(title, pad=24)
    axis.set_xlim(left=0)
    _legend_above(axis, len(groups))


def _legend_above(axis: Axes, columns: int) -> None:
    """Between the title and the axes, where no data is."""
    axis.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        fontsize=8,
        frameon=False,
        handletextpad=0.2,
        columnspacing=0.9,
        borderaxespad=0.2,
    )


def uniformity(p_values: pd.DataFrame, table: pd.DataFrame, *, laws: Titles) -> Figure:
    """Distribution of p-values under discrete nulls against the uniform one.

    Args:
        p_values: columns variable (the law), p_value.
        table: rows with metric "ks_p_value".
        laws: laws in the order shown, and their titles.
    """
    require(p_values, ["variable", "p_value"])
    with style():
        figure = Figure(figsize=(WIDTH, WIDTH / len(laws) + 0.3), layout="constrained")
        axes = figure.subplots(1, len(laws), sharex=True, sharey=True, squeeze=False)[0]
        for axis, (law, title) in zip(axes, laws.items(), strict=True):
            values = np.sort(p_values.loc[p_values["variable"] == law, "p_value"])
            steps = np.arange(1, len(values) + 1) / len(values)
            reach = 1.36 / np.sqrt(len(values))  # of the Kolmogorov-Smirnov band at 95 %
            line = np.array([0.0, 1.0])
            axis.fill_between(line, line - reach, line + reach, color="#eeeeee", lw=0)
            axis.plot(line, line, color=REFERENCE, lw=0.8)
            axis.step(values, steps, where="post", color="#0072B2", lw=1.3)
            ks = table[(table["metric"] == "ks_p_value") & (table["variable"] == law)]["value"]
            note = f"Kolmogorov–Smirnov p = {ks.item():.2f}"
            axis.text(0.96, 0.05, note, ha="right", transform=axis.transAxes, **NOTE)
            axis.set(title=title, xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="p-value")
        axes[0].set_ylabel("share of data sets below")
    return figure


def power_curves(table: pd.DataFrame, *, families: dict[str, str]) -> Figure:
    """Power against the exact I(Y; E | f(X)).

    Args:
        table: rows with setting "power" and metric "rejection", column information.
        families: prefix of the laws of a panel -> its title.
    """
    require(table, [*COLUMNS, "information"])
    rows = table[(table["setting"] == "power") & (table["metric"] == "rejection")]
    with style():
        figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
        axes = figure.subplots(1, len(families), sharey=True, squeeze=False)[0]
        for axis, (prefix, title) in zip(axes, families.items(), strict=True):
            here = rows[rows["variable"].str.startswith(prefix)]
            groups = {
                f"{str(method).replace('_', ' ')}, n = {n:,}": own.sort_values("information")
                for (method, n), own in here.groupby(["method", "n"], sort=False)
            }
            for (name, own), colour in zip(
                groups.items(), colours(list(groups)).values(), strict=True
            ):
                x = own["information"]
                axis.fill_between(x, own["low"], own["high"], color=colour, alpha=0.15, lw=0)
                axis.plot(x, own["value"], "o-", ms=4, color=colour, label=name)
            axis.axhline(LEVEL, color=REFERENCE, lw=0.9)
            axis.set(
                title=title, xlabel="exact I(Y; E | f(X)) (nats)", ylim=(0, 1.02), xlim=(0, None)
            )
            axis.legend(loc="lower right", fontsize=8)
        axes[0].set_ylabel("share of data sets rejected at 5 %")
        axes[0].yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    return figure


def coverages(table: pd.DataFrame, *, laws: Titles) -> Figure:
    """Coverage of the gap's 95 % intervals, and what the bracket's two ends are on average.

    Left: share of intervals that hold the truth. Right: bias of the plug-in and of the held-out
    estimate, in nats, which stand on either side of 0.

    Args:
        table: rows with setting "coverage".
        laws: laws in the order shown, and their titles.
    """
    require(table, COLUMNS)
    rows = table[table["setting"] == "coverage"]
    sizes = sorted(rows["n"].unique())
    palette = colours([str(n) for n in sizes])
    with style():
        figure = Figure(figsize=(WIDTH, 1.3 + 0.36 * len(laws)), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        for k, n in enumerate(sizes):
            own, colour = rows[rows["n"] == n], palette[str(n)]
            places = {law: row + (k - (len(sizes) - 1) / 2) * 0.24 for row, law in enumerate(laws)}
            covered = own[(own["metric"] == "coverage") & own["variable"].isin(laws)]
            y = covered["variable"].map(places)
            left.hlines(y, covered["low"], covered["high"], color=colour, lw=1.2)
            left.plot(covered["value"], y, "o", ms=4.5, color=colour, label=f"n = {n:,}")
            _bracket(right, own, places, colour)
        left.axvline(0.95, color=REFERENCE, lw=0.9)
        right.axvline(0, color=REFERENCE, lw=0.9)
        left.set_title("Coverage of the 95 % intervals", pad=24)
        left.set_xlabel("share that hold the truth")
        left.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        right.set_title("Bias of the two estimates", pad=24)
        right.set_xlabel("mean minus truth (nats); ◁ held-out, ▷ plug-in")
        left.set_yticks(range(len(laws)), list(laws.values()))
        left.set_ylim(len(laws) - 0.4, -0.6)
        _legend_above(left, len(sizes))
    return figure


def _bracket(axis: Axes, rows: pd.DataFrame, places: dict[str, float], colour: str) -> None:
    wide = rows.pivot(index="variable", columns="metric", values="value")
    wide = wide.loc[[law for law in places if law in wide.index]]
    y = [places[law] for law in wide.index]
    axis.hlines(y, wide["bias_held_out"], wide["bias_plug_in"], color=colour, lw=1.2)
    axis.plot(wide["bias_held_out"], y, "<", ms=4.5, color=colour)
    axis.plot(wide["bias_plug_in"], y, ">", ms=4.5, color=colour)
