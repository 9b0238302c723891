"""How an image encoder is trained, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from causal_ssl import methods
from causal_ssl.errors import InputError, in_range, one_of
from causal_ssl.methods import Optimiser
from causal_ssl.methods.recipe import TargetSchedule
from causal_ssl.models.ema import ema_decay
from causal_ssl.models.heads import Head
from causal_ssl.models.image_encoders import EncoderConfig
from causal_ssl.objectives import Objective
from causal_ssl.training.schedule import Schedule, scheduled
from causal_ssl.training.step import Precision


@dataclass(frozen=True)
class ImageTraining:
    """How an image encoder is trained.

    The paper's for Causal3DIdent is steps=200_000, batch_size=512, an encoder with the set's
    channel mean and std, the defaults of the rest, and for InfoNCE the objective
    {"similarity": "cosine", "tau": 1.0}.

    Args:
        steps: optimiser steps of the whole run.
        batch_size: samples per step, over all processes and micro-batches together.
        method: of the registry.
        objective: the objective's arguments where they differ from the method's own.
        encoder: which encoder.
        predictor: on top of the encoder's output, online alone: objectives then compare what it
            predicts, (n, n_outputs), to the target network's outputs (BYOL). None: there is none.
        optimiser: its learning rate is for a step on the whole `batch_size`, whatever `accumulate`
            is.
        schedule: "constant", or "warmup_cosine" (linear warm-up, half a cosine to 0).
        warmup: share of the steps with a rising rate, under "warmup_cosine".
        target_decay: at the start, of the target network's moving average.
        target_schedule: "cosine", it rises to 1 (BYOL, ReLIC), or "constant" (MoCo).
        accumulate: micro-batches that a step's batch is split into, for memory's sake; the step
            takes the mean of their gradients. A sample's contrast set is then its micro-batch, over
            all processes: batch_size / accumulate samples. Batch norm sees one micro-batch at a
            time. An objective that moves a multiplier moves it with each.
        queue: past outputs, as many, that serve as the objective's `negatives` (MoCo); needs an
            objective that takes them.
        precision: "float32"; "tf32" (CUDA: products and convolutions); "bf16": the encoder by
            autocast, the objective in float32.
        compile: the encoder by `torch.compile`, which takes minutes at the start.
        log_every: steps per row of the logs, and between looks for losses that are not finite.
        checkpoint_every: steps between checkpoints; there is also one at the end.
        evaluate_every: steps between evaluations, if training is given one; 0: at the end alone.

    Raises:
        InputError: a value out of range, an unknown name, or options that do not fit each other.

    Examples:
        >>> ImageTraining(steps=100, batch_size=32, method="relic_t", objective={"tau": 0.1}).steps
        100
    """

    steps: int
    batch_size: int
    method: str = "infonce"
    objective: Mapping[str, Any] = field(default_factory=dict)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    predictor: Head | None = None
    optimiser: Optimiser = field(default_factory=lambda: Optimiser("adam", 1e-4))
    schedule: Schedule = "constant"
    warmup: float = 0.02
    target_decay: float = 0.996
    target_schedule: TargetSchedule = "cosine"
    accumulate: int = 1
    queue: int = 0
    precision: Precision = "float32"
    compile: bool = False
    log_every: int = 50
    checkpoint_every: int = 1000
    evaluate_every: int = 0

    def __post_init__(self) -> None:
        in_range("steps", self.steps, at_least=1)
        in_range("accumulate", self.accumulate, at_least=1)
        in_range("batch_size", self.batch_size, at_least=2)
        in_range("warmup", self.warmup, at_least=0, at_most=1)
        in_range("target_decay", self.target_decay, at_least=0, at_most=1)
        in_range("queue", self.queue, at_least=0)
        in_range("log_every", self.log_every, at_least=1)
        in_range("checkpoint_every", self.checkpoint_every, at_least=1)
        in_range("evaluate_every", self.evaluate_every, at_least=0)
        one_of("schedule", self.schedule, get_args(Schedule))
        one_of("target_schedule", self.target_schedule, get_args(TargetSchedule))
        one_of("precision", self.precision, get_args(Precision))
        self._check_fit()

    def _check_fit(self) -> None:
        if self.batch_size < 2 * self.accumulate:
            raise InputError(
                f"batch_size {self.batch_size} in {self.accumulate} micro-batches: each needs 2 "
                f"samples, give at least {2 * self.accumulate}, or fewer micro-batches"
            )
        objective = self.make_objective()
        if objective.needs_target and not methods.get(self.method).target:
            raise InputError(
                f"{self.method} has no target network, and its objective collapses without: use a "
                "method that has one"
            )
        takes_negatives = objective.takes_negatives
        if takes_negatives and not self.queue:
            raise InputError(
                f"{self.method} with a batch of negatives of its own: image training draws none, "
                "give it a queue of past outputs (queue=...) or use negatives='second_view'"
            )
        if self.queue and not takes_negatives:
            raise InputError(
                f"queue = {self.queue}, but {self.method} takes no negatives: use "
                "negatives='separate', or leave the queue out"
            )

    def make_objective(self) -> Objective:
        """A fresh objective."""
        return methods.get(self.method).objective(**self.objective)

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of step `step`, counted from 0."""
        peak = self.optimiser.learning_rate
        return scheduled(self.schedule, step, base=peak, total=self.steps, warmup=self.warmup)

    def target_decay_at(self, step: int) -> float:
        """The decay of the target network's moving average after `step` optimiser steps."""
        if self.target_schedule == "constant":
            return self.target_decay
        return ema_decay(step, total=self.steps, start=self.target_decay)
