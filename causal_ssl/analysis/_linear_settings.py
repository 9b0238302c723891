"""What linear probes are trained with: a grid, and those of published protocols."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from causal_ssl.analysis._linear_heads import Member
from causal_ssl.errors import InputError, in_range, one_of


@dataclass(frozen=True)
class LinearSettings:
    """A grid of trainings of a linear classifier by SGD.

    Args:
        learning_rates: at the first step, each above 0.
        weight_decays: each at least 0.
        epochs: each at least 1; each its own schedule from start to end.
        batch_sizes: each at least 1; each a pass of its own over the features.
        momentum: at least 0, below 1.
        nesterov: whether the gradient is taken ahead.
        schedule: `cosine` to 0, without warm-up; `constant`.

    Raises:
        InputError: a value out of range; an empty grid.
    """

    learning_rates: tuple[float, ...]
    weight_decays: tuple[float, ...] = (0.0,)
    epochs: tuple[int, ...] = (80,)
    batch_sizes: tuple[int, ...] = (1024,)
    momentum: float = 0.9
    nesterov: bool = True
    schedule: Literal["cosine", "constant"] = "cosine"

    def __post_init__(self) -> None:
        for name in ("learning_rates", "weight_decays", "epochs", "batch_sizes"):
            if not getattr(self, name):
                raise InputError(f"{name} is empty: give at least one")
        for rate in self.learning_rates:
            in_range("a learning rate", rate, above=0)
        for decay in self.weight_decays:
            in_range("a weight decay", decay, at_least=0)
        for epochs in self.epochs:
            in_range("epochs", epochs, at_least=1)
        for batch_size in self.batch_sizes:
            in_range("a batch size", batch_size, at_least=1)
        if in_range("momentum", self.momentum, at_least=0) >= 1:
            raise InputError(f"momentum must be below 1, got {self.momentum}")
        one_of("schedule", self.schedule, ("cosine", "constant"))

    def members(self) -> list[Member]:
        """The grid, in ascending order: batch sizes, then epochs, rates, decays."""
        return [
            Member(rate, decay, epochs, size)
            for size in sorted(set(self.batch_sizes))
            for epochs in sorted(set(self.epochs))
            for rate in sorted(set(self.learning_rates))
            for decay in sorted(set(self.weight_decays))
        ]


_SWEPT = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4)

LINEAR_SETTINGS: Mapping[str, LinearSettings] = {
    "relic": LinearSettings(_SWEPT),
    "relic_robustness": LinearSettings(
        _SWEPT, epochs=(30, 50, 60, 90), batch_sizes=(1024, 2048, 4096)
    ),
    "relicv2": LinearSettings((0.3,), epochs=(100,), batch_sizes=(256,)),
}
"""`relic`, `relic_robustness`: ReLIC (arXiv 2010.07922), linear evaluation, and the sweep behind
its robustness tables. Of the rate of the linear evaluation, and of schedules, the paper says
nothing: here that sweep's rates, and a cosine. `relicv2`: its published code's, at batch 256."""
