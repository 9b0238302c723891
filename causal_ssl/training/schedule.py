"""The learning rate as a pure function of the step: nothing to step, store or restore."""

import math
from typing import Literal

from causal_ssl.errors import in_range

Schedule = Literal["warmup_cosine", "constant"]


def lr_at(
    step: int, *, base: float, total: int, warmup: int = 0, start: float = 0.0, end: float = 0.0
) -> float:
    """Learning rate of optimiser step `step`: a linear rise, then half a cosine down.

    It is `start` at step 0, `base` at step `warmup`, and would be `end` at step `total`, one past
    the last. With warmup = 0 it begins at `base`. Libraries differ by one step here (some add one
    to the step in the warm-up, some end at a share of the base): this is the whole definition.

    Args:
        step: 0 <= step < total.
        base: the peak.
        total: number of steps of the run.
        warmup: number of steps with a rising rate, 0 <= warmup <= total.
        start: rate at step 0 if there is a warm-up.
        end: rate that the cosine tends to.

    Returns:
        The rate, between min(start, end) and base.

    Raises:
        InputError: `step` or `warmup` out of range.

    Examples:
        >>> [round(lr_at(k, base=1.0, total=6, warmup=2), 3) for k in range(6)]
        [0.0, 0.5, 1.0, 0.854, 0.5, 0.146]
    """
    in_range("step", step, at_least=0, at_most=total - 1)
    in_range("warmup", warmup, at_least=0, at_most=total)
    if step < warmup:
        return start + (base - start) * step / warmup
    return end + (base - end) * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2


def scheduled(schedule: Schedule, step: int, *, base: float, total: int, warmup: float) -> float:
    """Learning rate of optimiser step `step` under a schedule of that name.

    Args:
        schedule: "constant", or "warmup_cosine" as in `lr_at`, down to 0.
        step, base, total: as for `lr_at`.
        warmup: share of the steps with a rising rate.

    Examples:
        >>> scheduled("warmup_cosine", 1, base=1.0, total=100, warmup=0.02)
        0.5
    """
    if schedule == "constant":
        return base
    return lr_at(step, base=base, total=total, warmup=round(warmup * total))
