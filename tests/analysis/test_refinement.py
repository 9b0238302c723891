"""Refinement of one task by another, by all of them, and their order."""

from itertools import permutations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal_ssl.analysis.refinement import (
    Partition,
    coarsest_common_refinement,
    is_refinement,
    refinement_order,
)
from causal_ssl.errors import InputError

quick = settings(max_examples=100, deadline=None, derandomize=True)


@st.composite
def families(draw: st.DrawFn, max_tasks: int = 7) -> dict[str, Partition]:
    """Tasks on the same few samples, some of them made from others, so that many compare."""
    n = draw(st.integers(1, 7))
    tasks: list[Partition] = []
    for _ in range(draw(st.integers(1, max_tasks))):
        labels = st.lists(st.integers(0, 2), min_size=n, max_size=n)
        kind = draw(st.sampled_from(["free", "meet", "join"])) if len(tasks) > 1 else "free"
        if kind == "free":
            tasks.append(Partition(draw(labels)))
        else:
            a, b = draw(st.sampled_from(tasks)), draw(st.sampled_from(tasks))
            tasks.append(a.meet(b) if kind == "meet" else a.join(b))
    return {f"task {k}": task for k, task in enumerate(tasks)}


def test_a_refinement_holds_without_a_witness() -> None:
    check = is_refinement(fine=["rex", "tom", "fido"], coarse=np.array([0, 1, 0]))
    assert check
    assert check.holds
    assert check.witness is None
    assert str(check) == "a refinement"


def test_a_failure_names_two_samples_that_the_task_separates() -> None:
    check = is_refinement(fine=[0, 1, 1, 2], coarse=["cat", "dog", "cat", "dog"])
    assert not check
    assert not check.holds
    assert check.witness is not None
    assert check.witness.samples == (1, 2)
    assert str(check) == (
        "not a refinement: samples 1 and 2 are both 1 in the fine partition, "
        "but 'dog' and 'cat' in the coarse one"
    )


@given(families())
@quick
def test_the_coarsest_common_refinement_refines_all_and_is_refined_by_whatever_does(
    tasks: dict[str, Partition],
) -> None:
    common = coarsest_common_refinement(tasks)
    assert all(common.refines(task) for task in tasks.values())
    assert common == coarsest_common_refinement(reversed(tasks.values()))
    # Samples are apart only where some task says so.
    for i in range(common.n):
        for j in range(i):
            apart = any(task.labels[i] != task.labels[j] for task in tasks.values())
            assert (common.labels[i] != common.labels[j]) == apart


@given(families())
@quick
def test_paths_in_the_order_are_refinements_and_no_edge_is_superfluous(
    tasks: dict[str, Partition],
) -> None:
    order = refinement_order(tasks)
    node = {name: key for key, data in order.nodes.items() for name in data["tasks"]}
    assert node.keys() == tasks.keys()
    for a, b in permutations(tasks, 2):
        assert (node[a] == node[b]) == (tasks[a] == tasks[b])
        path = nx.has_path(order, node[a], node[b])
        assert path == tasks[a].refines(tasks[b])
    for edge in order.edges:
        without = nx.restricted_view(order, [], [edge])
        assert not nx.has_path(without, *edge)


def test_the_order_of_a_diamond_with_a_task_given_twice() -> None:
    colour, shape = np.array([0, 0, 1, 1]), np.array(["cube", "ball", "cube", "ball"])
    order = refinement_order(
        {
            "anything": Partition.trivial(4),
            "colour": colour,
            "shape": shape,
            "hue": colour + 5,
            "instance": Partition.finest(4),
        }
    )
    assert sorted(order.edges) == [
        ("colour", "anything"),
        ("instance", "colour"),
        ("instance", "shape"),
        ("shape", "anything"),
    ]
    assert order.nodes["colour"] == {"n_classes": 2, "tasks": ("colour", "hue")}
    assert order.nodes["instance"] == {"n_classes": 4, "tasks": ("instance",)}
    assert order.graph == {"n_samples": 4}


def test_edges_come_in_the_same_order_in_every_process() -> None:
    """By size and then as given, and not in the order of a set of names."""
    given = [f"task {k}" for k in (5, 2, 7, 0, 3, 6, 1, 4)]
    pairs = {name: np.arange(16) == k for k, name in enumerate(given)}
    order = refinement_order({"instance": Partition.finest(16), **pairs})
    assert list(order.successors("instance")) == given


def test_tasks_that_do_not_compare_have_no_edge() -> None:
    order = refinement_order({"a": [0, 0, 1], "b": [0, 1, 1]})
    assert list(order) == ["a", "b"]
    assert not order.edges


def test_the_task_with_a_missing_label_is_named() -> None:
    with pytest.raises(InputError, match="task 'ill': sample 1 has the label None"):
        refinement_order({"patient": [0, 1], "ill": ["yes", None]})


def test_the_task_with_too_few_labels_is_named() -> None:
    with pytest.raises(InputError, match="task 'ill' has 2 labels and task 'patient' has 3"):
        coarsest_common_refinement({"patient": [0, 1, 2], "ill": [0, 0]})
    with pytest.raises(InputError, match="task 'coarse' has 2 labels and task 'fine' has 3"):
        is_refinement([0, 1, 2], [0, 0])


def test_a_family_without_a_task_is_refused() -> None:
    for function in (coarsest_common_refinement, refinement_order):
        with pytest.raises(InputError, match="no task"):
            function({})
