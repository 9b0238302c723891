"""What `causal-ssl evaluate finetune` may be told."""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.config import OnSplits
from causal_ssl.experiments.options import option
from causal_ssl.experiments.pretraining.config import OPTIMISERS

PRECISIONS = ("float32", "tf32", "bf16")


@dataclass(frozen=True)
class Finetune(OnSplits):
    """The whole network trained on labelled images, from the encoder's weights.

    Batch norm is in training mode while it learns, in eval mode when it is scored. Of several
    learning rates and epochs one is chosen on held-out training images, and trained again on all.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> Finetune().rates, Finetune(head_rate=0.1).optimiser
        ((0.005, 0.01, 0.02, 0.05, 0.1), 'nesterov')
    """

    name: ClassVar[str] = "finetune"

    rates: tuple[float, ...] = option(
        (0.005, 0.01, 0.02, 0.05, 0.1), "learning rates to choose from", above=0, distinct=True
    )
    head_rate: float | None = option(
        None, "learning rate of the classifier; left out: that of the trunk", above=0
    )
    epochs: tuple[int, ...] = option(
        (30,), "passes to choose from, each a schedule of its own", at_least=1, distinct=True
    )
    batch_size: int = option(256, "images of an optimiser step", at_least=2)
    accumulate: int = option(1, "micro-batches of a step, to save memory", at_least=1)
    optimiser: str = option("nesterov", "what takes the steps", choices=OPTIMISERS)
    momentum: float = option(0.9, "of sgd, nesterov and lars", at_least=0, at_most=1)
    weight_decay: float = option(0.0, "of weights, not of biases and norms", at_least=0)
    schedule: str = option("cosine", "of the learning rate", choices=("cosine", "constant"))
    least_area: float = option(
        0.08, "least share of an image in a training crop", above=0, at_most=1
    )
    held_out: float = option(0.1, "share of the training images to choose on", above=0, at_most=0.5)
    seed: int = option(0, "of the held-out slice, the classifier, the order, the crops", at_least=0)
    precision: str = option("float32", "arithmetic of the network", choices=PRECISIONS)
    log_every: int = option(50, "steps per row of the logs", at_least=1)
    checkpoint_every: int = option(500, "steps between checkpoints", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.momentum == 1:
            raise InputError("--momentum must be below 1, got 1.0: no gradient would be forgotten")
