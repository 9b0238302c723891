"""The beginning of a run with a watch: a few steps of it, and a few of its probes."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from causal_ssl.datasets.images import Images
from causal_ssl.datasets.images.centres import centres
from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.experiments.pretraining.monitor import Monitor
from causal_ssl.experiments.pretraining.plan import Plan, images_per_device, on_cuda
from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.training.device import device_of
from causal_ssl.training.images import ImageRun, ImageTraining, TrainedImages, train_images

STEPS = 4
"""The first is warming up: three are measured."""
CPU_BATCH = 8
"""Images of a step on a CPU; in float32, because most CPUs emulate bfloat16."""
PROBED = {"cpu": (4, 32), "cuda": (32, 512)}
"""Images that probes are fitted on, and as many that they are scored on: few, and not so few."""


@dataclass(frozen=True)
class Probing:
    """What a round of probes takes.

    Attributes:
        start_seconds: whatever the number of images: processes that read begin and end.
        image_seconds: for each image, fitted or scored on. The fit's own share grows faster than
            the images where they are many.
    """

    start_seconds: float
    image_seconds: float

    def seconds(self, n_images: int) -> float:
        """Of a round on so many images.

        Examples:
            >>> Probing(2.0, 0.5).seconds(10)
            7.0
        """
        return self.start_seconds + self.image_seconds * n_images


@dataclass(frozen=True)
class Measured:
    """What the steps of a dry run showed.

    Attributes:
        batch: images of each.
        step_seconds: median.
        data_share: of it, waiting for data.
        checkpoint_bytes: of one.
        peak_bytes: of the GPU's memory; None on a CPU.
        probing: None: the run has no probes.
    """

    batch: int
    step_seconds: float
    data_share: float
    checkpoint_bytes: int
    peak_bytes: int | None
    probing: Probing | None


def measure(plan: Plan, asked: Pretraining, images: Images) -> Measured:
    """A few steps of the run and a few of its probes, in a folder that is removed again."""
    training, found = _shortened(plan, asked, images), list[Probing]()

    def evaluate(encoder: ImageEncoder) -> dict[str, float]:
        found.append(_probing(encoder, asked, images))
        return {}

    with tempfile.TemporaryDirectory() as folder:
        if on_cuda(asked):
            torch.cuda.reset_peak_memory_stats()
        run = ImageRun(
            training,
            images,
            plan.views,
            out=Path(folder),
            seed=asked.seed,
            groups=plan.groups,
            evaluate=evaluate if asked.monitor_images else None,
            device=asked.device,
            workers=asked.workers,
            loggers=(),
        )
        trained = train_images(run, on_progress=lambda _: None)
        sizes = [path.stat().st_size for path in Path(folder).glob("checkpoints/*.ckpt")]
    peak = torch.cuda.max_memory_allocated() if on_cuda(asked) else None
    seconds, share = (_median(trained, name) for name in ("step_seconds", "data_share"))
    probing = found[0] if found else None
    return Measured(training.batch_size, seconds, share, max(sizes), peak, probing)


def _shortened(plan: Plan, asked: Pretraining, images: Images) -> ImageTraining:
    batch, precision = min(images_per_device(plan, asked), len(images)), plan.training.precision
    if not on_cuda(asked):
        batch, precision = min(batch, CPU_BATCH), "float32"
    return replace(
        plan.training,
        steps=STEPS,
        batch_size=batch,
        accumulate=1,
        precision=precision,
        compile=False,
        log_every=1,
        checkpoint_every=STEPS,
        evaluate_every=0,
    )


def _median(trained: TrainedImages, name: str) -> float:
    timing = trained.timing
    return float(timing.loc[timing.metric == name, "value"].median())


def _probing(encoder: ImageEncoder, asked: Pretraining, images: Images) -> Probing:
    """On training images alone: a few of a set need no validation images beside them."""

    def probes(n: int) -> Monitor:
        some = centres(images, n, size=asked.size, seed=0)
        return Monitor(some, some, alarm=lambda _: None, workers=asked.workers)

    few, more = (min(n, len(images)) for n in PROBED[device_of(asked.device)])
    return probing_of(probes, encoder, few=few, more=more)


def probing_of(
    probes: Callable[[int], Callable[[ImageEncoder], Any]],
    encoder: ImageEncoder,
    *,
    few: int,
    more: int,
) -> Probing:
    """What probes take, from a round on few images and one on more, after one that warms up.

    Args:
        probes: of a number of images, fitted on as many and scored on as many.
        encoder: that is probed.
        few, more: numbers of images; if there are no more, all time is taken to be the images'.
    """
    _seconds(probes(few), encoder)
    first, second = (_seconds(probes(n), encoder) for n in (few, more))
    if more == few:
        return Probing(0.0, second / (2 * more))
    each = max(0.0, second - first) / (2 * (more - few))
    return Probing(max(0.0, first - each * 2 * few), each)


def _seconds(call: Callable[[ImageEncoder], Any], encoder: ImageEncoder) -> float:
    started = time.perf_counter()
    call(encoder)
    return time.perf_counter() - started
