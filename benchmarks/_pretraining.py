"""Pretraining as `causal-ssl pretrain` does it, timed: on files, or on images on the device."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _device import peak_gigabytes, reset_peak

from causal_ssl.experiments.pretraining.plan import Plan, asked_for, make_plan
from causal_ssl.training.images import ImageRun, train_images


def working_size(options: Any) -> int:
    """What images are read at: 256 for views of 224."""
    return options.size * 8 // 7


def plan_of(method: str, images: Any, options: Any, *, rows: int) -> Plan:
    """The run of the method's recipe on one device, a row of the log for each turn."""
    steps = rows * options.steps
    asked = asked_for(
        method,
        "imagenet-resnet50-1gpu",
        encoder=options.encoder,
        size=options.size,
        working_size=working_size(options),
        batch_size=options.batch,
        steps=steps,
        warmup_epochs=0,
        precision=options.precision,
        compile=options.compile,
        device=options.device,
        devices=1,
        workers=options.workers,
        log_every=options.steps,
        checkpoint_every=steps,
        monitor_every=0,
        monitor_images=0,
    )
    return make_plan(method, asked, n_images=len(images), n_classes=len(images.classes))


def train(
    plan: Plan,
    dataset: Any,
    views: Any,
    out: Path,
    options: Any,
    *,
    workers: int,
    between: Callable[[], None] = lambda: None,
) -> dict[str, list[float]]:
    """Metric -> rows of the trainer's own timing, beside the peak of memory of each row.

    Args:
        plan: of the run.
        dataset, views: see `ImageRun`.
        out: the run's folder.
        workers: that read the data set.
        between: called after each row, while the trainer's clock stands still.
    """
    peaks: list[float] = []

    def on_progress(progress: Any) -> None:
        if progress.step % options.steps == 0:
            peaks.append(peak_gigabytes(options.device))
            between()
            reset_peak(options.device)

    run = ImageRun(
        plan.training,
        dataset,
        views,
        out=out,
        seed=0,
        groups=plan.groups,
        device=options.device,
        workers=workers,
        loggers=(),
    )
    reset_peak(options.device)
    timing = train_images(run, on_progress=on_progress).timing
    rows = {name: part["value"].tolist() for name, part in timing.groupby("metric")}
    shutil.rmtree(out)  # a checkpoint, and the encoder
    return {**rows, "peak_gigabytes": peaks}


class OnDevice:
    """A data set of which a few batches lie on the device: a step is given which one it looks at.

    Args:
        images: a data set.
        options: the batch's size, and the device.
    """

    def __init__(self, images: Any, options: Any) -> None:
        self.size, n = options.batch, min(4, len(images) // options.batch)
        order = np.random.default_rng(0).permutation(len(images))[: n * self.size]
        batches = [images.batch(rows) for rows in order.reshape(n, self.size)]
        # Parameters of views are drawn on the CPU, where the aspects belong.
        self.parts = [(batch["image"].to(options.device), batch["aspect"]) for batch in batches]

    def __len__(self) -> int:
        return len(self.parts) * self.size

    def batch(self, indices: Any, generator: Any) -> dict[str, int]:
        """What the trainer is given for a batch."""
        return {"part": int(indices[0]) // self.size}

    def views(self, stack: Any, batch: dict[str, int], generator: Any) -> Any:
        """Views of it and their record; see `ImageRun`."""
        images, aspect = self.parts[batch["part"]]
        return stack(images, generator=generator, aspect=aspect)
