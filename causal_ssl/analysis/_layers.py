"""Where to draw the nodes of a layered graph: few crossings, then short edges.

Sugiyama's scheme. Edges that span several layers pass through a bend in each layer between, so that
they run past nodes and not through them.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Any

import networkx as nx
import numpy as np
from scipy.linalg import block_diag
from scipy.optimize import lsq_linear

STARTS = 12  # orders to begin with
SWEEPS = 12  # of barycentres, up or down
STRAIGHT = 8.0  # weight of the straightness of an edge between two bends
CENTRED = 1e-3  # what draws everything to x = 0, so that the places are unique

Place = tuple[float, int]
Layer = list[Any]
Layers = list[Layer]


@dataclass(frozen=True)
class Layout:
    """`places`: node -> (x, layer); `paths`: edge -> the places that it runs through, in order."""

    places: dict[Hashable, Place]
    paths: dict[tuple[Hashable, Hashable], list[Place]]


def layered(graph: nx.DiGraph, widths: Mapping[Hashable, float], *, gap: float) -> Layout:
    """A layout of an acyclic graph, each node in the layer of its longest path from a source.

    Args:
        graph: not empty.
        widths: node -> how much room it takes, in the unit of x.
        gap: room between neighbours in a layer.

    Examples:
        >>> square = nx.DiGraph([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])
        >>> layout = layered(square, dict.fromkeys(square, 1.0), gap=0.5)
        >>> [(name, round(x, 6) + 0.0, layer) for name, (x, layer) in layout.places.items()]
        [('a', 0.0, 0), ('b', -0.75, 1), ('c', 0.75, 1), ('d', 0.0, 2)]
    """
    layers = [list(layer) for layer in nx.topological_generations(graph)]
    height: dict[Hashable, int] = {v: k for k, layer in enumerate(layers) for v in layer}
    chains = {(u, v): _chain(u, v, height) for u, v in graph.edges}
    for chain in chains.values():
        for bend in chain[1:-1]:
            height[bend] = bend[-1]
            layers[bend[-1]].append(bend)
    steps = nx.Graph()
    steps.add_nodes_from(height)
    for chain in chains.values():
        for u, v in pairwise(chain):
            n_bends = (u not in graph) + (v not in graph)
            steps.add_edge(u, v, weight=(1.0, 2.0, STRAIGHT)[n_bends])
    placed = [_abscissae(order, steps, widths, gap) for order in _orders(layers, steps)]
    x, _ = min(placed, key=itemgetter(1))
    return Layout(
        {v: (x[v], height[v]) for v in graph},
        {edge: [(x[v], height[v]) for v in chain] for edge, chain in chains.items()},
    )


def _chain(u: Hashable, v: Hashable, height: Mapping[Hashable, int]) -> list[Any]:
    """An edge as a path with a node a layer."""
    return [u, *(("bend", u, v, k) for k in range(height[u] + 1, height[v])), v]


def _orders(layers: Layers, steps: nx.Graph) -> list[Layers]:
    """Orders of the layers with few crossings, all with the same number of them."""
    random = np.random.default_rng(0)
    starts = [layers]
    while len(starts) < STARTS:
        starts.append([[layer[k] for k in random.permutation(len(layer))] for layer in layers])
    found = [_swept(start, steps) for start in starts]
    fewest = min(_crossings(order, steps) for order in found)
    return [order for order in found if _crossings(order, steps) == fewest]


def _swept(layers: Layers, steps: nx.Graph) -> Layers:
    """The best order met while layers are put in order of barycentres, up and down."""
    best = layers
    for sweep in range(SWEEPS):
        turned = layers if sweep % 2 == 0 else layers[::-1]
        swept = [turned[0]]
        for layer in turned[1:]:
            swept.append(_by_barycentre(layer, swept[-1], steps))
        layers = swept if sweep % 2 == 0 else swept[::-1]
        best = min(best, layers, key=lambda order: _crossings(order, steps))
    return best


def _by_barycentre(layer: Layer, fixed: Layer, steps: nx.Graph) -> Layer:
    """A layer in the order of the mean place of each node's neighbours in the layer beside it."""
    at = {v: (k + 0.5) / len(fixed) for k, v in enumerate(fixed)}
    means = {}
    for k, v in enumerate(layer):
        neighbours = [at[u] for u in steps[v] if u in at]
        means[v] = np.mean(neighbours) if neighbours else (k + 0.5) / len(layer)
    return sorted(layer, key=means.__getitem__)


def _crossings(layers: Layers, steps: nx.Graph) -> int:
    """How many pairs of steps between neighbouring layers cross."""
    count = 0
    for lower, upper in pairwise(layers):
        above = {v: k for k, v in enumerate(upper)}
        ends = [(i, above[v]) for i, u in enumerate(lower) for v in steps[u] if v in above]
        i, j = np.array(ends, dtype=float).reshape(-1, 2).T
        count += int((np.subtract.outer(i, i) * np.subtract.outer(j, j) < 0).sum()) // 2
    return count


def _abscissae(
    layers: Layers, steps: nx.Graph, widths: Mapping[Hashable, float], gap: float
) -> tuple[dict[Hashable, float], float]:
    """The x of each node that makes edges short and straight without overlaps, and what is left.

    Minimises the weighted sum of squared horizontal extents of the steps, over the place of the
    first node of each layer (free) and the distances between neighbours (bounded from below).
    """
    order = [v for layer in layers for v in layer]
    row = {v: k for k, v in enumerate(order)}
    at = block_diag(*(np.tri(len(layer)) for layer in layers))  # x = at @ (first, distances, ...)
    least = np.concatenate([_distances(layer, widths, gap) for layer in layers])
    extents = [
        np.sqrt(weight) * (at[row[u]] - at[row[v]]) for u, v, weight in steps.edges(data="weight")
    ]
    rows = np.array([*extents, *(CENTRED * at)])
    found = lsq_linear(
        rows, np.zeros(len(rows)), bounds=(least, np.inf), method="bvls", max_iter=10 * len(order)
    )
    return dict(zip(order, (at @ found.x).tolist(), strict=True)), found.cost


def _distances(layer: Layer, widths: Mapping[Hashable, float], gap: float) -> list[float]:
    """The least distance of each node of a layer from the one before; none for the first."""
    half = [widths.get(v, 0.0) / 2 for v in layer]
    return [-np.inf, *(a + b + gap for a, b in pairwise(half))]
