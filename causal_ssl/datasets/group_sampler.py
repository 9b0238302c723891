"""Batches in which groups meet their own kind: so many groups, so many members of each.

sampler = GroupBatchSampler(object_ids, groups_per_batch=64, per_group=4, seed=0)
loader = DataLoader(dataset, batch_sampler=sampler)
for epoch in range(epochs):
    sampler.set_epoch(epoch)
    for batch in loader: ...
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import Sampler

from causal_ssl.errors import InputError, in_range
from causal_ssl.partitions import Partition
from causal_ssl.randomness import derived_seed


class GroupBatchSampler(Sampler[list[int]]):
    """Batches of `groups_per_batch` different groups with `per_group` members each.

    An epoch has as many such batches as can be made without seeing a sample twice. Which groups
    meet and which members are seen is random, larger groups in more batches; what does not fill up
    a batch is left out, other samples in another epoch. With groups of one these are ordinary
    shuffled batches. An epoch is a pure function of (seed, epoch).

    Args:
        groups: a `Partition` of the n samples, or their labels (n,).
        groups_per_batch: groups of a batch, at least 1.
        per_group: members of each, at least 1.
        seed: of the order.
        repeat: a group with fewer than `per_group` members is in one batch of the epoch, with its
            members repeated evenly; False: such a group is refused.

    Raises:
        InputError: numbers below 1, fewer groups than `groups_per_batch`, a group that is too small
            (unless `repeat`).

    Examples:
        >>> labels = ["cat", "dog", "cat", "ox", "dog", "ox", "cat", "cat"]
        >>> sampler = GroupBatchSampler(labels, groups_per_batch=2, per_group=2, seed=0)
        >>> sorted(sorted(labels[i] for i in batch) for batch in sampler)
        [['cat', 'cat', 'dog', 'dog'], ['cat', 'cat', 'ox', 'ox']]
    """

    def __init__(
        self,
        groups: Partition | Any,
        *,
        groups_per_batch: int,
        per_group: int,
        seed: int,
        repeat: bool = False,
    ) -> None:
        self.groups = groups if isinstance(groups, Partition) else Partition(groups)
        self.groups_per_batch = in_range("groups_per_batch", groups_per_batch, at_least=1)
        self.per_group = in_range("per_group", per_group, at_least=1)
        self.seed = seed
        self.repeat = repeat
        self._check()
        self._sizes = self.groups.sizes
        self._portions = np.maximum(self._sizes // per_group, 1)
        most = int(self._portions.sum()) // groups_per_batch
        self._batches = bisect_left(range(1, most + 1), True, key=self._too_many)
        self.set_epoch(0)

    def set_epoch(self, epoch: int, step: int = 0) -> None:
        """Iterate over this epoch from now on, from batch `step` on (to resume within one).

        Raises:
            InputError: `step` is below 0 or beyond the epoch.
        """
        self.epoch = epoch
        self.step = in_range("step", step, at_least=0, at_most=len(self))

    def __len__(self) -> int:
        """Batches of an epoch."""
        return self._batches

    def __iter__(self) -> Iterator[list[int]]:
        random = np.random.default_rng(derived_seed(self.seed, "group batches", self.epoch))
        shuffled = random.permutation(self.groups.n)
        members = shuffled[np.argsort(self.groups.labels[shuffled], kind="stable")]
        first = np.cumsum(self._sizes) - self._sizes
        seen = np.zeros_like(self._sizes)
        for batch, chosen in enumerate(self._schedule(random)):
            if batch >= self.step:
                which = seen[chosen, None] + np.arange(self.per_group)
                where = first[chosen, None] + which % self._sizes[chosen, None]
                yield members[where].ravel().tolist()
            seen[chosen] += self.per_group

    def _schedule(self, random: np.random.Generator) -> Iterator[np.ndarray]:
        """The groups of each batch in turn.

        Drawn without replacement with the portions that they have left as weights: the smallest of
        keys Exp(1) / weight (Efraimidis and Spirakis 2006). Groups that every batch to come needs
        go before all others, so that the batches never run out.
        """
        several = np.flatnonzero(self._portions > 1)
        single = random.permutation(np.flatnonzero(self._portions == 1))
        left = self._portions[several]
        for batches_left in range(len(self), 0, -1):
            keys = np.full(len(several), np.inf)
            np.divide(random.exponential(size=len(several)), left, out=keys, where=left > 0)
            needed = left >= batches_left
            keys[needed] = -1 / keys[needed]
            # Of the keys of single portions only the smallest: by the gaps between order
            # statistics, in time that does not grow with their number.
            n_smallest = min(self.groups_per_batch, len(single))
            gaps = random.exponential(size=n_smallest) / (len(single) - np.arange(n_smallest))
            single_keys = np.cumsum(gaps) if batches_left > 1 else -1 / np.cumsum(gaps)
            keys = np.concatenate([keys, single_keys])
            chosen = np.argpartition(keys, self.groups_per_batch - 1)[: self.groups_per_batch]
            from_several = chosen[chosen < len(several)]
            n_single = len(chosen) - len(from_several)
            left[from_several] -= 1
            yield np.concatenate([several[from_several], single[:n_single]])
            single = single[n_single:]

    def _too_many(self, batches: int) -> bool:
        """Whether the groups, each at most once a batch, can not fill that many batches."""
        return int(np.minimum(self._portions, batches).sum()) < self.groups_per_batch * batches

    def _check(self) -> None:
        if self.groups.n_classes < self.groups_per_batch:
            raise InputError(
                f"groups_per_batch = {self.groups_per_batch}, but there are "
                f"{self.groups.n_classes} groups: lower it"
            )
        sizes = self.groups.sizes
        smallest = int(sizes.argmin())
        if sizes[smallest] < self.per_group and not self.repeat:
            raise InputError(
                f"group {self.groups.names.tolist()[smallest]!r} has {sizes[smallest]} members, "
                f"per_group is {self.per_group}: lower per_group, leave such groups out of the "
                "data, or set repeat=True to see their members more than once"
            )
