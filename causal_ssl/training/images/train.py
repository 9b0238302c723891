"""Training an image encoder, from a run as a value to a file.

    config = ImageTraining(steps=2000, batch_size=128, encoder=EncoderConfig("conv4"))
    trained = train_images(ImageRun(config, dataset, views, out=Path("runs/x"), seed=0))
    features(trained.encoder, test_images).final          # (n, 8)

Call it again after an interruption, a kill included, with the same values: it continues from the
last checkpoint and ends, on a CPU with as many threads, bit for bit where it would have ended.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.models.weights.runs import ENCODER, encoder_of, read_encoder
from causal_ssl.training.checkpoint import check_same_run
from causal_ssl.training.images.checkpoints import RUN
from causal_ssl.training.images.metrics import METRICS, TIMING, read_metrics
from causal_ssl.training.images.progress import ImageProgress, progress_shown
from causal_ssl.training.images.run import ImageRun


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
    run: ImageRun, *, on_progress: Callable[[ImageProgress], None] | None = None
) -> TrainedImages:
    """Train one encoder, or continue to.

    Args:
        run: what to train, how, on what and where.
        on_progress: called after every step (in one of the processes), what it raises ends the
            training. None: a bar.

    Returns:
        The encoder and its logs; at once if the run is finished already.

    Raises:
        InputError: something missing, or another run in the directory (the message names what
            differs; nothing is overwritten).
        NonFiniteError: a loss or the gradient is no longer finite; names metric, step, the first
            parameter whose gradient it is, and the last good checkpoint.
        LostProcessError: of several processes one is gone; names the last good checkpoint.
        KeyboardInterrupt: after Ctrl-C or SIGTERM, once the step is over and saved.
    """
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
