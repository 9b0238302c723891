"""The n x m logits of a batch in blocks that fit the cache: memory for a block, never for all.

A block is some rows of some replicas. What the gradient needs of it is kept where the logits are
few; where they are many, it is recomputed block by block in the backward pass: one more exponential
each, and memory O(block) instead of O(n m).
"""

from collections.abc import Callable, Iterator, Sequence
from math import ceil, isqrt
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Numbers of logits. On a CPU 2^18 of them (1 MiB in float32) were the fastest of 2^14 ... 2^20, at
# n = 256 and at n = 6144, with a level-2 cache of that size; a GPU wants large kernels.
KEPT = {"cpu": 2**22, "cuda": 2**28}
BLOCK = {"cpu": 2**18, "cuda": 2**26}

Block = tuple[slice, slice]
Tile = tuple[slice, slice, slice]
Rows = Callable[..., Tensor]


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


def tiles(
    replicas: int, n: int, m: int, device: torch.device, *, per_logit: int = 1, upper: bool = False
) -> list[Tile]:
    """Slices of replicas, rows and columns that cover n x m logits in squares of a cacheful.

    For outputs of many coordinates squares are faster than blocks of whole rows, which read all
    candidates for every few anchors.

    Args:
        replicas: r.
        n: rows.
        m: columns.
        device: whose cache.
        per_logit: matrices of that size that share the cache.
        upper: only squares on the diagonal and above it; then m = n.

    Examples:
        >>> tiles(1, 1000, 1000, torch.device("cpu"), upper=True)[1]
        (slice(0, 1, None), slice(0, 512, None), slice(512, 1000, None))
    """
    size = BLOCK.get(device.type, BLOCK["cuda"]) // per_logit
    step = ceil(n / ceil(n / max(8, isqrt(size))))
    if step > 64:
        step = 64 * ceil(step / 64)  # of whole vectors
    return [
        (r, rows, columns)
        for r in _slices(replicas, max(1, size // step**2))
        for rows in _slices(n, step)
        for columns in _slices(m, step)
        if columns.start >= rows.start or not upper
    ]


def by_row_chunks(
    rows: Rows, by_row: list[Tensor], whole: list[Tensor], *, per_logit: int = 1
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
    chunks = [chunk for _, chunk in blocks(1, n, per_row, device)]
    return _Recomputed.apply(rows, chunks, len(by_row), *by_row, *whole)


class _Recomputed(torch.autograd.Function):
    """Rows chunk by chunk, and again with autograd's graph of one chunk in the backward pass.

    As `torch.utils.checkpoint` would, at a tenth of its memory: 60 MB against 580 for ReLIC with
    the Jensen-Shannon divergence at n = 6144, d = 5.
    """

    @staticmethod
    def forward(
        ctx: Any, rows: Rows, chunks: list[slice], n_by_row: int, *inputs: Tensor
    ) -> Tensor:
        ctx.save_for_backward(*inputs)
        ctx.rows, ctx.chunks, ctx.n_by_row = rows, chunks, n_by_row
        # Written into one tensor: small results kept between large temporaries fragment the heap.
        out: Tensor | None = None
        for chunk in chunks:
            part = rows(chunk.start, *_at(inputs, chunk, n_by_row))
            if out is None:
                out = part.new_empty(*part.shape[:-1], inputs[0].shape[-2])
            out[..., chunk] = part
            del part
        assert out is not None
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        needed = ctx.needs_input_grad[3:]
        sums = [
            torch.zeros_like(x) if need else None
            for x, need in zip(ctx.saved_tensors, needed, strict=True)
        ]
        for chunk in ctx.chunks:
            parts = [
                part.detach().requires_grad_(need)
                for part, need in zip(
                    _at(ctx.saved_tensors, chunk, ctx.n_by_row), needed, strict=True
                )
            ]
            with torch.enable_grad():
                out = ctx.rows(chunk.start, *parts)
            wanted = [part for part in parts if part.requires_grad]
            found = torch.autograd.grad(out, wanted, gradient[..., chunk], allow_unused=True)
            targets = _at([x for x in sums if x is not None], chunk, sum(needed[: ctx.n_by_row]))
            for target, grad in zip(targets, found, strict=True):
                if grad is not None:
                    target += grad
        return None, None, None, *sums


def _at(tensors: Sequence[Tensor], chunk: slice, n_by_row: int) -> list[Tensor]:
    """The chunk's rows of the first `n_by_row` tensors, the others whole."""
    return [x[..., chunk, :] if k < n_by_row else x for k, x in enumerate(tensors)]


def _slices(length: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, length)) for start in range(0, length, step))
