"""The refinement order of several tasks as a Hasse diagram."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch
from matplotlib.textpath import TextPath
from scipy.interpolate import PchipInterpolator

from causal_ssl.analysis._layers import Layout, Place, layered
from causal_ssl.analysis.graph_plot import FILLS
from causal_ssl.analysis.plots import REFERENCE, Titles, style
from causal_ssl.errors import InputError

# Inches, as all lengths here: the axes have one unit an inch.
HEIGHT = 0.46  # of a box
LAYER = 0.92  # from one layer to the next
GAP = 0.3  # between boxes of a layer
PADDING = 0.14  # left and right of the text in a box
MARGIN = 0.12
SIDE = 0.45  # for the arrow that says which way is coarser
NAME_SIZE, NOTE_SIZE = 9.5, 8.0  # points

LINE = "#333333"
NOTE: Mapping[str, Any] = {"fontsize": NOTE_SIZE, "color": "#555555"}


def hasse_diagram(order: nx.DiGraph, *, titles: Titles | None = None) -> Figure:
    """Draw tasks under refinement: the finest at the bottom, the coarsest at the top.

    A line leads from each task up to the next coarser ones, so a task refines whatever can be
    reached from it upwards. A task stands as high as its longest chain of finer ones is long.

    Args:
        order: as from `causal_ssl.analysis.refinement.refinement_order`.
        titles: task -> name for the reader, where another one is wanted.

    Raises:
        InputError: a graph that is empty, has a cycle, or does not name tasks and class counts.

    Examples:
        >>> from causal_ssl.analysis.refinement import refinement_order
        >>> order = refinement_order({"animal": ["cat", "dog", "ox"], "pet": [1, 1, 0]})
        >>> [text.get_text() for text in hasse_diagram(order).axes[0].texts][:2]
        ['animal', '3 classes, finest']
    """
    _check(order)
    with style():
        labels = {node: _label(data, order, titles or {}) for node, data in order.nodes.items()}
        widths = {node: _width(*label) for node, label in labels.items()}
        layout = layered(order, widths, gap=GAP)
        figure, axis = _canvas(layout, widths)
        for path in layout.paths.values():
            _line(axis, path)
        for node, (x, layer) in layout.places.items():
            _box(axis, x, layer * LAYER, widths[node], *labels[node])
        if layout.paths:
            _arrow(axis)
    return figure


def _check(order: nx.DiGraph) -> None:
    if not order or not nx.is_directed_acyclic_graph(order):
        what = "has a cycle" if order else "has no task"
        raise InputError(f"the order {what}: pass what refinement_order returns")
    for node, data in order.nodes.items():
        if not {"tasks", "n_classes"} <= data.keys():
            raise InputError(
                f"node {node!r} has no tasks or n_classes: pass what refinement_order returns"
            )


def _label(data: Mapping[str, Any], order: nx.DiGraph, titles: Titles) -> tuple[str, str]:
    """The tasks of a node, and how many classes they have."""
    n = data["n_classes"]
    names = " = ".join(str(titles.get(task, task)) for task in data["tasks"])
    if n == 1:
        return names, "1 class, trivial"
    return names, f"{n:,} classes" + (", finest" if n == order.graph.get("n_samples") else "")


def _width(name: str, count: str) -> float:
    font = FontProperties(family=mpl.rcParams["font.family"])
    texts = ((name, NAME_SIZE), (count, NOTE_SIZE))
    paths = [TextPath((0, 0), text, size=size, prop=font) for text, size in texts]
    return max(path.get_extents().width for path in paths) / 72 + 2 * PADDING


def _canvas(layout: Layout, widths: Mapping[Any, float]) -> tuple[Figure, Axes]:
    """An empty figure that boxes and lines fit in, with room for the arrow at its left."""
    spans = [(x, widths[node]) for node, (x, _) in layout.places.items()]
    spans += [(x, 0.0) for path in layout.paths.values() for x, _ in path]
    left = min(x - width / 2 for x, width in spans) - MARGIN - (SIDE if layout.paths else 0)
    right = max(x + width / 2 for x, width in spans) + MARGIN
    bottom = -HEIGHT / 2 - MARGIN
    top = max(layer for _, layer in layout.places.values()) * LAYER - bottom
    figure = Figure(figsize=(right - left, top - bottom))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(left, right), ylim=(bottom, top))
    axis.set_axis_off()
    return figure, axis


def _arrow(axis: Axes) -> None:
    """The arrow at the left that says which way is coarser."""
    x, (bottom, top) = axis.get_xlim()[0] + SIDE - 0.1, axis.get_ylim()
    look = {"arrowstyle": "-|>", "color": REFERENCE, "lw": 1.0, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", (x, top - MARGIN), (x, bottom + MARGIN), arrowprops=look)
    text: dict[str, Any] = {"rotation": 90, "ha": "right", "va": "center", **NOTE}
    axis.text(x - 0.06, (bottom + top) / 2, "coarser", **text)


def _line(axis: Axes, path: list[Place]) -> None:
    """A line from the top of one box to the bottom of another, curved where it passes by others."""
    points = [(path[0][1] * LAYER + HEIGHT / 2, path[0][0])]
    for (before, _), (x, layer), (after, _) in zip(path, path[1:], path[2:], strict=False):
        # A flat line is upright along its neighbours' sides, or it would cut their corners.
        flat = max(abs(x - before), abs(x - after)) > LAYER
        ports = [-HEIGHT / 2, HEIGHT / 2] if flat else [0.0]
        points += [(layer * LAYER + port, x) for port in ports]
    points.append((path[-1][1] * LAYER - HEIGHT / 2, path[-1][0]))
    ys, xs = np.array(points).T
    y = np.linspace(ys[0], ys[-1], 2 if len(path) == 2 else 30 * len(path))
    axis.plot(PchipInterpolator(ys, xs)(y), y, color=LINE, lw=1.1, zorder=2)


def _box(axis: Axes, x: float, y: float, width: float, name: str, count: str) -> None:
    corner = (x - width / 2, y - HEIGHT / 2)
    shape = FancyBboxPatch(corner, width, HEIGHT, "round,pad=0,rounding_size=0.08")
    shape.set(facecolor=FILLS["content"], edgecolor=LINE, linewidth=1.1, zorder=3)
    axis.add_patch(shape)
    middle: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 4}
    axis.text(x, y + 0.085, name, fontsize=NAME_SIZE, **middle)
    axis.text(x, y - 0.105, count, **NOTE, **middle)
