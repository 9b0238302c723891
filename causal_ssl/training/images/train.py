"""Training an image encoder, from a config to a file.

    config = ImageTraining(steps=2000, batch_size=128, encoder=EncoderConfig("conv4"))
    trained = train_images(config, dataset, views, out=Path("runs/x"), seed=0)
    features(trained.encoder, test_images).final          # (n, 8)

Call it again after an interruption, a kill included, with the same arguments: it continues from the
last checkpoint and ends, on a CPU with as many threads, bit for bit where it would have ended.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.training.checkpoint import check_same_run
from causal_ssl.training.images.checkpoints import RUN
from causal_ssl.training.images.config import ImageTraining
from causal_ssl.training.images.encoder_file import ENCODER, encoder_of, read_encoder
from causal_ssl.training.images.metrics import METRICS, TIMING, read_metrics
from causal_ssl.training.images.progress import ImageProgress, progress_shown
from causal_ssl.training.images.run import Evaluate, ImageRun, Labels, Views


@dataclass(frozen=True)
class TrainedImages:
    """What training leaves.

    Attributes:
        encoder: on the CPU, in eval mode; also in encoder.pt, for `load_encoder`.
        metrics: columns step (done), metric, value: means of the objective's terms and of the
            gradient's norm over the steps since the row before, the learning rate, and what was
            evaluated; also in metrics.csv.
        timing: the same for images_per_second, step_seconds, data_seconds and data_share; also in
            timing.csv.
    """

    encoder: ImageEncoder
    metrics: pd.DataFrame
    timing: pd.DataFrame


def train_images(
    config: ImageTraining,
    dataset: Any,
    views: Views,
    *,
    out: Path | str,
    seed: int,
    groups: Labels | None = None,
    evaluate: Evaluate | None = None,
    device: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    workers: int = 0,
    loggers: Sequence[str] = ("tensorboard",),
    on_progress: Callable[[ImageProgress], None] | None = None,
) -> TrainedImages:
    """Train one encoder, or continue to.

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
        evaluate: encoder, in eval mode -> {name: value}, every `config.evaluate_every` steps and
            at the end; in one process, while the others wait, at most half an hour.
        device: "auto" (CUDA if there is any), "cuda" or "cpu".
        devices, nodes: processes on each node, and nodes. Started by `torchrun` or `srun`, as many
            as those have started. Batch norm is over all of them on CUDA, over each alone on CPUs.
        workers: processes that read the data, for each device.
        loggers: that get the metrics too: "tensorboard" (in out/tensorboard), "wandb" (Weights &
            Biases). Where one is not installed or fails, training goes on without.
        on_progress: called after every step (in one of the processes), what it raises ends the
            training. None: a bar.

    Returns:
        The encoder and its logs; at once if the run is finished already.

    Raises:
        InputError: what does not fit together, something missing, or another run in `out` (the
            message names what differs; nothing is overwritten).
        NonFiniteError: a loss or the gradient is no longer finite; names metric, step, the first
            parameter whose gradient it is, and the last good checkpoint.
        LostProcessError: of several processes one is gone; names the last good checkpoint.
        KeyboardInterrupt: after Ctrl-C or SIGTERM, once the step is over and saved.
    """
    run = ImageRun(
        config,
        dataset,
        views,
        Path(out),
        seed,
        groups=groups,
        evaluate=evaluate,
        device=device,
        devices=devices,
        nodes=nodes,
        workers=workers,
        loggers=tuple(loggers),
    )
    if not (run.out / ENCODER).exists():
        _train(run, on_progress)
    return _finished(run)


def _train(run: ImageRun, on_progress: Callable[[ImageProgress], None] | None) -> None:
    run.require_parts()
    from causal_ssl.training.images.fit import fit  # Lightning takes seconds to import

    if on_progress is not None:
        fit(run, on_progress)
        return
    with progress_shown(run.config.method) as shown:
        fit(run, shown)


def _finished(run: ImageRun) -> TrainedImages:
    state = read_encoder(run.out / ENCODER)
    check_same_run(state[RUN]["identity"], run.identity, run.out / ENCODER)
    metrics, timing = (read_metrics(run.out / name) for name in (METRICS, TIMING))
    return TrainedImages(encoder_of(state), metrics, timing)
