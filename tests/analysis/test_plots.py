"""Figures are functions of their tables."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from causal_ssl.analysis import plots
from causal_ssl.analysis.graph_plot import draw_graph
from causal_ssl.errors import InputError

SETTINGS = {"a": "setting a", "b": "setting b"}
METHODS = {"m": "Method", "w": "Way"}
KEYS = [(s, m, seed) for s in SETTINGS for m in METHODS for seed in range(2)]


def scores() -> pd.DataFrame:
    rows = [
        (s, m, seed, n, "r2", v, base + 0.05 * seed, 0.9, 0.1)
        for s, m, seed in KEYS
        for n in (1, 2)
        for v, base in (("content", 0.8), ("style", 0.1), ("style_from_true_content", 0.2))
    ]
    columns = "setting method seed n_outputs metric variable value reference reference_std"
    return pd.DataFrame(rows, columns=columns.split())


def history() -> pd.DataFrame:
    rows = [
        (s, m, seed, step, term, 1 / step)
        for s, m, seed in KEYS
        for step in (1, 2, 3)
        for term in ("loss", "contrastive", "invariance")
    ]
    return pd.DataFrame(rows, columns=["setting", "method", "seed", "step", "term", "value"])


def predictions() -> pd.DataFrame:
    rows = [(s, m, k, x, x) for s, m, _ in KEYS for k in (0, 1) for x in np.linspace(-2, 2, 5)]
    return pd.DataFrame(rows, columns=["setting", "method", "coordinate", "true", "predicted"])


def bars() -> Figure:
    return plots.r2_bars(
        scores().query("n_outputs == 1"), settings=SETTINGS, methods=METHODS, metric="r2"
    )


def curves() -> Figure:
    return plots.dimension_curves(
        scores(), settings=SETTINGS, methods=METHODS, metric="r2", n_content=2
    )


DRAWN: dict[str, Callable[[], Figure]] = {
    "bars": bars,
    "curves": curves,
    "losses": lambda: plots.loss_curves(history(), settings=SETTINGS, methods=METHODS),
    "scatter": lambda: plots.content_scatter(predictions(), settings=SETTINGS, methods=METHODS),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_the_same_table_gives_the_same_picture_and_leaves_no_state(
    draw: Callable[[], Figure],
) -> None:
    before = dict(plt.rcParams)
    assert plots.png(draw()) == plots.png(draw())
    assert dict(plt.rcParams) == before
    assert plt.get_fignums() == []


def test_bars_are_means_and_every_seed_is_a_point() -> None:
    content, style = bars().axes
    assert [bar.get_height() for bar in content.patches] == pytest.approx([0.825] * 4)
    points = [y for line in content.lines if line.get_marker() == "o" for y in line.get_ydata()]
    assert sorted(points) == pytest.approx([0.8] * 4 + [0.85] * 4)
    dashed = [line for line in style.lines if line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in dashed] == pytest.approx([0.225] * 2)


def test_a_table_without_a_needed_column_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="no column value"):
        plots.r2_bars(
            scores().drop(columns="value"), settings=SETTINGS, methods=METHODS, metric="r2"
        )


def test_every_loss_term_has_a_row_and_every_seed_a_line() -> None:
    axes = DRAWN["losses"]().axes
    assert len(axes) == 2 * len(SETTINGS)
    assert {len(axis.lines) for axis in axes} == {4}


def test_methods_are_told_apart_by_colour() -> None:
    found = plots.colours(["one", "two", "three", "four", "five", "six"])
    assert len(set(found.values())) == 6


def test_a_graph_has_a_patch_for_every_node_and_edge() -> None:
    graph = nx.DiGraph([("c", "x"), ("s", "x")])
    for name, at, role in (
        ("c", (0, 1), "content"),
        ("s", (1, 1), "latent"),
        ("x", (0, 0), "observed"),
    ):
        graph.add_node(name, at=at, label=name, role=role, note=f"note on {name}")
    axis = draw_graph(graph).axes[0]
    assert len(axis.patches) == 5
    assert {"c", "s", "x", "note on x"} <= {text.get_text() for text in axis.texts}
