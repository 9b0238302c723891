"""How the encoders of the numerical studies are trained, as one value."""

from dataclasses import dataclass
from typing import get_args

from causal_ssl.errors import in_range, one_of
from causal_ssl.training.schedule import Schedule, scheduled
from causal_ssl.training.step import Precision


@dataclass(frozen=True)
class NumericalTraining:
    """How encoders are trained.

    The defaults beside `steps` and `batch_size` reach a content R2 of 0.98 on independent latents
    in 3000 to 4000 steps of batch 256.

    Args:
        steps: optimiser steps.
        batch_size: samples per step and replica, each seen in two views.
        hidden: widths of the encoder's hidden layers.
        slope: of their LeakyReLU.
        learning_rate: Adam's, at the peak; no weight decay.
        schedule: "warmup_cosine" (linear warm-up, half a cosine to 0) or "constant" (the paper's).
        warmup: share of the steps with a rising rate.
        target_decay: at the start, of the target network's moving average, rising to 1.
        precision: "float32"; "tf32" (CUDA: all products of the step, the
            objective's too); "bf16": the encoder's products, not the objective.
        cuda_graph: record the step once as a CUDA graph and replay it. Off by default: it has not
            been measured yet.
        log_every: steps per row of the history.
        checkpoint_every_seconds: least time between two checkpoints, in seconds; longer where the
            disk is slow. 0 saves after every chunk of samples, whatever it takes.

    Raises:
        InputError: a value out of range or an unknown name.
    """

    steps: int
    batch_size: int
    hidden: tuple[int, ...] = (128, 128, 128)
    slope: float = 0.01
    learning_rate: float = 1e-2
    schedule: Schedule = "warmup_cosine"
    warmup: float = 0.02
    target_decay: float = 0.99
    precision: Precision = "float32"
    cuda_graph: bool = False
    log_every: int = 20
    checkpoint_every_seconds: float = 5.0

    def __post_init__(self) -> None:
        in_range("steps", self.steps, at_least=1)
        in_range("batch_size", self.batch_size, at_least=2)
        in_range("learning_rate", self.learning_rate, above=0)
        in_range("warmup", self.warmup, at_least=0, at_most=1)
        in_range("target_decay", self.target_decay, at_least=0, at_most=1)
        in_range("log_every", self.log_every, at_least=1)
        one_of("schedule", self.schedule, get_args(Schedule))
        one_of("precision", self.precision, get_args(Precision))
        object.__setattr__(self, "hidden", tuple(self.hidden))

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of step `step`, counted from 0."""
        return scheduled(
            self.schedule, step, base=self.learning_rate, total=self.steps, warmup=self.warmup
        )
