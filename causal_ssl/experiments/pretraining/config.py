"""What `causal-ssl pretrain METHOD` may be told; what is left out is the method's recipe.

No torch here: help must not wait for it.
"""

from dataclasses import dataclass

from causal_ssl.errors import InputError
from causal_ssl.experiments.options import check, option

ENCODERS = ("resnet50", "resnet18", "conv4")
OPTIMISERS = ("adam", "sgd", "nesterov", "lars")
STEMS = ("7x7", "3x3")
POSITIVES = ("instance", "group_mass", "group_mean_log")
MOMENTS = ("imagenet", "causal3dident", "fashion_mnist")
LOGGERS = ("tensorboard", "wandb", "none")
SIMILARITIES = "cosine, inner, neg_squared_l2"
"""Names for help alone; tests hold them to what there is."""


@dataclass(frozen=True)
class Pretraining:
    """How an encoder is pretrained; None leaves a value to the method's recipe.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> Pretraining(data_root="imagenet", batch_size=1024).critic is None
        True
    """

    data_root: str = option("", "folder of the images: train/CLASS/*.jpg, a packed store, ...")
    subset: str = option("", "file that lists the training images to use; empty: all")
    on_corrupt: str = option(
        "error",
        "an image that cannot be read; skip: those that `data check` listed",
        choices=("error", "skip"),
    )

    encoder: str = option("resnet50", "network to train", choices=ENCODERS)
    stem: str | None = option(
        None, "of a ResNet: 7x7, or 3x3 for images below about 64 px", choices=STEMS
    )
    critic: str | None = option(None, "widths of the critic's layers, such as 2048-128")
    predictor: str | None = option(None, "the same of the predictor, its last the critic's")

    moments: str = option(
        "imagenet", "channel means and deviations to standardise by", choices=MOMENTS
    )
    size: int = option(224, "pixels a side of the views", at_least=16)
    working_size: int = option(256, "pixels a side that images are read at", at_least=16)
    views: str | None = option(None, "stack of augmentations that makes the views")

    similarity: str | None = option(None, f"compares outputs: {SIMILARITIES}")
    tau: float | None = option(None, "temperature", above=0)
    alpha: float | None = option(None, "weight of ReLIC's invariance term", at_least=0)
    positives: str | None = option(
        None, "right answers: the instance, or groups, the images' classes", choices=POSITIVES
    )

    epochs: float | None = option(None, "passes over the images", above=0)
    steps: int | None = option(None, "optimiser steps, in place of epochs", at_least=1)
    batch_size: int | None = option(
        None, "images of an optimiser step, over all devices and micro-batches", at_least=2
    )
    accumulate: int = option(1, "micro-batches of a step; contrast is within each", at_least=1)
    optimiser: str | None = option(None, "what takes the steps", choices=OPTIMISERS)
    learning_rate: float | None = option(None, "its peak, as it is used", above=0)
    weight_decay: float | None = option(None, "of weights", at_least=0)
    warmup_epochs: float | None = option(None, "with a rising learning rate", at_least=0)
    target_decay: float | None = option(
        None, "of the target's moving average, at the start", at_least=0, at_most=1
    )
    queue: int | None = option(None, "past outputs that MoCo contrasts with", at_least=1)

    seed: int = option(0, "of weights, order and views", at_least=0)
    precision: str = option(
        "float32", "arithmetic of the encoder", choices=("float32", "tf32", "bf16")
    )
    compile: bool = option(False, "compile the encoder, which takes a minute or two")
    device: str = option("auto", "where to train", choices=("auto", "cpu", "cuda"))
    devices: int = option(
        0, "processes a machine; 0: one per GPU; torchrun and Slurm say it themselves", at_least=0
    )
    nodes: int = option(1, "machines; torchrun and Slurm say it themselves", at_least=1)
    workers: int = option(2, "processes that read images, for each device", at_least=0)
    log_every: int = option(50, "steps per row of the logs", at_least=1)
    loggers: tuple[str, ...] = option(
        ("tensorboard",),
        "what gets the logs beside the CSV files; wandb: Weights & Biases",
        choices=LOGGERS,
        singular="logger",
    )
    checkpoint_every: int = option(1000, "steps between checkpoints", at_least=1)
    monitor_every: int = option(0, "steps between probes; 0: at the end alone", at_least=0)
    monitor_images: int = option(
        5000, "training and test images that probes are fitted and scored on; 0: none", at_least=0
    )

    def __post_init__(self) -> None:
        check(self)
        if self.size > self.working_size:
            raise InputError(
                f"views of size = {self.size} pixels from images read at working_size = "
                f"{self.working_size}: choose size smaller or working_size larger"
            )
        if self.steps is not None and self.epochs is not None:
            raise InputError(f"steps = {self.steps} and epochs = {self.epochs}: give one of them")
        if "none" in self.loggers and len(self.loggers) > 1:
            raise InputError(f"loggers {' '.join(self.loggers)}: give none alone, or leave it out")
