"""Partitions: the laws of their lattice, what the operations mean sample by sample, bad labels."""

import copy
import pickle
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from causal_ssl.errors import InputError
from causal_ssl.partitions import Partition, Witness

quick = settings(max_examples=150, deadline=None, derandomize=True)


@st.composite
def labellings(draw: st.DrawFn, count: int, max_n: int = 9) -> list[list[int]]:
    """`count` labellings of the same few samples, from coarse to fine."""
    n = draw(st.integers(1, max_n))
    highest = st.integers(0, n - 1)
    return [
        draw(st.lists(st.integers(0, draw(highest)), min_size=n, max_size=n)) for _ in range(count)
    ]


def partitions(count: int) -> st.SearchStrategy[list[Partition]]:
    return labellings(count).map(lambda many: [Partition(labels) for labels in many])


def together(partition: Partition) -> np.ndarray:
    """(n, n), the equivalence relation itself, by a double loop."""
    labels = partition.labels.tolist()
    return np.array([[a == b for b in labels] for a in labels])


def closure(relation: np.ndarray) -> np.ndarray:
    """(n, n), the smallest equivalence relation around a symmetric one (Warshall)."""
    relation = relation | np.eye(len(relation), dtype=bool)
    for k in range(len(relation)):
        relation = relation | np.outer(relation[:, k], relation[k])
    return relation


# The lattice


@given(partitions(3))
@quick
def test_refines_is_a_partial_order(three: list[Partition]) -> None:
    p, q, r = three
    assert p.refines(p)
    assert (p.refines(q) and q.refines(p)) == (p == q)
    if p.refines(q) and q.refines(r):
        assert p.refines(r)


@given(partitions(3))
@quick
def test_meet_and_join_obey_the_laws_of_a_lattice(three: list[Partition]) -> None:
    p, q, r = three
    for operation in (Partition.meet, Partition.join):
        assert operation(p, p) == p
        assert operation(p, q) == operation(q, p)
        assert operation(operation(p, q), r) == operation(p, operation(q, r))
    assert p.meet(p.join(q)) == p
    assert p.join(p.meet(q)) == p


@given(partitions(2))
@quick
def test_refinement_is_meet_and_join(two: list[Partition]) -> None:
    p, q = two
    assert p.refines(q) == (p.meet(q) == p) == (p.join(q) == q)


@given(partitions(3))
@quick
def test_meet_is_the_greatest_lower_and_join_the_least_upper_bound(three: list[Partition]) -> None:
    p, q, r = three
    meet, join = p.meet(q), p.join(q)
    assert meet.refines(p)
    assert meet.refines(q)
    assert p.refines(join)
    assert q.refines(join)
    # r is rarely a bound of both; the second of each pair always is.
    for bound in (r, r.meet(p).meet(q)):
        assert bound.refines(meet) == (bound.refines(p) and bound.refines(q))
    for bound in (r, r.join(p).join(q)):
        assert join.refines(bound) == (p.refines(bound) and q.refines(bound))


@given(partitions(1))
@quick
def test_the_finest_and_the_trivial_are_the_ends(one: list[Partition]) -> None:
    (p,) = one
    finest, trivial = Partition.finest(p.n), Partition.trivial(p.n)
    assert finest.refines(p)
    assert p.refines(trivial)
    assert (p.meet(finest), p.join(finest)) == (finest, p)
    assert (p.meet(trivial), p.join(trivial)) == (p, trivial)


# What the operations mean


@given(partitions(2))
@quick
def test_agrees_with_brute_force_over_pairs_of_samples(two: list[Partition]) -> None:
    p, q = two
    a, b = together(p), together(q)
    assert p.refines(q) == bool((~a | b).all())
    assert (p == q) == bool((a == b).all())
    assert (together(p.meet(q)) == (a & b)).all()
    assert (together(p.join(q)) == closure(a | b)).all()


@given(partitions(2))
@quick
def test_a_witness_is_given_exactly_when_refinement_fails(two: list[Partition]) -> None:
    p, q = two
    witness = p.witness_against(q)
    assert (witness is None) == p.refines(q)
    if witness is not None:
        i, j = witness.samples
        assert p.labels[i] == p.labels[j]
        assert q.labels[i] != q.labels[j]
        assert p.names[p.labels[i]] == witness.fine
        assert tuple(q.names[q.labels[[i, j]]]) == witness.coarse
        first = [Partition(each.labels[:j]) for each in (p, q)]
        assert first[0].refines(first[1]), "an earlier sample fails already"


@given(partitions(2))
@quick
def test_each_coarse_class_is_the_union_of_its_parts(two: list[Partition]) -> None:
    coarse, other = two
    fine = coarse.meet(other)
    parts = fine.parts_of(coarse)
    assert len(parts) == coarse.n_classes
    for k, part in enumerate(parts):
        assert part.tolist() == sorted(part)
        assert (np.isin(fine.labels, part) == (coarse.labels == k)).all()
    assert sorted(np.concatenate(parts)) == list(range(fine.n_classes))
    assert (fine.map_to(coarse)[fine.labels] == coarse.labels).all()


@given(labellings(1), st.integers(0, 2**32 - 1))
@quick
def test_only_the_classes_count_and_not_what_they_are_called(
    one: list[list[int]], seed: int
) -> None:
    labels = np.array(one[0])
    p = Partition(labels)
    numbers = np.random.default_rng(seed).permutation(len(labels)) * 7 - 3
    words = np.array([f"class {k}" for k in range(len(labels))])
    for renamed in (numbers[labels], words[labels], 0.5 * numbers[labels], labels + 2**40):
        q = Partition(renamed)
        assert q == p
        assert hash(q) == hash(p)
        assert (q.names[q.labels] == renamed).all()


@given(labellings(2), st.randoms(use_true_random=False))
@quick
def test_the_order_of_the_samples_does_not_matter(two: list[list[int]], random: Any) -> None:
    samples = list(range(len(two[0])))
    random.shuffle(samples)
    p, q = (Partition(labels) for labels in two)
    a, b = (Partition(np.array(labels)[samples]) for labels in two)
    assert a.refines(b) == p.refines(q)
    assert a.meet(b) == Partition(p.meet(q).labels[samples])
    assert a.join(b) == Partition(p.join(q).labels[samples])
    assert sorted(a.sizes) == sorted(p.sizes)


@given(labellings(1))
@quick
def test_labels_are_numbered_by_first_appearance(one: list[list[int]]) -> None:
    p = Partition(one[0])
    assert p.labels.dtype == np.int64
    assert list(dict.fromkeys(p.labels.tolist())) == list(range(p.n_classes))
    assert p.representatives.tolist() == [p.labels.tolist().index(k) for k in range(p.n_classes)]
    assert p.sizes.tolist() == [p.labels.tolist().count(k) for k in range(p.n_classes)]
    assert p.n == len(one[0])


@given(st.integers(1, 12), st.data())
@quick
def test_a_relation_is_closed_under_equivalence(n: int, data: st.DataObject) -> None:
    index = st.integers(0, n - 1)
    pairs = data.draw(st.lists(st.tuples(index, index), max_size=n))
    relation = np.zeros((n, n), dtype=bool)
    for i, j in pairs:
        relation[i, j] = relation[j, i] = True
    assert (together(Partition.from_relation(n, pairs)) == closure(relation)).all()


@given(labellings(1), st.data())
@quick
def test_a_coarsening_is_refined_and_every_refined_partition_is_one(
    one: list[list[int]], data: st.DataObject
) -> None:
    fine = Partition(one[0])
    values = data.draw(st.lists(st.integers(0, 3), min_size=max(one[0]) + 1, max_size=12))
    coarse = fine.coarsen(values)
    assert coarse == Partition([values[label] for label in one[0]])
    assert fine.refines(coarse)
    assert coarse == fine.coarsen(dict(enumerate(values))) == fine.coarsen(values.__getitem__)
    assert coarse == Partition(fine.map_to(coarse)[fine.labels])


def test_large_partitions_with_classes_of_many_sizes_agree_with_pandas() -> None:
    random = np.random.default_rng(0)
    a, b = random.integers(0, 300, 20_000), random.geometric(0.01, 20_000) * 10**12
    meet, join = Partition(a).meet(Partition(b)), Partition(a).join(Partition(b))
    assert meet == Partition(pd.DataFrame({"a": a, "b": b}).groupby(["a", "b"]).ngroup())
    assert join == Partition.trivial(20_000)
    # Two blocks that share no class of either: the join keeps them apart.
    a, b = np.concatenate([a, a + 300]), np.concatenate([b, -b])
    assert Partition(a).join(Partition(b)).sizes.tolist() == [20_000, 20_000]


# Labels of all kinds


@pytest.mark.parametrize(
    "labels",
    [
        ["b", "a", "b", "c"],
        np.array(["b", "a", "b", "c"]),
        pd.Series(["b", "a", "b", "c"], index=[3, 2, 1, 0]),
        pd.Categorical(["b", "a", "b", "c"], categories=["c", "unused", "a", "b"]),
        pd.Index([2.5, -1.0, 2.5, np.inf]),
        pd.Series([5, 3, 5, 4], dtype="Int64"),
        (1, "1", 1, int),
        torch.tensor([7, -2, 7, 0]),
        torch.tensor([7.5, -2.0, 7.5, 0.0], requires_grad=True),
        np.array([100, -70, 100, 15] * 40, dtype=np.int8),
        np.array([2**64 - 1, 0, 2**64 - 1, 5], dtype=np.uint64),
        np.array([2**64 - 1, 2**64 - 3, 2**64 - 1, 2**64 - 2], dtype=np.uint64),
        [2**62, -(2**62), 2**62, 0],
        pd.Series(pd.to_datetime(["2021", "2020", "2021", "2019"])),
    ],
    ids=lambda labels: f"{type(labels).__name__} {getattr(labels, 'dtype', '')}",
)
def test_labels_may_be_of_any_kind(labels: Any) -> None:
    assert Partition(labels).labels.tolist() == [0, 1, 0, 2] * (len(labels) // 4)


def test_booleans_keep_their_names() -> None:
    p = Partition(torch.tensor([True, True, False]))
    assert p.labels.tolist() == [0, 0, 1]
    assert p.names.tolist() == [True, False]
    assert p.coarsen(["no", "yes"]).names.tolist() == ["yes", "no"]


def test_a_mapping_is_looked_up_by_label_and_not_by_class_number() -> None:
    p = Partition([2, 0, 1, 2])
    assert p.coarsen(["zero", "one", "two"]).names.tolist() == ["two", "zero", "one"]
    by_name = pd.Series({0: "small", 1: "small", 2: "large"})
    for mapping in (by_name, by_name.to_dict(), lambda label: "large" if label == 2 else "small"):
        assert p.coarsen(mapping) == Partition([True, False, False, True])


def test_a_function_may_give_tuples_or_tensors() -> None:
    p = Partition([0, 1, 2, 3])
    tuples = p.coarsen(lambda label: (label % 2, label > 5))
    assert tuples == Partition([0, 1, 0, 1])
    assert tuples.names.tolist() == [(0, False), (1, False)]
    assert p.coarsen(torch.tensor([4, 4, 5, 5]).__getitem__) == Partition([0, 0, 1, 1])
    assert p.coarsen(torch.tensor([4, 4, 5, 5])) == Partition([0, 0, 1, 1])
    with pytest.raises(InputError, match=r"told apart.*list"):
        p.coarsen(lambda label: [label, label])


def test_the_meet_and_the_join_have_plain_names_unless_they_are_one_of_the_two() -> None:
    p, q = Partition([*"aabb"]), Partition([*"xyyy"])
    assert p.meet(q).names.tolist() == [0, 1, 2]
    assert p.join(q).names.tolist() == [0]
    assert p.meet(Partition.trivial(4)).names.tolist() == ["a", "b"]


def test_a_partition_is_a_value() -> None:
    labels = np.array([4, 4, 6])
    p = Partition(labels)
    labels[:] = 0
    assert p == Partition([1, 1, 0])
    assert p != Partition([1, 0, 0])
    assert p != [0, 0, 1]
    assert len({p, Partition([1, 1, 0]), Partition.finest(3)}) == 2
    for same in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert same == p
        assert same.names.tolist() == [4, 6]
        with pytest.raises(ValueError, match="read-only"):
            same.labels[0] = 1
    with pytest.raises(AttributeError):
        p.n_classes = 5  # type: ignore[misc]


def test_shown_with_its_names_and_sizes() -> None:
    assert repr(Partition([*"abcdefga"])) == (
        "Partition(8 samples, 7 classes: 'a' 2, 'b' 1, 'c' 1, 'd' 1, 'e' 1, 'f' 1, ...)"
    )
    assert str(Partition([*"aab"]).witness_against(Partition([1, 2, 2]))) == (
        "samples 0 and 1 are both 'a' in the fine partition, but 1 and 2 in the coarse one"
    )


# Bad input

MISSING = [None, np.nan, pd.NA, pd.NaT]


@pytest.mark.parametrize(("missing", "other"), [*product(MISSING, ["a", 1.5, 3, True])])
def test_a_missing_label_is_refused_with_its_sample(missing: Any, other: Any) -> None:
    with pytest.raises(InputError, match=r"sample 2 has the label .*, 2 of 4 labels are missing"):
        Partition([other, other, missing, missing])


@pytest.mark.parametrize(
    "labels",
    [
        np.array([1.0, np.nan]),
        torch.tensor([1.0, torch.nan]),
        pd.Categorical(["a", None]),
        pd.Series([1, None], dtype="Int64"),
        pd.Series([True, None], dtype="boolean"),
        pd.Series(["a", None]),
        pd.Series(["a", None], dtype="category"),
        pd.Series(pd.to_datetime(["2020", None])),
    ],
    ids=lambda labels: f"{type(labels).__name__} {labels.dtype}",
)
def test_a_missing_label_is_refused_in_every_kind_of_array(labels: Any) -> None:
    with pytest.raises(InputError, match=r"sample 1 has the label .*, 1 of 2 labels are missing"):
        Partition(labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], r"shape \(0,\)"),
        (5, r"shape \(\)"),
        ("abc", r"shape \(\)"),
        ([[1, 2], [3, 4]], r"shape \(2, 2\).*meet"),
        ([[1, 2], [3]], "not an array"),
        ([{}, {}], "told apart.*dict"),
    ],
)
def test_labels_of_the_wrong_form_are_refused(labels: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Partition(labels)


@pytest.mark.parametrize(
    "operation",
    [Partition.refines, Partition.map_to, Partition.parts_of, Partition.meet, Partition.join],
)
def test_partitions_of_different_samples_are_refused(
    operation: Callable[[Partition, Partition], object],
) -> None:
    with pytest.raises(InputError, match="3 and 5 samples: sample 3 is only in one"):
        operation(Partition.finest(3), Partition.finest(5))


def test_parts_of_something_not_refined_are_refused_with_a_witness() -> None:
    fine, coarse = Partition([*"aab"]), Partition([*"xyy"])
    assert fine.witness_against(coarse) == Witness((0, 1), "a", ("x", "y"))
    for operation in (fine.map_to, fine.parts_of):
        with pytest.raises(InputError, match=r"samples 0 and 1 are both 'a' .* 'x' and 'y'"):
            operation(coarse)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"cat": 1}, "no entry for class 'dog'"),
        ({"cat": 1, "dog": None}, "class 'dog' has the label None"),
        (lambda name: np.nan if name == "dog" else 2.0, "class 'dog' has the label nan"),
        ([0, 1], "cannot map the class 'cat'"),
    ],
)
def test_a_mapping_with_a_gap_is_refused_with_the_class(mapping: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Partition(["cat", "dog", "cat"]).coarsen(mapping)


@pytest.mark.parametrize("labels", [[0, 3], [0, -1]])
def test_an_array_too_short_for_the_labels_is_refused(labels: list[int]) -> None:
    with pytest.raises(InputError, match=rf"3 entries, none for class {labels[1]}"):
        Partition(labels).coarsen([5, 6, 7])


def test_an_array_of_two_dimensions_is_no_mapping() -> None:
    with pytest.raises(InputError, match=r"shape \(2, 1\)"):
        Partition([0, 1]).coarsen([[0], [1]])


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([(0, 1), (1, 4)], r"pair 1 is \[1, 4\].*0 to 3"),
        ([(-1, 1)], r"pair 0 is \[-1, 1\]"),
        ([(0, 1, 2)], r"shape \(1, 3\)"),
        ([(0.0, 1.0)], "float64"),
        ([0, 1], r"shape \(2,\)"),
    ],
)
def test_pairs_that_name_no_samples_are_refused(pairs: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Partition.from_relation(4, pairs)


@pytest.mark.parametrize(
    "make", [Partition.finest, Partition.trivial, lambda n: Partition.from_relation(n, [])]
)
def test_no_samples_are_refused(make: Callable[[int], Partition]) -> None:
    with pytest.raises(InputError, match="n must be at least 1, got 0"):
        make(0)
