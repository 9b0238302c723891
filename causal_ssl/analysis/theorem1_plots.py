"""Figures of Theorem 1 on finite models: where its bound holds, where it fails, and by how much.

Gaps span many orders of magnitude, are 0 where nothing depends on the environment, and infinite
where a divergence is: every axis is logarithmic with places of their own for 0 and infinity.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from causal_ssl.analysis.plots import REFERENCE, WIDTH, Titles, colours, require, style

HOLDS, FAILS = colours(["holds", "fails"]).values()
SHADE = "#f3f3f1"

MEASURES = {
    "kl": "KL",
    "js": "Jensen-Shannon",
    "tv": "total variation",
    "hellinger2": "squared Hellinger",
    "chi2": "chi-square",
    "information": "I(Y; E | f)",
}
"""Measures of a gap, as in tables -> for a reader."""
UNITS = {"kl": " (nats)", "js": " (nats)", "information": " (nats)"}

ROUNDING = 1e-12
"""Up to here a gap counts as 0, and an excess as rounding."""


@dataclass(frozen=True)
class GapScale:
    """Places of gaps on an axis: their decimal logarithm, 0 to the left of it, inf to the right.

    Args:
        low, high: exponents of the ordinary part; what is smaller, and not 0, is drawn at its edge.
        infinite: whether there is a place for infinity.
    """

    low: int
    high: int
    infinite: bool

    @classmethod
    def of(cls, gaps: NDArray[np.float64]) -> "GapScale":
        """The scale that holds these gaps, but for the smallest percent; NaN is left out."""
        ordinary = gaps[np.isfinite(gaps) & (gaps > ROUNDING)]
        if not len(ordinary):
            ordinary = np.array([0.1, 1.0])
        low, high = np.log10(np.quantile(ordinary, [0.01, 1], method="lower"))
        # A total variation of 1 may be off by its last bit.
        low, high = int(np.floor(low)), int(np.ceil(high - 1e-9))
        return cls(low, max(high, low + 1), bool(np.isinf(gaps).any()))

    @property
    def margin(self) -> float:
        """Width of the places of 0 and of infinity."""
        return 0.16 * (self.high - self.low)

    @property
    def limits(self) -> tuple[float, float]:
        """Of the axis."""
        right = self.margin if self.infinite else 0.04 * (self.high - self.low)
        return self.low - self.margin, self.high + right

    def places(self, gaps: NDArray[np.float64], within: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) positions; `within`, in [-1/2, 1/2], spreads points over the places of 0 and inf."""
        spread = 0.62 * self.margin * within
        places = np.log10(np.maximum(gaps, 10.0**self.low))
        places = np.where(gaps <= ROUNDING, self.low - self.margin / 2 + spread, places)
        return np.where(np.isinf(gaps), self.high + self.margin / 2 + spread, places)

    def ticks(self, most: int = 4) -> dict[float, str]:
        """Position -> label."""
        step = int(np.ceil((self.high - self.low) / most))
        first = self.high - self.infinite * max(1, step // 2)  # not too close to infinity's
        labels = {float(k): _power(k) for k in range(first, self.low, -step)}
        labels[self.low - self.margin / 2] = "0"
        if self.infinite:
            labels[self.high + self.margin / 2] = "∞"
        return labels

    def shade(self, axis: Axes) -> None:
        """Set the places of 0 and of infinity apart."""
        left, right = self.limits
        edges = [(left, self.low)] + [(self.high, right)] * self.infinite
        for span in edges:
            axis.axvspan(*span, color=SHADE, lw=0, zorder=0)
            axis.axhspan(*span, color=SHADE, lw=0, zorder=0)


def gap_panels(models: pd.DataFrame, *, settings: Titles, measure: str) -> Figure:
    """Gap of the task over gap of the proxy, a panel a setting, with the bound as the diagonal.

    Args:
        models: columns setting, seed, measure, violations, proxy_gap, task_gap: a row a model and
            measure. Gaps may be 0 or infinite; models without gaps (NaN) are left out.
        settings: what to show, in this order.
        measure: kl, js, tv, hellinger2, chi2 or information.
    """
    rows = _shown(models, settings, [measure])
    scale = GapScale.of(rows[["proxy_gap", "task_gap"]].to_numpy().ravel())
    columns = min(3, len(settings))
    lines = int(np.ceil(len(settings) / columns))
    with style():
        figure = Figure(figsize=(WIDTH, 0.5 + 3.05 * lines), layout="constrained")
        axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for axis in axes.flat[len(settings) :]:
            axis.set_visible(False)
        for axis, (setting, title) in zip(axes.flat, settings.items(), strict=False):
            own = rows[rows["setting"] == setting]
            _panel(axis, own, scale)
            violating = int((own["violations"] > 0).sum())
            axis.set_title(title)
            counted = f"{violating:,} of {len(own):,} violate"
            axis.set_title(counted, loc="right", fontsize=8.5, fontweight="normal")
        name = MEASURES[measure] + UNITS.get(measure, "")
        for axis in axes[-1]:
            axis.set_xlabel(f"gap of the proxy, {name}")
        for axis in axes[:, 0]:
            axis.set_ylabel(f"gap of the task, {name}")
        _legend(figure)
    return figure


def gap_grid(models: pd.DataFrame, *, settings: Titles, measures: Sequence[str]) -> Figure:
    """As `gap_panels`, small, a row a measure and a column a setting."""
    rows = _shown(models, settings, measures)
    side = WIDTH / 6.2
    with style():
        width = max(0.7 + side * len(settings), 7.2)  # the legend needs that much
        figure = Figure(figsize=(width, 0.6 + side * len(measures)), layout="constrained")
        axes = figure.subplots(len(measures), len(settings), sharex="row", sharey="row",
                               squeeze=False)  # fmt: skip
        for line, measure in zip(axes, measures, strict=True):
            of_measure = rows[rows["measure"] == measure]
            scale = GapScale.of(of_measure[["proxy_gap", "task_gap"]].to_numpy().ravel())
            for axis, setting in zip(line, settings, strict=True):
                _panel(axis, of_measure[of_measure["setting"] == setting], scale, ticks=3)
            line[0].set_ylabel(MEASURES[measure] + UNITS.get(measure, ""))
        for axis, title in zip(axes[0], settings.values(), strict=True):
            axis.set_title(title, fontsize=8.5)
        figure.supxlabel("gap of the proxy", fontsize=9)
        figure.supylabel("gap of the task", fontsize=9)
        _legend(figure)
    return figure


def _shown(models: pd.DataFrame, settings: Titles, measures: Sequence[str]) -> pd.DataFrame:
    require(models, ["setting", "seed", "measure", "violations", "proxy_gap", "task_gap"])
    chosen = models["setting"].isin(list(settings)) & models["measure"].isin(list(measures))
    return models[chosen].dropna(subset=["proxy_gap", "task_gap"])


def _panel(axis: Axes, rows: pd.DataFrame, scale: GapScale, ticks: int = 4) -> None:
    scale.shade(axis)
    left, right = scale.limits
    axis.plot([left, right], [left, right], color=REFERENCE, lw=0.9, zorder=1)
    seeds = rows["seed"].to_numpy()
    x = scale.places(rows["proxy_gap"].to_numpy(dtype=float), _spread(seeds, 0))
    y = scale.places(rows["task_gap"].to_numpy(dtype=float), _spread(seeds, 1))
    violates = rows["violations"].to_numpy() > 0
    for chosen, colour, depth in [(~violates, HOLDS, 2), (violates, FAILS, 3)]:
        axis.scatter(x[chosen], y[chosen], c=colour, zorder=depth, **_dots(len(rows)))
    axis.set(xlim=(left, right), ylim=(left, right), aspect="equal")
    labels = scale.ticks(ticks)
    axis.set_xticks(list(labels), list(labels.values()))
    axis.set_yticks(list(labels), list(labels.values()))
    axis.grid(visible=False)


def _legend(figure: Figure) -> None:
    handles = [
        Line2D([], [], ls="", marker="o", ms=4.5, color=HOLDS, label="model within the bound"),
        Line2D([], [], ls="", marker="o", ms=4.5, color=FAILS, label="model that violates it"),
        Line2D([], [], color=REFERENCE, lw=0.9, label="bound: gap of the task = gap of the proxy"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3)


def overview(models: pd.DataFrame, table: pd.DataFrame, *, settings: Titles) -> Figure:
    """Where the bound holds: the worst excess of each model, and the share of models violating.

    Args:
        models: columns setting, seed, measure, excess: a row a model and measure; the largest
            excess over the divergences is shown.
        table: columns setting, metric, variable, value; its models and models_violating are shown.
        settings: what to show, in this order from the top.
    """
    require(models, ["setting", "seed", "measure", "excess"])
    require(table, ["setting", "metric", "variable", "value"])
    with style():
        figure = Figure(figsize=(WIDTH, 0.95 + 0.5 * len(settings)), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.35, 1])
        _excesses(left, models, list(settings))
        _shares(right, table, list(settings))
        left.set_yticks(range(len(settings)), list(settings.values()))
        left.set_ylim(len(settings) - 0.5, -0.5)
        for axis in (left, right):
            axis.tick_params(axis="y", length=0)
            axis.grid(visible=False)
    return figure


FLOOR, CEILING = -17, 2
"""Exponents: excesses below 1e-17 in absolute value are drawn as 0, those above 100 as infinite."""


def _excess_places(excess: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithmic on both sides of 0."""
    with np.errstate(divide="ignore"):
        size = np.clip(np.log10(np.abs(excess)), FLOOR, CEILING)
    return np.sign(excess) * (size - FLOOR)


def _excesses(axis: Axes, models: pd.DataFrame, settings: Sequence[str]) -> None:
    divergences = models[models["measure"] != "information"]
    worst = divergences.groupby(["setting", "seed"], sort=False)["excess"].max().dropna()
    for row, setting in enumerate(settings):
        own = worst[worst.index.get_level_values("setting") == setting]
        excess, seeds = own.to_numpy(dtype=float), own.index.get_level_values("seed").to_numpy()
        x, y = _excess_places(excess), row + 0.66 * _spread(seeds, 0)
        for chosen, colour in [(excess <= ROUNDING, HOLDS), (excess > ROUNDING, FAILS)]:
            axis.scatter(x[chosen], y[chosen], c=colour, zorder=2, **_dots(len(own)))
    shown = [-1.0, -1e-6, -ROUNDING, 0.0, ROUNDING, 1e-6, 1.0, np.inf]
    labels = [_excess_label(value) for value in shown]
    axis.set_xticks(_excess_places(np.array(shown)), labels)
    axis.axvline(float(_excess_places(np.array(ROUNDING))), color=REFERENCE, lw=0.9, ls=(0, (4, 3)))
    axis.set_xlim(-19, 21)
    axis.set_title("Largest excess over the bound, a point a model")
    axis.set_xlabel("(task gap − proxy gap) / max(1, proxy gap); dashed: tolerance")


def _shares(axis: Axes, table: pd.DataFrame, settings: Sequence[str]) -> None:
    counts = table[table["metric"] == "models_violating"]
    counts = counts.pivot(index="setting", columns="variable", values="value")
    models = table[(table["metric"] == "models")].set_index("setting")["value"]
    measures = [measure for measure in MEASURES if measure in counts]
    found = counts.loc[list(settings), measures].to_numpy()
    share = found / models.loc[list(settings)].to_numpy()[:, None]
    scale = LinearSegmentedColormap.from_list("fails", ["#ffffff", FAILS])
    axis.imshow(share, cmap=scale, vmin=0, vmax=1.15, aspect="auto")
    for (row, column), value in np.ndenumerate(share):
        text = "0" if found[row, column] == 0 else _percent(value)
        axis.text(column, row, text, ha="center", va="center", size=8.5)
    names = [MEASURES[measure].replace(" ", "\n", 1).replace("-S", "-\nS") for measure in measures]
    axis.set_xticks(range(len(measures)), names, size=7.5)
    axis.tick_params(axis="x", length=0)
    axis.set_title("Share of models that violate it")


def _dots(count: int) -> dict[str, Any]:
    """The look of that many points: small ones where they are many."""
    return {"s": float(np.clip(4000 / max(count, 1), 4, 16)), "alpha": 0.4, "linewidths": 0}


def _percent(share: float) -> str:
    return "<1 %" if share < 0.01 else f"{100 * share:.0f} %"


def _power(exponent: int) -> str:
    return {0: "1", 1: "10"}.get(exponent, f"$10^{{{exponent}}}$")


def _excess_label(value: float) -> str:
    if value == 0 or np.isinf(value):
        return "0" if value == 0 else rf"$\geq 10^{CEILING}$"
    sign, exponent = "−" if value < 0 else "", round(np.log10(abs(value)))
    return f"{sign}1" if exponent == 0 else rf"${sign.replace('−', '-')}10^{{{exponent}}}$"


def _spread(seeds: NDArray[np.int64], axis: int) -> NDArray[np.float64]:
    """(n,) in [-1/2, 1/2), evenly filled by consecutive seeds, and the same for the same seed."""
    ratio = (0.7548776662466927, 0.5698402909980532)[axis]  # the plastic number's powers
    return np.asarray(seeds * ratio % 1 - 0.5)
