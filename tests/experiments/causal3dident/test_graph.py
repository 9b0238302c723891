"""The scene's graph: what it says and that it can be read."""

from dataclasses import replace

import numpy as np

from causal_ssl.analysis.graph_plot import RADIUS, draw_graph
from causal_ssl.datasets.causal3dident.model import SCENE_VARIABLES
from causal_ssl.datasets.causal3dident.presets import causal3dident, threedident
from causal_ssl.experiments.causal3dident.graph import IMAGE, scene_graph


def test_every_variable_shows_in_the_image() -> None:
    for model in (causal3dident(), threedident()):
        graph = scene_graph(model)
        assert set(graph.predecessors(IMAGE)) == set(SCENE_VARIABLES)
        causes = graph.subgraph(SCENE_VARIABLES)
        assert set(causes.edges) == set(model.scm.graph.edges)


def test_content_and_style_look_different() -> None:
    model = replace(causal3dident(), content={"object_class", "object_rotation"})
    roles = scene_graph(model).nodes(data="role")
    of_content = {roles[v] for v in model.content}
    of_style = {roles[v] for v in model.style}
    assert len(of_content) == len(of_style) == 1
    assert of_content != of_style


def test_no_arrow_runs_through_a_node() -> None:
    graph = scene_graph(causal3dident())
    places = {name: np.array(at) for name, at in graph.nodes(data="at")}
    for start, end, bend in graph.edges(data="bend", default=0.0):
        # An arc is a quadratic Bezier curve whose control point lies off the middle by the bend.
        a, b = places[start], places[end]
        control = (a + b) / 2 + bend * np.array([1, -1]) * (b - a)[::-1]
        t = np.linspace(0, 1, 200)[:, None]
        curve = (1 - t) ** 2 * a + 2 * t * (1 - t) * control + t**2 * b
        for name, place in places.items():
            if name not in (start, end):
                assert np.linalg.norm(curve - place, axis=1).min() > RADIUS, (start, end, name)


def test_is_drawn() -> None:
    texts = {text.get_text() for text in draw_graph(scene_graph(causal3dident())).axes[0].texts}
    assert {"spotlight\nposition", "object\nhue", "$k$"} <= texts
