"""A causal graph as a figure."""

from collections.abc import Mapping
from typing import Any

import networkx as nx
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from causal_ssl.analysis.plots import REFERENCE, style

FILLS = {
    "latent": "#ffffff",
    "content": "#d9eaf5",
    "style": "#fbe3d3",
    "observed": "#e9e9e9",
    "learnt": "#eee6f4",
}
RADIUS = 0.24  # inches, as all lengths here: the axes have one unit an inch
POINTS = 72 * RADIUS


def draw_graph(graph: nx.DiGraph) -> Figure:
    """Draw a causal graph whose nodes and edges say how they want to be shown.

    Args:
        graph: nodes with attributes `at` (x, y in inches), `label` and `role` ("latent",
            "content", "style", "observed" or "learnt"), and perhaps `note`, written at its
            `note_side` ("left", "right" or "below"); edges perhaps with `label`, `bend`
            (curvature), `dashed` (there in some settings only) and `undirected`.

    Examples:
        >>> graph = nx.DiGraph([("c", "x")])
        >>> graph.add_node("c", at=(0, 1), label="c", role="content")
        >>> graph.add_node("x", at=(0, 0), label="x", role="observed")
        >>> len(draw_graph(graph).axes)
        1
    """
    places = {name: data["at"] for name, data in graph.nodes(data=True)}
    xs, ys = zip(*places.values(), strict=True)
    left, right, bottom, top = min(xs) - 1.4, max(xs) + 1.4, min(ys) - 0.35, max(ys) + 0.85
    with style():
        figure = Figure(figsize=(right - left, top - bottom))
        axis = figure.add_axes((0, 0, 1, 1))
        axis.set(xlim=(left, right), ylim=(bottom, top))
        axis.set_aspect("equal")
        axis.set_axis_off()
        for start, end, data in graph.edges(data=True):
            _edge(axis, places[start], places[end], data)
        for _, data in graph.nodes(data=True):
            _node(axis, data)
    return figure


def _node(axis: Axes, data: Mapping[str, Any]) -> None:
    x, y = data["at"]
    role = str(data["role"])
    shape: FancyBboxPatch | Circle
    if role in ("latent", "content", "style"):
        shape = Circle((x, y), RADIUS)
    else:
        corner = (x - RADIUS, y - RADIUS * 0.85)
        shape = FancyBboxPatch(corner, 2 * RADIUS, 1.7 * RADIUS, "round,pad=0,rounding_size=0.08")
    shape.set(facecolor=FILLS[role], edgecolor="#333333", linewidth=1.1, zorder=3)
    axis.add_patch(shape)
    axis.text(x, y, str(data["label"]), ha="center", va="center", fontsize=11, zorder=4)
    if note := data.get("note"):
        gap = RADIUS + 0.1
        dx, dy, horizontal, vertical = {
            "left": (-gap, 0.0, "right", "center"),
            "right": (gap, 0.0, "left", "center"),
            "below": (0.0, -gap - 0.16, "center", "top"),
        }[str(data.get("note_side", "right"))]
        place: dict[str, Any] = {"ha": horizontal, "va": vertical}
        axis.text(x + dx, y + dy, str(note), fontsize=8.5, color="#555555", **place)


def _edge(
    axis: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    data: Mapping[str, object],
) -> None:
    bend = float(str(data.get("bend", 0.0)))
    soft = bool(data.get("undirected"))
    arrow = FancyArrowPatch(
        start,
        end,
        arrowstyle="<->" if soft else "-|>",
        mutation_scale=11,
        shrinkA=POINTS + 2,
        shrinkB=POINTS + 2,
        connectionstyle=f"arc3,rad={bend}",
        linewidth=1.2,
        linestyle=(0, (4, 3)) if data.get("dashed") else "-",
        color=REFERENCE if soft else "#333333",
        zorder=2,
    )
    axis.add_patch(arrow)
    if label := data.get("label"):
        (x0, y0), (x1, y1) = start, end
        x, y = (x0 + x1) / 2, (y0 + y1) / 2 - bend * (x1 - x0) / 2
        axis.text(x, y + 0.1, str(label), ha="center", va="bottom", fontsize=8.5, color="#555555")
