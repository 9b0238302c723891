"""The n x m logits of a batch in blocks that fit the cache: memory for a block, never for all.

A block is some rows of some replicas. What the gradient needs of it is kept where the logits are
few; where they are many, it is recomputed block by block in the backward pass: one more exponential
each, and memory O(block) instead of O(n m).
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

# Numbers of logits. On a CPU 2^18 of them (1 MiB in float32) were the fastest of 2^14 ... 2^20, at
# n = 256 and at n = 6144, with a level-2 cache of that size; a GPU wants large kernels.
KEPT = {"cpu": 2**22, "cuda": 2**28}
BLOCK = {"cpu": 2**18, "cuda": 2**26}

Block = tuple[slice, slice]


def kept(n_logits: int, device: torch.device) -> bool:
    """Whether what belongs to that many logits is kept for the backward pass."""
    return n_logits <= KEPT.get(device.type, KEPT["cuda"])


def blocks(replicas: int, n_rows: int, logits_per_row: int, device: torch.device) -> list[Block]:
    """Slices of the replicas and of the rows that cover all, with a cacheful of logits each.

    Whole replicas together where they fit; else rows of one replica, at least 8 of them.

    Examples:
        >>> blocks(2, 1000, 1000, torch.device("cpu"))[:2]
        [(slice(0, 1, None), slice(0, 262, None)), (slice(0, 1, None), slice(262, 524, None))]
    """
    size = BLOCK.get(device.type, BLOCK["cuda"])
    row_step = min(n_rows, max(8, size // logits_per_row))
    replica_step = max(1, size // (logits_per_row * n_rows))
    return [
        (replica_slice, row_slice)
        for replica_slice in _slices(replicas, replica_step)
        for row_slice in _slices(n_rows, row_step)
    ]


def by_row_chunks(
    rows: Callable[..., Tensor], by_row: list[Tensor], whole: list[Tensor], *, per_logit: int = 1
) -> Tensor:
    """`rows(start, *by_row, *whole)` over chunks of rows, differentiable, at a chunk's memory.

    Args:
        rows: takes the index of its first row, the chunk's rows and the whole tensors; returns
            (..., rows).
        by_row: tensors (..., n, d), sliced along n.
        whole: tensors (..., m, d), passed as they are.
        per_logit: numbers that `rows` holds per logit (d for an L_p similarity).

    Returns:
        (..., n), the chunks joined along the last axis.
    """
    n, device = by_row[0].shape[-2], by_row[0].device
    per_row = len(by_row) * by_row[0].shape[:-2].numel() * whole[0].shape[-2] * per_logit
    if kept(n * per_row, device):
        return rows(0, *by_row, *whole)
    chunks = [
        checkpoint(
            rows,
            chunk.start,
            *(tensor[..., chunk, :] for tensor in by_row),
            *whole,
            use_reentrant=False,
            preserve_rng_state=False,
        )
        for _, chunk in blocks(1, n, per_row, device)
    ]
    return torch.cat(chunks, dim=-1)


def _slices(length: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, length)) for start in range(0, length, step))
