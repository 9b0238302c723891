"""Loggers beside the CSV files: what they miss is their loss, never the training's."""

import json
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger

from causal_ssl.randomness import derived_seed
from causal_ssl.training.checkpoint import Identity


class ExtraLoggers:
    """Passes metrics on to TensorBoard and Weights & Biases.

    One that is not installed, does not start or fails later is reported once, as a warning, and
    gets nothing more. Training and its CSV files do not depend on any.

    Args:
        makers: name -> what makes the logger.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Logger]]) -> None:
        self._loggers: dict[str, Logger] = {}
        for name, make in makers.items():
            self._attempt(name, self._start, name, make)

    def write(self, values: Mapping[str, float], step: int) -> None:
        """The values after `step` steps."""
        for name, logger in list(self._loggers.items()):
            self._attempt(name, logger.log_metrics, dict(values), step)

    def close(self, status: Literal["success", "failed"]) -> None:
        """Flush, and let go of what the loggers hold."""
        for name, logger in list(self._loggers.items()):
            self._attempt(name, _close, logger, status)

    def _start(self, name: str, make: Callable[[], Logger]) -> None:
        self._loggers[name] = make()

    def _attempt(self, name: str, action: Callable[..., None], *arguments: Any) -> None:
        try:
            action(*arguments)
        except Exception as error:  # whatever a service or a package of others may raise
            self._loggers.pop(name, None)
            warnings.warn(
                f"no more logs to {name}, {type(error).__name__}: {error}. Training goes on, "
                "metrics.csv has everything",
                stacklevel=3,
            )


def _close(logger: Logger, status: str) -> None:
    logger.finalize(status)
    if isinstance(logger, WandbLogger):  # or the process's next run would go on in this one
        logger.experiment.finish(exit_code=0 if status == "success" else 1)


def tensorboard(out: Path, start: int) -> Logger:
    """Event files in out/tensorboard, which go on after step `start`."""
    return TensorBoardLogger(out, "", "tensorboard", purge_step=start + 1)


def wandb(out: Path, identity: Identity) -> Logger:
    """A run of the project causal-ssl (or WANDB_PROJECT), the same one after every interruption."""
    key = derived_seed(str(out.resolve()), json.dumps(identity, sort_keys=True))
    project = os.environ.get("WANDB_PROJECT", "causal-ssl")
    return WandbLogger(out.name, out, id=f"{key:016x}", project=project, config=identity)
