"""Outputs of all processes as one batch, with gradient, so that W processes train as one would."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def processes() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def wait_for_all() -> None:
    """Return when every process has come here."""
    if processes() > 1:
        dist.barrier()


def gathered(x: Tensor) -> Tensor:
    """This process's rows (n, ...) and those of all others, (W n, ...), in order of rank.

    The gradient is exact on two conditions, which the trainer keeps: every process computes the
    same loss from the result, and gradients of parameters are averaged over processes, as
    `DistributedDataParallel` does. Then the loss's gradient by this process's rows is its own slice
    of the gradient, no process has to send any; times W, which the averaging divides by.
    """
    return x if processes() == 1 else _Gather.apply(x)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.rows = len(x)
        parts = [torch.empty_like(x) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, x.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        first = dist.get_rank() * ctx.rows
        return gradient[first : first + ctx.rows] * dist.get_world_size()
