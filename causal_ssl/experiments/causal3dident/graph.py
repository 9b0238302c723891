"""The causal graph of a scene and its image, ready to be drawn."""

from collections.abc import Mapping

import networkx as nx

from causal_ssl.datasets.causal3dident.model import LatentModel

ROLES = {True: "content", False: "style"}
"""Whether a variable is content -> how `draw_graph` shows it: blue or orange."""

IMAGE = "image"

# Variable -> place in inches, symbol, the side on which its name is written, and the curvature of
# its arrow to the image, so that no arrow runs through a node.
_SHOWN: Mapping[str, tuple[tuple[float, float], str, str, float]] = {
    "spotlight_position": ((-2.7, 2.9), "$p_s$", "left", 0.3),
    "object_class": ((0.0, 2.9), "$k$", "left", -0.25),
    "spotlight_hue": ((1.35, 2.9), "$h_s$", "right", -0.12),
    "background_hue": ((2.9, 2.9), "$h_b$", "right", -0.3),
    "object_position": ((-1.75, 1.5), "$p_o$", "right", 0.0),
    "object_rotation": ((0.0, 1.5), "$r_o$", "left", 0.0),
    "object_hue": ((1.75, 1.5), "$h_o$", "left", 0.0),
}


def scene_graph(model: LatentModel) -> nx.DiGraph:
    """The model's graph, content and style told apart, and the image that shows all variables.

    Args:
        model: any graph over the scene variables; places suit the published one.

    Returns:
        What `causal_ssl.analysis.graph_plot.draw_graph` draws.

    Examples:
        >>> from causal_ssl.datasets.causal3dident.presets import causal3dident
        >>> scene_graph(causal3dident()).nodes["object_class"]["role"]
        'content'
    """
    graph = nx.DiGraph()
    for variable, (at, label, side, bend) in _SHOWN.items():
        kind = ROLES[variable in model.content]
        note = variable.replace("_", "\n")
        graph.add_node(variable, at=at, label=label, role=kind, note=note, note_side=side)
        graph.add_edge(variable, IMAGE, bend=bend)
    # Its name on a second line, below the arrows that come in.
    graph.add_node(IMAGE, at=(0.0, 0.0), label="x", role="observed", note="\nimage")
    graph.add_edges_from(model.scm.graph.edges)
    return graph
