"""The causal graph of a model, and an order in which its variables can be computed."""

from collections.abc import Iterable, Mapping

import networkx as nx

from causal_ssl.errors import InputError


def causal_graph(parents: Mapping[str, Iterable[str]]) -> nx.DiGraph:
    """The graph with an edge from each parent to each variable, refused if it has a cycle.

    Nodes and edges are in alphabetical order, whatever the order of the mapping.

    Examples:
        >>> causal_graph({"style": ["content"], "content": ["style"]})
        Traceback (most recent call last):
        ...
        causal_ssl.errors.InputError: the causal graph has a cycle: content -> style -> content; ...
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(sorted(parents))
    graph.add_edges_from(sorted((p, v) for v, of_v in parents.items() for p in of_v))
    if not nx.is_directed_acyclic_graph(graph):
        edges = nx.find_cycle(graph)
        path = " -> ".join([*(parent for parent, _ in edges), edges[-1][1]])
        raise InputError(
            f"the causal graph has a cycle: {path}; "
            "remove one of these parents from the arguments of a mechanism"
        )
    return graph


def topological_order(graph: nx.DiGraph) -> tuple[str, ...]:
    """Variables, parents first; alphabetical where the graph leaves the choice.

    Examples:
        >>> topological_order(causal_graph({"x": ["style", "content"], "style": [], "content": []}))
        ('content', 'style', 'x')
    """
    return tuple(nx.lexicographical_topological_sort(graph))
