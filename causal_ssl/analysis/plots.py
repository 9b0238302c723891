"""Figures from tables: every function takes a tidy table and returns a matplotlib Figure.

None of them touches pyplot's global state, and the same table gives the same picture, so figures
can be redrawn without rerunning anything.
"""

import io
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import resources
from typing import Any

import matplotlib as mpl
import matplotlib.lines
import matplotlib.ticker
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from causal_ssl.errors import InputError

WIDTH = 9.6  # inches: the text width of a report
PUBLISHED = "#111111"
REFERENCE = "#7a7a7a"

Titles = Mapping[str, str]
"""Name in the table -> name for the reader; its order is the order shown."""


def style() -> AbstractContextManager[None]:
    """The house style, as a context in which to make figures."""
    path = resources.files("causal_ssl.analysis") / "causal_ssl.mplstyle"
    return mpl.rc_context(mpl.rc_params_from_file(str(path), use_default_template=False))


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each name, in order; they repeat after six.

    Examples:
        >>> colours(["infonce", "relic"])["relic"]
        '#D55E00'
    """
    with style():
        cycle = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    return {name: f"#{cycle[k % len(cycle)].lstrip('#')}" for k, name in enumerate(names)}


def png(figure: Figure) -> bytes:
    """A figure as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def require(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse a table without these columns.

    Raises:
        InputError: names the missing columns.
    """
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise InputError(f"the table has no column {', '.join(missing)}: it has {list(table)}")


def r2_bars(table: pd.DataFrame, *, settings: Titles, methods: Titles, metric: str) -> Figure:
    """Mean R2 of content and of style as bars, every seed a point, beside published numbers.

    Args:
        table: columns setting, method, seed, metric, variable, value, reference, reference_std.
            Rows with variable "style_from_true_content" become the content-only reference.
        settings, methods: what to show, in this order.
        metric: the metric to show, such as "r2_kernel_ridge".
    """
    require(table, ["setting", "method", "seed", "metric", "variable", "value", "reference"])
    shown = table[table["metric"] == metric]
    with style():
        figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        for axis, variable in zip(axes, ("content", "style"), strict=True):
            rows = shown[shown["variable"] == variable]
            _bars(axis, rows, list(settings), methods)
            axis.set_title(f"{variable.capitalize()} R²")
            labels = [title.replace(", ", "\n") for title in settings.values()]
            axis.set_xticks(range(len(settings)), labels)
            axis.tick_params(axis="x", length=0)
            axis.grid(axis="x", visible=False)
        only = shown[shown["variable"] == "style_from_true_content"]
        _reference_lines(axes[1], only, list(settings))
        axes[0].set_ylabel("R² on held-out points")
        lowest = min(0.0, float(shown["value"].min())) if len(shown) else 0.0
        axes[0].set_ylim(max(lowest, -0.5) - 0.04, 1.05)
        handles = {h.get_label(): h for axis in axes for h in axis.get_legend_handles_labels()[0]}
        figure.legend(handles=list(handles.values()), loc="outside upper center", ncols=6)
    return figure


def _bars(axis: Axes, rows: pd.DataFrame, settings: Sequence[str], methods: Titles) -> None:
    width = 0.74 / (len(methods) + 0.6)
    palette = colours(list(methods))
    for k, (method, title) in enumerate(methods.items()):
        own = rows[rows["method"] == method]
        offset = (k - len(methods) / 2 + 0.2) * width
        groups = [own[own["setting"] == setting]["value"] for setting in settings]
        places = np.arange(len(settings)) + offset
        means = [group.mean() for group in groups]
        axis.bar(places, means, 0.92 * width, color=palette[method], alpha=0.85, label=title)
        for place, group in zip(places, groups, strict=True):
            spread = np.linspace(-0.22, 0.22, len(group)) * width if len(group) > 1 else [0.0]
            axis.plot(
                place + np.asarray(spread), group, "o", ms=3.4, mfc="white", mec="#222222", mew=0.8
            )
    published = rows.groupby("setting", sort=False).first().reindex(list(settings))
    axis.errorbar(
        np.arange(len(settings)) + (len(methods) / 2 + 0.25) * width,
        published["reference"].to_numpy(dtype=float),
        yerr=published.get("reference_std"),
        fmt="D",
        ms=5,
        color=PUBLISHED,
        elinewidth=1,
        capsize=2.5,
        label="published (mean ± std)",
    )


def _reference_lines(axis: Axes, rows: pd.DataFrame, settings: Sequence[str]) -> None:
    means = rows.groupby("setting")["value"].mean()
    for k, setting in enumerate(settings):
        if setting in means:
            label = "style predicted from true content" if k == 0 else None
            span = [k - 0.42, k + 0.42]
            axis.plot(span, [means[setting]] * 2, "--", color=REFERENCE, lw=1.6, label=label)


def loss_curves(history: pd.DataFrame, *, settings: Titles, methods: Titles) -> Figure:
    """Training terms over steps: a column a setting, a row a term, a line a seed.

    Args:
        history: columns setting, method, seed, step, term, value (nats for contrastive terms).
        settings, methods: what to show, in this order.
    """
    require(history, ["setting", "method", "seed", "step", "term", "value"])
    terms = [t for t in ("contrastive", "invariance") if t in set(history["term"])] or ["loss"]
    palette = colours(list(methods))
    with style():
        figure = Figure(figsize=(WIDTH, 0.6 + 1.9 * len(terms)), layout="constrained")
        axes = figure.subplots(len(terms), len(settings), sharex="col", sharey="row", squeeze=False)
        for row, term in enumerate(terms):
            for axis, setting in zip(axes[row], settings, strict=True):
                here = history[(history["setting"] == setting) & (history["term"] == term)]
                seaborn.lineplot(
                    here,
                    x="step",
                    y="value",
                    hue="method",
                    units="seed",
                    estimator=None,
                    palette=palette,
                    lw=0.9,
                    alpha=0.8,
                    legend=False,
                    ax=axis,
                )
                axis.set(xlabel="", ylabel="")
                if term == "invariance":
                    axis.set_yscale("log")
                    axis.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
            axes[row, 0].set_ylabel(f"{term} (nats)" if term != "loss" else "loss")
        for axis, title in zip(axes[0], settings.values(), strict=True):
            axis.set_title(title)
        for axis in axes[-1]:
            axis.set_xlabel("step")
        lines = [mpl.lines.Line2D([], [], color=palette[m], label=t) for m, t in methods.items()]
        figure.legend(handles=lines, loc="outside upper right", ncols=len(lines))
    return figure


def content_scatter(predictions: pd.DataFrame, *, settings: Titles, methods: Titles) -> Figure:
    """Predicted against true content, standardised: a column a setting, a row a method.

    Args:
        predictions: columns setting, method, coordinate, true, predicted; one world a panel.
        settings, methods: what to show, in this order.
    """
    require(predictions, ["setting", "method", "coordinate", "true", "predicted"])
    coordinates = sorted(predictions["coordinate"].unique())
    palette = colours([str(k) for k in coordinates])
    side = WIDTH / max(len(settings), 4)
    with style():
        figure = Figure(
            figsize=(side * len(settings), 0.5 + (side + 0.05) * len(methods)), layout="constrained"
        )
        axes = figure.subplots(len(methods), len(settings), sharex=True, sharey=True, squeeze=False)
        for row, (method, name) in enumerate(methods.items()):
            for axis, (setting, title) in zip(axes[row], settings.items(), strict=True):
                chosen = (predictions["setting"] == setting) & (predictions["method"] == method)
                _cloud(axis, predictions[chosen], palette)
                if row == 0:
                    axis.set_title(title)
            axes[row, 0].set_ylabel(f"{name}\npredicted content")
        for axis in axes[-1]:
            axis.set_xlabel("true content (std)")
        dots = [
            mpl.lines.Line2D(
                [], [], ls="", marker="o", ms=4, color=palette[str(k)], label=f"c{k + 1}"
            )
            for k in coordinates
        ]
        figure.legend(handles=dots, loc="outside upper right", ncols=max(len(dots), 1))
    return figure


def _cloud(axis: Axes, points: pd.DataFrame, palette: Mapping[str, str]) -> None:
    limit = 3.4
    axis.plot([-limit, limit], [-limit, limit], color=REFERENCE, lw=0.8, zorder=1)
    axis.scatter(
        points["true"],
        points["predicted"],
        s=4,
        c=[palette[str(k)] for k in points["coordinate"]],
        alpha=0.45,
        linewidths=0,
        rasterized=True,
        zorder=2,
    )
    axis.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    axis.set_xticks([-2, 0, 2])
    axis.set_yticks([-2, 0, 2])


def dimension_curves(
    table: pd.DataFrame, *, settings: Titles, methods: Titles, metric: str, n_content: int
) -> Figure:
    """Content and style R2 over the encoder's output dimension; a column a setting.

    Args:
        table: columns setting, method, seed, n_outputs, metric, variable, value.
        settings, methods: what to show, in this order.
        metric: the metric to show.
        n_content: true content dimension, marked.
    """
    require(table, ["setting", "method", "seed", "n_outputs", "metric", "variable", "value"])
    shown = table[table["metric"] == metric]
    palette = colours(["content", "style"])
    look: dict[str, Any] = {"x": "n_outputs", "y": "value", "hue": "variable", "palette": palette}
    with style():
        figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
        axes = figure.subplots(1, len(settings), sharey=True, squeeze=False)[0]
        for axis, (setting, title) in zip(axes, settings.items(), strict=True):
            here = shown[shown["setting"] == setting]
            axis.axvline(n_content, color=REFERENCE, lw=0.8, ls=(0, (4, 3)))
            only = here[here["variable"] == "style_from_true_content"]["value"]
            if len(only):
                axis.axhline(only.mean(), color=palette["style"], lw=0.9, ls=(0, (1, 2)))
            rows = here[here["variable"].isin(palette)]
            seaborn.lineplot(
                rows,
                **look,
                style="method",
                style_order=list(methods),
                errorbar=None,
                legend=axis is axes[0],
                ax=axis,
            )
            seaborn.scatterplot(rows, **look, s=14, legend=False, ax=axis)
            axis.set_title(title)
            axis.set_xlabel("output dimension of the encoder")
            axis.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
        axes[0].set_ylabel("R² on held-out points")
        axes[0].get_legend().remove()
        entries = zip(*axes[0].get_legend_handles_labels(), strict=True)
        named = [(h, methods.get(t, t)) for h, t in entries if t in {*palette, *methods}]
        figure.legend(*zip(*named, strict=True), loc="outside upper center", ncols=len(named))
    return figure
