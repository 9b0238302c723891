"""The Hasse diagram: who stands where, and that nothing is in the way of anything."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from causal_ssl.analysis import plots
from causal_ssl.analysis._layers import layered
from causal_ssl.analysis.refinement import Partition, refinement_order
from causal_ssl.analysis.refinement_plot import hasse_diagram
from causal_ssl.errors import InputError

N = 600
ALONG = np.linspace(0, 1, 500)  # points to look at along a line


def chain() -> dict[str, Partition]:
    tasks = {"instance": Partition.finest(N)}
    for k in (100, 30, 10, 3, 1):
        tasks[f"{k} kinds"] = Partition(np.arange(N) % 300 * k // 300)
    return tasks


def diamond() -> dict[str, Partition]:
    colour, shape = np.arange(N) % 2, np.arange(N) % 3
    return {
        "anything": Partition.trivial(N),
        "colour": Partition(colour),
        "shape": Partition(shape),
        "both": Partition(colour).meet(Partition(shape)),
    }


def messy() -> dict[str, Partition]:
    random = np.random.default_rng(0)
    hospital, scanner, diagnosis = (Partition(random.integers(0, 4, N)) for _ in range(3))
    return {
        "instance": Partition.finest(N),
        "patient": hospital.meet(scanner).meet(diagnosis),
        "where": hospital.meet(scanner),
        "hospital": hospital,
        "diagnosis": diagnosis,
        "ill": Partition(diagnosis.labels > 1),
        "side": Partition(random.integers(0, 2, N)),
        "anything": Partition.trivial(N),
    }


def wide() -> dict[str, Partition]:
    """A chain in the middle, and tasks beside it whose lines pass all of it."""
    random = np.random.default_rng(0)
    beside = {f"beside {k}": Partition(random.integers(0, 2, N)) for k in range(8)}
    return chain() | beside


ORDERS = {"chain": chain, "diamond": diamond, "messy": messy, "wide": wide}
orders = pytest.mark.parametrize("name", ORDERS)


def drawn(name: str) -> tuple[nx.DiGraph, Figure]:
    order = refinement_order(ORDERS[name]())
    return order, hasse_diagram(order)


def boxes(figure: Figure) -> list[FancyBboxPatch]:
    return [patch for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)]


@orders
def test_finer_tasks_stand_below_coarser_ones_in_the_layer_of_their_longest_chain(
    name: str,
) -> None:
    order, figure = drawn(name)
    height = dict(zip(order, (box.get_y() for box in boxes(figure)), strict=True))
    layers = {v: k for k, layer in enumerate(nx.topological_generations(order)) for v in layer}
    unit = figure.axes[0].get_ylim()[1]
    for fine, coarse in nx.transitive_closure(order).edges:
        assert height[coarse] > height[fine]
    for a, b in combinations(order, 2):
        assert (height[a] == pytest.approx(height[b], abs=1e-9 * unit)) == (layers[a] == layers[b])
    if "instance" in order:
        assert height["instance"] == min(height.values())
    assert height.get("anything", max(height.values())) == max(height.values())


@orders
def test_boxes_say_the_task_and_its_classes_and_the_words_fit(name: str) -> None:
    order, figure = drawn(name)
    figure.draw_without_rendering()
    texts = [text for text in figure.axes[0].texts if text.get_text() not in ("", "coarser")]
    for k, (node, box) in enumerate(zip(order, boxes(figure), strict=True)):
        title, count = texts[2 * k : 2 * k + 2]
        assert title.get_text() == " = ".join(order.nodes[node]["tasks"])
        assert count.get_text().startswith(f"{order.nodes[node]['n_classes']} class")
        outline = box.get_window_extent()
        for text in (title, count):
            extent = text.get_window_extent()
            assert outline.x0 < extent.x0 < extent.x1 < outline.x1
            assert outline.y0 < extent.y0 < extent.y1 < outline.y1


@orders
def test_boxes_do_not_overlap_and_no_line_runs_through_one(name: str) -> None:
    order, figure = drawn(name)
    drawn_boxes = boxes(figure)
    for a, b in combinations(drawn_boxes, 2):
        apart_x = a.get_x() + a.get_width() < b.get_x() or b.get_x() + b.get_width() < a.get_x()
        apart_y = abs(a.get_y() - b.get_y()) > a.get_height()
        assert apart_x or apart_y
    lines = figure.axes[0].lines
    assert len(lines) == order.number_of_edges()
    for line in lines:
        x, y = (np.interp(ALONG, np.linspace(0, 1, len(v)), v) for v in line.get_data())
        for box in drawn_boxes:
            edge = 1e-6  # a line may touch the box that it starts from
            in_x = (x > box.get_x()) & (x < box.get_x() + box.get_width())
            in_y = (y > box.get_y() + edge) & (y < box.get_y() + box.get_height() - edge)
            assert not (in_x & in_y).any()


def around() -> Figure:
    """A line around a broad box is further out than any box."""
    graph = nx.DiGraph([("a", "b"), ("b", "c"), ("a", "c")])
    for node in graph:
        graph.add_node(
            node,
            tasks=("a task whose name is longer than all others" if node == "b" else node,),
            n_classes=2,
        )
    return hasse_diagram(graph)


@pytest.mark.parametrize("name", [*ORDERS, "around"])
def test_everything_is_inside_the_figure(name: str) -> None:
    figure = around() if name == "around" else drawn(name)[1]
    figure.draw_without_rendering()
    axis = figure.axes[0]
    for artist in (*axis.patches, *axis.lines, *axis.texts):
        extent = artist.get_window_extent()
        assert extent.x0 >= 0
        assert extent.y0 >= 0
        assert extent.x1 <= figure.bbox.width
        assert extent.y1 <= figure.bbox.height


@orders
def test_the_same_order_gives_the_same_picture(name: str) -> None:
    pictures = [plots.png(drawn(name)[1]) for _ in range(2)]
    assert pictures[0] == pictures[1]


def test_equal_tasks_share_a_box_under_their_titles() -> None:
    order = refinement_order({"a": [0, 0, 1], "b": [5, 5, 6], "c": [0, 1, 2]})
    texts = {text.get_text() for text in hasse_diagram(order, titles={"b": "B"}).axes[0].texts}
    assert {"a = B", "2 classes", "c", "3 classes, finest"} <= texts


def test_tasks_that_do_not_compare_stand_side_by_side_without_an_arrow() -> None:
    figure = hasse_diagram(refinement_order({"a": [0, 0, 1], "b": [0, 1, 1]}))
    assert {box.get_y() for box in boxes(figure)} == {boxes(figure)[0].get_y()}
    assert len(figure.axes[0].texts) == 4
    assert not figure.axes[0].lines


@pytest.mark.parametrize("seed", range(5))
def test_a_layout_undoes_crossings_that_can_be_undone(seed: int) -> None:
    r"""A fence, b_k above a_k and a_(k+1), whose nodes come in a random order.

    a0  a1  a2  a3
      \\ / \\ / \\ /
       b0  b1  b2
    """
    random = np.random.default_rng(seed)
    edges = [(f"a{k + j}", f"b{k}") for k in range(3) for j in range(2)]
    graph = nx.DiGraph()
    graph.add_nodes_from(f"a{k}" for k in random.permutation(4))
    graph.add_edges_from(edges[k] for k in random.permutation(len(edges)))
    x = {v: place[0] for v, place in layered(graph, {}, gap=1.0).places.items()}
    for layer in ("a0 a1 a2 a3", "b0 b1 b2"):
        steps = np.diff([x[v] for v in layer.split()])
        assert (np.sign(steps) == np.sign(x["a3"] - x["a0"])).all()


def test_a_layout_makes_edges_short() -> None:
    """A broad node that stands alone is not put between two that belong together."""
    graph = nx.DiGraph()
    graph.add_nodes_from(["a", "broad", "b"])
    graph.add_edges_from([("a", "top"), ("b", "top")])
    places = layered(graph, {"broad": 5.0}, gap=1.0).places
    assert abs(places["a"][0] - places["b"][0]) == pytest.approx(1.0)
    assert places["top"][0] == pytest.approx((places["a"][0] + places["b"][0]) / 2)


def test_a_long_edge_has_a_place_in_every_layer_and_room_beside_the_nodes() -> None:
    graph = nx.DiGraph([("a", "b"), ("b", "c"), ("c", "d"), ("x", "d")])
    layout = layered(graph, dict.fromkeys(graph, 2.0), gap=0.5)
    path = layout.paths["x", "d"]
    assert [layer for _, layer in path] == [0, 1, 2, 3]
    for x, layer in path[1:-1]:
        (at,) = [place[0] for v, place in layout.places.items() if place[1] == layer and v != "x"]
        assert abs(x - at) >= 1.5 - 1e-9  # half the node and the gap


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (nx.DiGraph(), "has no task"),
        (nx.DiGraph([("a", "b"), ("b", "a")]), "has a cycle"),
        (nx.DiGraph([("a", "b")]), "node 'a' has no tasks"),
    ],
)
def test_other_graphs_are_refused(graph: nx.DiGraph, message: str) -> None:
    with pytest.raises(InputError, match=message):
        hasse_diagram(graph)
