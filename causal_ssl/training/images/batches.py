"""Which samples a step sees: a pure function of the seed and the step, so nothing is stored."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate, default_convert

from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for


class StepBatches(Dataset):
    """Item k is what one process sees of optimiser step k; of its micro-batches, if it has several.

    The n samples are shuffled anew for every pass over them, and each pass ends with its last whole
    batch: no sample is in a batch twice, where it would be a negative of itself. A step's batch is
    the same however many processes and micro-batches share it: it is cut into contiguous shares of
    one size, first by micro-batch, then by rank. With A micro-batches, item A step + m is this
    process's share of micro-batch m.

    Args:
        dataset: an array or tensor of n samples; or map-style, `dataset[i]` a sample of tensors,
            arrays or numbers, or tuples or dicts of them, which are stacked; or what has
            `batch(indices, generator)` and reads a whole batch: indices an int64 array (B,), the
            generator the step's own, for what the data set itself draws.
        batch_size: samples per step over all processes.
        seed: of the order.
        rank, ranks: which process this is, of how many.
        accumulate: micro-batches A per step.

    Raises:
        InputError: fewer samples than a batch, or a batch that ranks and micro-batches do not
            divide.

    Examples:
        >>> batches = StepBatches(torch.arange(10), batch_size=4, seed=0)
        >>> len(torch.cat([batches[0], batches[1]]).unique())  # of one pass
        8
        >>> torch.equal(batches[7], batches[7])
        True
    """

    def __init__(
        self,
        dataset: Any,
        *,
        batch_size: int,
        seed: int,
        rank: int = 0,
        ranks: int = 1,
        accumulate: int = 1,
    ) -> None:
        if len(dataset) < batch_size:
            raise InputError(
                f"{len(dataset)} samples for a batch of {batch_size}: lower batch_size, or give "
                "more samples"
            )
        if batch_size % (ranks * accumulate):
            parts = f" in {accumulate} micro-batches" if accumulate > 1 else ""
            raise InputError(
                f"batch_size {batch_size} on {ranks} devices{parts}: give a multiple of "
                f"{ranks * accumulate}"
            )
        self.dataset = dataset
        self.batch_size = batch_size
        self.seed = seed
        self.rank, self.ranks = rank, ranks
        self.accumulate = accumulate
        self._pass: tuple[int, np.ndarray] | None = None

    def place(self, item: int) -> tuple[int, int]:
        """The step of an item, and which of the step's shares it is, in 0 .. accumulate ranks - 1.

        Whatever is drawn for an item depends on these two and on the seed.
        """
        step, micro = divmod(item, self.accumulate)
        return step, micro * self.ranks + self.rank

    def indices(self, item: int) -> np.ndarray:
        """The samples of an item, (batch_size / (ranks accumulate),) int64."""
        step, share = self.place(item)
        size = self.batch_size // (self.ranks * self.accumulate)
        number, batch = divmod(step, len(self.dataset) // self.batch_size)
        first = batch * self.batch_size + share * size
        return self._order(number)[first : first + size]

    def __getitem__(self, item: int) -> Any:
        generator = generator_for(self.seed, "data", *self.place(item))
        return read(self.dataset, self.indices(item), generator)

    def _order(self, number: int) -> np.ndarray:
        if self._pass is None or self._pass[0] != number:
            generator = generator_for(self.seed, "order", number)
            self._pass = number, torch.randperm(len(self.dataset), generator=generator).numpy()
        return self._pass[1]


class OrderedBatches(Dataset):
    """Item k is the k-th batch of a data set in its own order; the last may be smaller.

    Examples:
        >>> batches = OrderedBatches(torch.arange(5), batch_size=2)
        >>> [batches[k].tolist() for k in range(len(batches))]
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, dataset: Any, *, batch_size: int) -> None:
        self.dataset = dataset
        self.batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __getitem__(self, k: int) -> Any:
        first = k * self.batch_size
        indices = np.arange(first, min(first + self.batch_size, len(self.dataset)))
        return read(self.dataset, indices, generator_for("ordered", k))


def read(dataset: Any, indices: np.ndarray, generator: torch.Generator) -> Any:
    """Samples of a data set as one batch; see `StepBatches`."""
    if hasattr(dataset, "batch"):
        return default_convert(dataset.batch(indices, generator))
    if isinstance(dataset, np.ndarray | Tensor):
        return torch.as_tensor(dataset[indices])
    return default_collate([dataset[i] for i in indices.tolist()])


class Loader(DataLoader):
    """A loader whose workers' refusals read as they were raised, without the trace around them.

    torch hands over what a worker raised as one text: the worker, its traceback, the message.
    """

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        try:
            yield from super().__iter__()
        except InputError as error:
            text = str(error)
            if "in DataLoader worker process" not in text.partition("\n")[0]:
                raise
            raise InputError(text.rpartition("InputError: ")[2].strip()) from error

    def check_worker_number_rationality(self) -> None:
        """More workers than cores are no warning: how long steps wait for data is measured."""


def ordered_loader(dataset: Any, *, batch_size: int, workers: int, pinned: bool) -> DataLoader:
    """Loads a data set in its own order, in `workers` processes (0: in this one)."""
    batches = OrderedBatches(dataset, batch_size=batch_size)
    generator = generator_for("workers")
    return Loader(
        batches, batch_size=None, num_workers=workers, pin_memory=pinned, generator=generator
    )


class Items(Sampler[int]):
    """The items from `start` on; its length is that of the whole run.

    Lightning counts the batches of an interrupted epoch from where it stopped, and takes the epoch
    to be as long as its loader: with one epoch a run, that is this length.
    """

    def __init__(self, start: int, total: int) -> None:
        self.start, self.total = start, total

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.total))

    def __len__(self) -> int:
        return self.total


def step_loader(
    batches: StepBatches, *, start: int, total: int, workers: int, pinned: bool
) -> DataLoader:
    """Loads the items of steps start .. total - 1, in `workers` processes (0: in this one)."""
    return Loader(
        batches,
        batch_size=None,
        sampler=Items(start * batches.accumulate, total * batches.accumulate),
        num_workers=workers,
        pin_memory=pinned,
        # Names the workers' own seeds, which nothing here uses, without touching the global state.
        generator=generator_for(batches.seed, "workers", batches.rank),
    )
