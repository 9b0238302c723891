"""A training run as one value, checked before any work starts, and what tells it from another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from causal_ssl.errors import InputError, in_range, one_of
from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.randomness import generator_for
from causal_ssl.training.checkpoint import Identity, describe
from causal_ssl.training.device import device_of
from causal_ssl.training.images.batches import StepBatches, read
from causal_ssl.training.images.config import ImageTraining
from causal_ssl.training.images.launch import Launch, launch_of
from causal_ssl.training.images.start import Start

Views = Callable[[Any, torch.Generator], tuple[Sequence[Tensor], Any]]
"""Makes the views of a batch: (batch on the device, generator on the CPU) -> (views, record).

Tensors (n, 3, h, w), as many as the objective takes, uint8 or floats in [0, 1], row i of each from
sample i; the record says what was drawn.
"""

Labels = Callable[[Any], Tensor]
"""The groups of a batch's samples, (n,) integers."""

Evaluate = Callable[[ImageEncoder], Mapping[str, float]]
"""Scores an encoder in eval mode: name -> value."""


LOGGERS = ("tensorboard", "wandb")


@dataclass(frozen=True)
class ImageRun:
    """What to train, how, on what and where; made before any work starts.

    Args:
        config: see `ImageTraining`.
        dataset: see `batches.StepBatches`.
        views: (batch, generator) -> (views, record): tensors (n, 3, h, w), as many as the objective
            takes, uint8 or floats in [0, 1], row i of each from sample i. The batch is on the
            device, the generator on the CPU, so that views do not depend on the device; everything
            random comes from it, and it from (seed, step, micro-batch, rank). In a checkpoint a
            dataclass is known by its fields, a function by its name: use a dataclass where views
            have options.
        out: the run's directory.
        seed: of weights, order and views.
        groups: batch -> (n,) integers, iff the objective takes groups.
        start: the trunk's weights at the beginning; None: fresh ones.
        evaluate: encoder, in eval mode -> {name: value}, every `config.evaluate_every` steps and
            at the end; in one process, while the others wait, at most half an hour.
        device: "auto" (CUDA if there is any), "cuda" or "cpu".
        devices, nodes: processes on each node, and nodes. Started by `torchrun` or `srun`, as many
            as those have started. Batch norm is over all of them on CUDA, over each alone on CPUs.
        workers: processes that read the data, for each device.
        loggers: that get the metrics too: "tensorboard" (in out/tensorboard), "wandb" (Weights &
            Biases). Where one is not installed or fails, training goes on without.

    Raises:
        InputError: a value out of range, or what does not fit together.
    """

    config: ImageTraining
    dataset: Any
    views: Views
    _: KW_ONLY
    out: Path
    seed: int
    groups: Labels | None = None
    start: Start | None = None
    evaluate: Evaluate | None = None
    device: str = "auto"
    devices: int = 1
    nodes: int = 1
    workers: int = 0
    loggers: tuple[str, ...] = ("tensorboard",)

    def __post_init__(self) -> None:
        for name in self.loggers:
            one_of("logger", name, LOGGERS)
        in_range("workers", self.workers, at_least=0)
        self.batches(rank=0)
        if self.start is not None:
            self.start.check(self.config.encoder)
        self._check_device()
        self._check_groups()

    @property
    def accelerator(self) -> str:
        """ "cuda" or "cpu"."""
        return device_of(self.device)

    @cached_property
    def launch(self) -> Launch:
        """The processes that train together."""
        return launch_of(self.devices, self.nodes)

    def batches(self, rank: int) -> StepBatches:
        """The batches of one process."""
        return StepBatches(
            self.dataset,
            batch_size=self.config.batch_size,
            seed=self.seed,
            rank=rank,
            ranks=self.launch.ranks,
            accumulate=self.config.accumulate,
        )

    @cached_property
    def identity(self) -> Identity:
        """Everything that the course of the run depends on, the data by three samples."""
        settings = asdict(self.config)
        del settings["checkpoint_every"]  # when it is saved, not what is trained
        samples = np.unique(np.linspace(0, len(self.dataset) - 1, 3).astype(np.int64))
        return {
            "config": describe(settings),
            "objective": describe(self.config.make_objective()),
            "samples": len(self.dataset),
            "data": describe(read(self.dataset, samples, generator_for("identity"))),
            "views": describe(self.views),
            "groups": describe(self.groups),
            "seed": self.seed,
            "accelerator": self.accelerator,
            "ranks": self.launch.ranks,
            **({} if self.start is None else {"start": self.start.describe()}),
        }

    def require_parts(self) -> None:
        """Refuse to start without the optional packages that training needs.

        Raises:
            InputError: says what to install.
        """
        needs_timm = self.config.optimiser.name == "lars"
        for part in ("lightning", "timm") if needs_timm else ("lightning",):
            if find_spec(part) is None:
                raise InputError(
                    f"training image encoders needs {part}: pip install 'causal-ssl[images]'"
                )

    def _check_device(self) -> None:
        devices = self.launch.devices
        if self.accelerator == "cuda" and torch.cuda.device_count() < devices:
            raise InputError(
                f"device cuda, {devices} devices: torch sees {torch.cuda.device_count()} "
                "(see `causal-ssl doctor`)"
            )
        if self.accelerator == "cpu" and self.config.precision == "tf32":
            raise InputError("precision 'tf32' on cpu: it exists on CUDA, use 'float32'")

    def _check_groups(self) -> None:
        name, takes = self.config.method, self.config.make_objective().takes_groups
        if takes and self.groups is None:
            raise InputError(f"{name} learns from groups of samples: give groups")
        if self.groups is not None and not takes:
            raise InputError(f"{name} looks at no groups of samples: leave groups out")
