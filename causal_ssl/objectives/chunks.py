"""Large batches some rows at a time: memory for a chunk of the n x m logits, never for all.

A batch whose logits are few is computed in one piece, and what its gradient needs is kept. A larger
one is computed in chunks of rows that stay in the processor's cache, and recomputed chunk by chunk
in the backward pass: one more exponential each, and memory O(chunk) instead of O(n m).
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

# Numbers of logits, all replicas and directions together. On a CPU a chunk of 2^17 (512 KiB in
# float32) and what is derived from it stay in a 1 MiB level-2 cache; a GPU wants large kernels.
KEPT = {"cpu": 2**22, "cuda": 2**28}
CHUNK = {"cpu": 2**17, "cuda": 2**26}


def kept(n_logits: int, device: torch.device) -> bool:
    """Whether that many logits are computed in one piece and kept for the backward pass."""
    return n_logits <= KEPT.get(device.type, KEPT["cuda"])


def row_chunks(n_rows: int, logits_per_row: int, device: torch.device) -> Iterator[slice]:
    """Consecutive slices of the rows: one if their logits are kept, else cache-sized ones."""
    step = n_rows
    if not kept(n_rows * logits_per_row, device):
        step = max(8, CHUNK.get(device.type, CHUNK["cuda"]) // logits_per_row)
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


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
    n, m, replicas = by_row[0].shape[-2], whole[0].shape[-2], by_row[0].shape[:-2].numel()
    slices = list(row_chunks(n, m * replicas * len(by_row) * per_logit, by_row[0].device))
    if len(slices) == 1:
        return rows(0, *by_row, *whole)
    return torch.cat(
        [
            checkpoint(
                rows,
                chunk.start,
                *(tensor[..., chunk, :] for tensor in by_row),
                *whole,
                use_reentrant=False,
                preserve_rng_state=False,
            )
            for chunk in slices
        ],
        dim=-1,
    )
