"""Which tasks a proxy refines, what a proxy must be at least, and the order of several tasks.

check = is_refinement(proxy, task)              # falsy with a witness: two samples that tell why
proxy = coarsest_common_refinement(tasks)       # the coarsest that Theorem 1 allows for all of them
hasse_diagram(refinement_order({"instances": Partition.finest(n), "species": y, "pet": z}))

Everywhere a task is a `Partition` or an array of labels.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from typing import Any

import networkx as nx

from causal_ssl.errors import InputError
from causal_ssl.partitions import Partition, Witness

__all__ = [
    "Partition",
    "RefinementCheck",
    "Witness",
    "coarsest_common_refinement",
    "is_refinement",
    "refinement_order",
]


@dataclass(frozen=True)
class RefinementCheck:
    """The answer of `is_refinement`: true, or false with a witness."""

    witness: Witness | None

    @property
    def holds(self) -> bool:
        """Whether the fine partition refines the coarse one."""
        return self.witness is None

    def __bool__(self) -> bool:
        return self.holds

    def __str__(self) -> str:
        return "a refinement" if self.holds else f"not a refinement: {self.witness}"


def is_refinement(fine: Any, coarse: Any) -> RefinementCheck:
    """Whether each class of `fine` lies inside a class of `coarse`, and if not, why not.

    Args:
        fine, coarse: a `Partition` or labels (n,), such as the proxy's and the task's.

    Returns:
        True or false as a condition; `witness` has two samples that `fine` merges and `coarse`
        separates.

    Raises:
        InputError: a missing label, or lengths that differ.

    Mitrovic et al. 2021 (arXiv:2010.07922), Definition 3.

    Examples:
        >>> is_refinement(fine=[0, 1, 2, 2], coarse=["cat", "cat", "dog", "dog"]).holds
        True
        >>> print(is_refinement(fine=[0, 1, 2, 2], coarse=["cat", "cat", "dog", "ox"]))
        not a refinement: samples 2 and 3 are both 2 in the fine partition,
            but 'dog' and 'ox' in the coarse one
    """
    tasks = _partitions({"fine": fine, "coarse": coarse})
    return RefinementCheck(tasks["fine"].witness_against(tasks["coarse"]))


def coarsest_common_refinement(tasks: Mapping[str, Any] | Iterable[Any]) -> Partition:
    """What a proxy must be, at least, to refine every task: the meet of them all.

    Args:
        tasks: a `Partition` or labels (n,) each, perhaps by name.

    Returns:
        A partition that refines every task; whatever refines every task refines it too.

    Raises:
        InputError: no task, a missing label, or lengths that differ.

    Examples:
        >>> colour, shape = ["red", "red", "blue", "blue"], ["cube", "ball", "ball", "ball"]
        >>> coarsest_common_refinement([colour, shape]).labels.tolist()
        [0, 1, 2, 2]
    """
    named = tasks if isinstance(tasks, Mapping) else {str(k): task for k, task in enumerate(tasks)}
    return reduce(Partition.meet, _partitions(named).values())


def refinement_order(tasks: Mapping[str, Any]) -> nx.DiGraph:
    """The order of several tasks under refinement, as its Hasse diagram.

    Args:
        tasks: name -> a `Partition` or labels (n,).

    Returns:
        An acyclic graph with an edge from each task to the next coarser ones (the transitive
        reduction): a path from one node to another says that the first refines the second. Tasks
        with equal partitions share a node, which is called after the first of them. Nodes have
        `tasks` (all names, in the order given) and `n_classes`, the graph has `n_samples`.

    Raises:
        InputError: no task, a missing label, or lengths that differ.

    Examples:
        >>> animals = Partition(["cat", "dog", "ox"])
        >>> order = refinement_order({"pet": [1, 1, 0], "animal": animals, "id": [7, 8, 9]})
        >>> list(order.edges)
        [('animal', 'pet')]
        >>> order.nodes["animal"]
        {'n_classes': 3, 'tasks': ('animal', 'id')}
    """
    equal: dict[Partition, list[str]] = {}
    for name, partition in _partitions(tasks).items():
        equal.setdefault(partition, []).append(name)
    finest_first = sorted(equal, key=lambda partition: -partition.n_classes)
    relation = nx.DiGraph()
    relation.add_nodes_from(names[0] for names in equal.values())
    relation.add_edges_from(
        (equal[fine][0], equal[coarse][0])
        for fine, coarse in combinations(finest_first, 2)
        if fine.n_classes > coarse.n_classes and fine.refines(coarse)
    )
    reduction = nx.transitive_reduction(relation)
    order = nx.DiGraph()  # the reduction's edges come in an order that changes from run to run
    for partition, names in equal.items():
        order.add_node(names[0], n_classes=partition.n_classes, tasks=tuple(names))
    order.add_edges_from(edge for edge in relation.edges if reduction.has_edge(*edge))
    order.graph["n_samples"] = finest_first[0].n
    return order


def _partitions(tasks: Mapping[str, Any]) -> dict[str, Partition]:
    """Tasks as partitions of the same samples."""
    partitions: dict[str, Partition] = {}
    for name, task in tasks.items():
        try:
            partitions[name] = task if isinstance(task, Partition) else Partition(task)
        except InputError as error:
            raise InputError(f"task {name!r}: {error}") from error
        first = next(iter(partitions))
        if partitions[name].n != partitions[first].n:
            raise InputError(
                f"task {name!r} has {partitions[name].n} labels and task {first!r} has "
                f"{partitions[first].n}: label the same samples"
            )
    if not partitions:
        raise InputError("there is no task: pass at least one")
    return partitions
