"""Batches hold the groups and members asked for, samples are seen once, epochs are reproducible."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from causal_ssl.datasets.group_sampler import GroupBatchSampler
from causal_ssl.errors import InputError
from causal_ssl.partitions import Partition

SIZES = [12, 2, 5, 3, 7, 2, 9]
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(len(SIZES)), SIZES))


def sampler(
    labels: object = LABELS, groups_per_batch: int = 3, per_group: int = 2, **options
) -> GroupBatchSampler:
    sizes = {"groups_per_batch": groups_per_batch, "per_group": per_group}
    return GroupBatchSampler(labels, **sizes, **{"seed": 0, **options})


def most_batches(portions: list[int], groups_per_batch: int) -> int:
    """By taking the groups with most portions left, again and again."""
    batches = 0
    while sorted(portions)[-groups_per_batch] > 0:
        portions = sorted(portions)
        portions[-groups_per_batch:] = [left - 1 for left in portions[-groups_per_batch:]]
        batches += 1
    return batches


@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=8),
    groups_per_batch=st.integers(1, 4),
    per_group=st.integers(1, 3),
    seed=st.integers(0, 100),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_every_batch_is_full_and_as_many_as_can_be_see_no_sample_twice(
    sizes: list[int], groups_per_batch: int, per_group: int, seed: int
) -> None:
    sizes += [per_group] * groups_per_batch
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    found = sampler(labels, groups_per_batch, per_group, seed=seed, repeat=True)
    batches = list(found)
    for batch in batches:
        counts = Counter(labels[batch].tolist())
        assert set(counts.values()) == {per_group}
        assert len(counts) == groups_per_batch
    assert len(batches) == len(found)
    assert len(found) == most_batches([max(1, n // per_group) for n in sizes], groups_per_batch)
    seen = Counter(i for batch in batches for i in batch)
    large = [i for i in seen if sizes[labels[i]] >= per_group]
    assert all(seen[i] == 1 for i in large)


def test_groups_of_one_make_ordinary_shuffled_batches() -> None:
    found = sampler(np.arange(10), groups_per_batch=5, per_group=1)
    for epoch in range(3):
        found.set_epoch(epoch)
        first, second = found
        assert sorted(first + second) == list(range(10))
    # Which of the 9 others share a batch with sample 0, over 450 epochs: 4/9 of the time each.
    together = np.zeros(10)
    for epoch in range(450):
        found.set_epoch(epoch)
        together[next(batch for batch in found if 0 in batch)] += 1
    # 450 draws with p = 4/9: standard error 10.5; 4.5 of them.
    assert together[0] == 450
    assert np.abs(together[1:] - 200).max() < 48


def test_every_pair_of_groups_meets_and_every_member_is_seen() -> None:
    found = sampler()
    pairs, members = Counter(), set()
    for epoch in range(60):
        found.set_epoch(epoch)
        for batch in found:
            pairs.update(combinations(sorted(set(LABELS[batch].tolist())), 2))
            members.update(batch)
    assert len(pairs) == len(SIZES) * (len(SIZES) - 1) // 2
    assert members == set(range(len(LABELS)))


def test_larger_groups_do_not_come_before_smaller_ones() -> None:
    # 6 groups of 4 portions, 12 of 2, in 16 batches of 3: as likely early as late.
    labels = np.repeat(np.arange(18), [8] * 6 + [4] * 12)
    found = sampler(labels, seed=1)
    assert len(found) == 16
    halves = np.zeros(2)
    for epoch in range(100):
        found.set_epoch(epoch)
        for k, batch in enumerate(found):
            halves[k // 8] += (np.unique(labels[batch]) < 6).sum()
    # 24 large portions an epoch; with the large ones first all 24 would be in the first half, and
    # with the weights as they are 11.8 (200 epochs of 6 seeds, each 0.12). The mean over 100 epochs
    # has a standard error of 0.16: 5 of them.
    assert abs(halves[0] / 100 - 12) < 1


def test_an_epoch_depends_on_seed_and_epoch_alone() -> None:
    first, second = sampler(), sampler()
    list(first)
    first.set_epoch(3)
    second.set_epoch(3)
    assert list(first) == list(second) == list(first)
    epochs = [tuple(map(tuple, first))]
    for seed, epoch in ((0, 4), (1, 3)):
        other = sampler(seed=seed)
        other.set_epoch(epoch)
        epochs.append(tuple(map(tuple, other)))
    assert len(set(epochs)) == 3


def test_resumed_within_an_epoch_it_goes_on_with_the_next_batch() -> None:
    found = sampler()
    found.set_epoch(2)
    whole = list(found)
    for step in (0, 1, len(whole) - 1, len(whole)):
        found.set_epoch(2, step=step)
        assert list(found) == whole[step:]
    found.set_epoch(2)
    assert list(found) == whole


def test_a_group_that_is_too_small_repeats_its_members_evenly_if_asked() -> None:
    labels = np.array([0, 0, 1, 1, 1, 1, 1])
    (batch,) = sampler(labels, groups_per_batch=2, per_group=5, repeat=True)
    counts = Counter(batch)
    assert sorted(counts[i] for i in (0, 1)) == [2, 3]
    assert all(counts[i] == 1 for i in range(2, 7))


def test_a_partition_and_its_labels_are_the_same() -> None:
    names = np.array([*"abcdefg"])[LABELS]
    assert list(sampler(Partition(names))) == list(sampler(names))


def test_a_data_loader_takes_it() -> None:
    loader = DataLoader(list(range(len(LABELS))), batch_sampler=sampler())  # type: ignore[arg-type]
    assert [batch.tolist() for batch in loader] == list(sampler())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups_per_batch": 0}, "groups_per_batch must be at least 1, got 0"),
        ({"per_group": 0}, "per_group must be at least 1, got 0"),
        ({"groups_per_batch": 8}, "groups_per_batch = 8, but there are 7 groups"),
        ({"per_group": 3}, "group [15] has 2 members, per_group is 3: lower per_group"),
        ({"labels": [[0, 1], [2, 3]]}, "labels have shape"),
    ],
)
def test_bad_input_is_named(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sampler(**options)


def test_a_step_beyond_the_epoch_is_refused() -> None:
    found = sampler()
    with pytest.raises(InputError, match=f"at most {len(found)}, got {len(found) + 1}"):
        found.set_epoch(0, step=len(found) + 1)
