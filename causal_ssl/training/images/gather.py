"""Outputs of all processes as one batch, with gradient, so that W processes train as one would."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from causal_ssl.training.images.checkpoints import Checkpoints

PATIENCE = timedelta(minutes=30)
"""How long a process waits for another one before it takes it to be lost.

A killed process is noticed at once by gloo, on CPUs. NCCL waits: there the launcher ends the others
(`torchrun`, `srun --kill-on-bad-exit`, Lightning's own within 5 s), or this does.
"""


class LostProcessError(RuntimeError):
    """Another process of the training is gone, or was silent for longer than `PATIENCE`."""


def processes() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def wait_for_all() -> None:
    """Return when every process has come here."""
    if processes() > 1:
        dist.barrier()


@contextmanager
def lost_processes_named(checkpoints: Checkpoints, *, evaluates: bool) -> Iterator[None]:
    """Says what to do where the block fails because of another process.

    Args:
        checkpoints: of the run.
        evaluates: the first process does so alone, which may take it longer than others wait.

    Raises:
        LostProcessError: an exchange failed.
    """
    try:
        yield
    except RuntimeError as error:
        if not _of_an_exchange(error):
            raise
        said = ["another process of this training ended or does not answer"]
        if evaluates:
            minutes = f"{PATIENCE.total_seconds() / 60:.0f} minutes"
            said.append(
                f"The first evaluates alone, while others wait no more than {minutes}: if it takes "
                "longer, evaluate on fewer images"
            )
        said += [checkpoints.kept(), "Repeat the same command to continue"]
        raise LostProcessError(". ".join(said)) from error


def _of_an_exchange(error: RuntimeError) -> bool:
    # gloo's are plain RuntimeErrors, which begin with the place in its source, but for one.
    return isinstance(error, dist.DistError) or any(
        said in str(error) for said in ("gloo", "Application timeout caused pair closure")
    )


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
