"""The target network h: an exponential moving average of the online network's parameters."""

import copy
import math

import torch
from torch import Tensor, nn

from causal_ssl.errors import in_range


def ema_decay(step: int, *, total: int, start: float) -> float:
    """Decay of the moving average after optimiser step `step`, rising from `start` to 1.

    tau(k) = 1 - (1 - start) (cos(pi k / K) + 1) / 2, the schedule of BYOL that ReLIC
    (arXiv 2010.07922) uses with start = 0.996. A pure function of the step: nothing to restore.

    Args:
        step: number k of optimiser steps, 0 <= k <= total.
        total: number K of optimiser steps of the whole run.
        start: tau(0), in [0, 1].

    Returns:
        tau in [start, 1].

    Raises:
        InputError: `step` outside 0 .. total, or `start` outside [0, 1].

    Examples:
        >>> ema_decay(0, total=100, start=0.5), ema_decay(100, total=100, start=0.5)
        (0.5, 1.0)
    """
    in_range("start of the decay", start, at_least=0, at_most=1)
    in_range("step", step, at_least=0, at_most=total)
    return 1 - (1 - start) * (math.cos(math.pi * step / total) + 1) / 2


class EMATarget(nn.Module):
    """A copy of the online network whose parameters follow it as a moving average.

    Parameters move, buffers stay the copy's own (its batch statistics come from its own forward
    passes, as in BYOL). Update after the optimiser's step. Outputs carry no gradient.

    Examples:
        >>> online = nn.Linear(2, 1)
        >>> target = EMATarget(online)
        >>> _ = online.weight.data.fill_(1.0), target.network.weight.data.fill_(0.0)
        >>> target.update(online, decay=0.75)
        >>> target.network.weight
        Parameter containing:
        tensor([[0.2500, 0.2500]])
    """

    def __init__(self, online: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(online).requires_grad_(False)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """The target's detached outputs."""
        return self.network(x)

    @torch.no_grad()
    def update(self, online: nn.Module, decay: float | Tensor) -> None:
        """Move every parameter: target <- decay target + (1 - decay) online."""
        for mine, theirs in zip(self.network.parameters(), online.parameters(), strict=True):
            mine.lerp_(theirs, 1 - decay)
