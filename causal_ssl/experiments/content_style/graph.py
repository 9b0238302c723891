"""The causal graph of the content/style process with its two views, ready to be drawn."""

import networkx as nx


def process_graph(*, causal: bool) -> nx.DiGraph:
    """Content c, style s, intervened style, the views made of them, and their representations.

    Args:
        causal: whether style depends on content in some setting.
    """
    graph = nx.DiGraph()
    for name, at, label, role, note, side in (
        ("content", (0, 2.1), "c", "content", "content, shared", "below"),
        ("style", (-1.9, 2.1), "s", "style", "style", "left"),
        ("style2", (1.9, 2.1), "s̃", "style", "style after the\nintervention", "right"),
        ("x", (-1.15, 1.0), "x", "observed", "view 1", "left"),
        ("x2", (1.15, 1.0), "x̃", "observed", "view 2", "right"),
        ("f", (-1.15, 0), "f(x)", "learnt", "representation", "left"),
        ("f2", (1.15, 0), "f(x̃)", "learnt", "", "right"),
    ):
        graph.add_node(name, at=at, label=label, role=role, note=note, note_side=side)
    if causal:
        graph.add_edge("content", "style", dashed=True)
    graph.add_edge("style", "style2", bend=-0.32, label="soft intervention on style")
    for start, end in (
        ("content", "x"),
        ("content", "x2"),
        ("style", "x"),
        ("style2", "x2"),
        ("x", "f"),
        ("x2", "f2"),
    ):
        graph.add_edge(start, end)
    graph.add_edge("f", "f2", undirected=True, label="made to agree")
    return graph
