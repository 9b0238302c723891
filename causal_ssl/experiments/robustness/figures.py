"""Figures of the robustness report, each from the study's table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from causal_ssl._numbers import exactly
from causal_ssl.analysis.plots import REFERENCE, WIDTH, Titles, colours, require, style
from causal_ssl.datasets.corruptions import CORRUPTIONS
from causal_ssl.experiments.image_study.config import RANDOM
from causal_ssl.experiments.robustness.config import SWEPT
from causal_ssl.experiments.robustness.summary import Answer, Score, by_seed
from causal_ssl.experiments.robustness.sums import CLEAN, MCE

ACROSS = 5
Look = dict[str, Any]


def looks(variants: Titles) -> dict[str, Look]:
    """How lines of each variant look: of one method at several alphas, darker as alpha grows."""
    swept = [name for name in variants if name.startswith(f"{SWEPT}-alpha")]
    others = [name for name in variants if name not in (*swept, RANDOM)]
    shades = seaborn.color_palette("YlOrRd", len(swept) + 2)[1:-1]
    palette = colours([SWEPT, "", *others])
    found: dict[str, Look] = {RANDOM: {"color": REFERENCE, "ls": (0, (1, 1.5))}}
    found |= {name: {"color": shade} for name, shade in zip(swept, shades, strict=True)}
    return found | {name: {"color": palette[name], "ls": (0, (5, 1.5))} for name in others}


def corruption_curves(table: pd.DataFrame, *, dataset: str, variants: Titles) -> Figure:
    """Error over severity, a panel a corruption, a line a variant: the mean over seeds.

    Args:
        table: columns dataset, variant, metric, corruption, severity, value.
        dataset: which to show; severity 0 are its clean images.
        variants: what to show.
    """
    require(table, ["dataset", "variant", "metric", "corruption", "severity", "value"])
    own = table[table["dataset"] == dataset]
    errors = own[(own["metric"] == "error") & own["severity"].notna()]
    means = errors.groupby(["corruption", "variant", "severity"])["value"].mean()
    clean = 1 - own[own["metric"] == CLEAN].groupby("variant")["value"].mean()
    names = list(errors["corruption"].unique())
    with style():
        figure, axes = _panels(len(names))
        for axis, name in zip(axes, names, strict=True):
            for variant, look in looks(variants).items():
                line = means[name, variant]
                levels = [0, *line.index.astype(int)]
                axis.plot(levels, [clean[variant], *line], lw=1.5, **look)
            axis.set_title(CORRUPTIONS[name].title)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        _finish(figure, axes, variants, x="severity", y="error")
    return figure


def style_curves(table: pd.DataFrame, *, dataset: str, variants: Titles) -> Figure:
    """Error under do(S = s) over s, a panel a variable, a line a variant: the mean over seeds.

    Args:
        table: columns dataset, variant, metric, style, s, value.
        dataset: which to show; its clean error is a tick at the right.
        variants: what to show.
    """
    require(table, ["dataset", "variant", "metric", "style", "s", "value"])
    own = table[table["dataset"] == dataset]
    errors = own[own["metric"] == "error_under_do"]
    means = errors.groupby(["style", "variant", "s"])["value"].mean()
    clean = 1 - own[own["metric"] == CLEAN].groupby("variant")["value"].mean()
    names = list(errors["style"].unique())
    with style():
        figure, axes = _panels(len(names))
        for axis, name in zip(axes, names, strict=True):
            for variant, look in looks(variants).items():
                line = means[name, variant]
                axis.plot(line.index, line, marker="o", ms=3, lw=1.5, **look)
                axis.axhline(clean[variant], xmin=0.95, lw=1.5, color=look["color"])
            axis.set_title(name.replace("_", " "))
            axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        _finish(figure, axes, variants, x="value s", y="error")
    return figure


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    """So many panels that share their axes, at most `ACROSS` in a row."""
    across = min(ACROSS, count)
    down = -(-count // across)
    figure = Figure(figsize=(WIDTH, 0.75 + 2.05 * down), layout="constrained")
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for axis in grid.flat[count:]:
        axis.set_axis_off()
    return figure, list(grid.flat[:count])


def _finish(figure: Figure, axes: list[Axes], variants: Titles, *, x: str, y: str) -> None:
    across = min(ACROSS, len(axes))
    for k, axis in enumerate(axes):
        if k % across == 0:
            axis.set_ylabel(y)
        if k + across >= len(axes):
            axis.set_xlabel(x)
            axis.tick_params(labelbottom=True)
    handles = [Line2D([], [], lw=1.8, **looks(variants)[name]) for name in variants]
    columns = min(len(handles), 5)
    figure.legend(handles, list(variants.values()), loc="outside upper left", ncols=columns)


def penalty(
    table: pd.DataFrame, answers: list[Answer], *, datasets: Titles, scores: Mapping[Any, Score]
) -> Figure:
    """mCE over alpha, a line a seed, and beside it the paired differences from alpha 0.

    Args:
        table: the study's, with variants.
        answers: see `summary.answers`; one at least.
        datasets: a row each.
        scores: see `summary.summarise`; SimCLR's mean is shown where there is one.
    """
    require(table, ["dataset", "variant", "metric", "corruption", "seed", "value"])
    colour = colours([SWEPT, "alpha"])["alpha"]
    with style():
        figure = Figure(figsize=(WIDTH, 0.2 + 2.9 * len(datasets)), layout="constrained")
        grid = figure.subplots(len(datasets), 2, squeeze=False)
        for (left, right), (dataset, title) in zip(grid, datasets.items(), strict=True):
            own = [answer for answer in answers if answer.dataset == dataset]
            alphas = [0.0, *sorted(answer.alpha for answer in own)]
            _by_alpha(left, table, dataset, alphas, colour)
            simclr = scores.get((dataset, "simclr", MCE))
            if simclr is not None and simclr.values:
                dashed: Look = {"color": REFERENCE, "lw": 1.3, "ls": (0, (5, 2.5))}
                left.axhline(simclr.value, label="SimCLR", **dashed)
            left.set(title=title, ylabel="mCE by supervised (per cent)")
            left.yaxis.set_major_formatter(PercentFormatter(1, decimals=None, symbol=None))
            left.legend(loc="best")
            _differences(right, own, alphas, colour)
    return figure


def _by_alpha(
    axis: Axes, table: pd.DataFrame, dataset: str, alphas: list[float], colour: str
) -> None:
    columns = [by_seed(table, dataset, f"{SWEPT}-alpha{exactly(alpha)}", MCE) for alpha in alphas]
    lines = pd.concat(columns, axis=1)
    places = range(len(alphas))
    if lines.empty:
        axis.text(0.5, 0.5, "undefined", ha="center", va="center", transform=axis.transAxes)
    for k, (_, line) in enumerate(lines.iterrows()):
        label = "a seed" if k == 0 else None
        axis.plot(places, line, "-o", color=colour, lw=0.8, ms=3, alpha=0.45, label=label)
    axis.plot(places, lines.mean(), "-o", color=colour, lw=2, ms=6, label="ReLIC, mean")
    _alphas(axis, alphas)


def _differences(axis: Axes, own: list[Answer], alphas: list[float], colour: str) -> None:
    axis.axhline(0, color=REFERENCE, lw=1.2)
    for answer in own:
        place, found = alphas.index(answer.alpha), answer.mce
        points = [100 * difference for difference in found.differences]
        axis.plot([place - 0.12] * len(points), points, "o", color=colour, ms=3, alpha=0.6)
        axis.plot([place], [100 * found.value], "o", color=colour, ms=7)
        if found.low == found.low:
            axis.plot([place] * 2, [100 * found.low, 100 * found.high], color=colour, lw=1.8)
    _alphas(axis, alphas)
    axis.set(title="Paired by seed", ylabel="mCE less that at α = 0 (points)")


def _alphas(axis: Axes, alphas: list[float]) -> None:
    axis.set_xticks(range(len(alphas)), [exactly(alpha) for alpha in alphas])
    axis.set_xlim(-0.4, len(alphas) - 0.6)
    axis.set_xlabel("weight α of the invariance term")
