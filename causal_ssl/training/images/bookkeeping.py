"""What happens between two steps: logs, evaluation, checkpoint, and stopping when asked to."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import torch
from lightning.pytorch import Callback, Trainer

from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.training.images.checkpoints import Checkpoints
from causal_ssl.training.images.clock import StepClock
from causal_ssl.training.images.interrupts import StopRequest
from causal_ssl.training.images.loggers import ExtraLoggers
from causal_ssl.training.images.metrics import METRICS, TIMING, MetricFile, NonFiniteError, Window
from causal_ssl.training.images.module import ImageModule
from causal_ssl.training.images.progress import ImageProgress
from causal_ssl.training.images.run import ImageRun


class Bookkeeping(Callback):
    """Between two steps, in this order: log, evaluate, save, report, stop.

    The order matters: a checkpoint comes after everything that was to happen at its step, so a run
    that continues from it has nothing to catch up with.

    Args:
        run: whose directory gets metrics.csv, what the numbers alone decide, the same after any
            interruption; and timing.csv, what the clock says.
        checkpoints: where they go.
        stop: asked to stop.
        loggers: makes what gets the same numbers, called in one of the processes.
        start: the step to continue from.
        on_progress: called after every step, in one of the processes.
    """

    def __init__(
        self,
        run: ImageRun,
        checkpoints: Checkpoints,
        stop: StopRequest,
        loggers: Callable[[], ExtraLoggers],
        *,
        start: int,
        on_progress: Callable[[ImageProgress], None],
    ) -> None:
        self.run, self.config = run, run.config
        self.checkpoints = checkpoints
        self.stop = stop
        self.loggers: ExtraLoggers | None = None
        self.start = start
        self.window = Window()
        self.clock = StepClock()
        self._make_loggers = loggers
        self._on_progress = on_progress
        self._progress = ImageProgress(start, run.config.steps)

    def state_dict(self) -> dict[str, Any]:
        return {"window": self.window.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.window.load_state_dict(state_dict["window"])

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        if trainer.is_global_zero:
            self.metrics = MetricFile(self.run.out / METRICS, step=self.start)
            self.timing = MetricFile(self.run.out / TIMING, step=self.start)
            self.loggers = self._make_loggers()
        self.stop.claim()  # Lightning's own handler of SIGTERM would stop without saving
        self.clock.restart()

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        self._close("success")

    def on_exception(self, trainer: Trainer, pl_module: Any, exception: BaseException) -> None:
        self._close("failed")

    def _close(self, status: Literal["success", "failed"]) -> None:
        if self.loggers is not None:
            self.loggers.close(status)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        self.clock.data_ready()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if (batch_idx + 1) % self.config.accumulate:
            self.clock.part_done()
        else:
            self._step_done(trainer, pl_module)

    def _step_done(self, trainer: Trainer, module: ImageModule) -> None:
        step, first = trainer.global_step, trainer.global_step == self.start + 1
        self.window.add(module.recorded)
        row = self._due(step, self.config.log_every)
        means = self._means(step, module) if row else {}
        self.clock.step_done()
        if first:
            self.clock.discard()
        if row:
            self._log_row(trainer, step, means)
        if self._due(step, self.config.evaluate_every):
            self._evaluate(trainer, module.encoder, step)
        stop = self._asked_to_stop(trainer, row)
        if self._due(step, self.config.checkpoint_every) or stop:
            self._save(trainer, step, module)
        if trainer.is_global_zero:
            self._on_progress(replace(self._progress, step=step))
        trainer.should_stop |= stop
        self.clock.restart()

    def _due(self, step: int, every: int) -> bool:
        return step == self.config.steps or (every > 0 and step % every == 0)

    def _means(self, step: int, module: ImageModule) -> dict[str, float]:
        self._check_finite(step, module)
        return self.window.means()

    def _log_row(self, trainer: Trainer, step: int, means: dict[str, float]) -> None:
        rate = {"learning_rate": self.config.learning_rate_at(step - 1)}
        timing = self.clock.read(samples=self.config.batch_size)
        self._progress = ImageProgress(
            step, self.config.steps, means["loss"], timing.get("images_per_second")
        )
        self._write(trainer, "metrics", step, means | rate)
        self._write(trainer, "timing", step, timing)

    def _write(self, trainer: Trainer, name: str, step: int, values: Mapping[str, float]) -> None:
        if not trainer.is_global_zero or not values:
            return
        getattr(self, name).append(step, values)
        if self.loggers is not None:
            self.loggers.write({f"{name}/{key}": value for key, value in values.items()}, step)

    @torch.no_grad()
    def _evaluate(self, trainer: Trainer, encoder: ImageEncoder, step: int) -> None:
        if self.run.evaluate is None or not trainer.is_global_zero:
            return  # other processes wait for this one at the next step's first exchange
        encoder.eval()
        try:
            scores = self.run.evaluate(encoder)
        finally:
            encoder.train()
        self._write(trainer, "metrics", step, {k: float(value) for k, value in scores.items()})

    def _asked_to_stop(self, trainer: Trainer, row: bool) -> bool:
        if trainer.world_size == 1:
            return self.stop.asked
        # Processes stop together, and talk about it no more often than about losses.
        return row and trainer.strategy.reduce_boolean_decision(self.stop.asked, all=False)

    def _save(self, trainer: Trainer, step: int, module: ImageModule) -> None:
        self._check_finite(step, module)
        try:
            trainer.save_checkpoint(self.checkpoints.path(step), weights_only=False)
        except OSError as error:  # a full disk
            error.add_note(f"{self.checkpoints.kept()}: make room and repeat the same command")
            raise
        if trainer.is_global_zero:
            self.checkpoints.prune()

    def _check_finite(self, step: int, module: ImageModule) -> None:
        found = self.window.first_non_finite()
        if found is None:
            return
        row, names = found
        rate = self.config.optimiser.learning_rate
        remedy = f"{self.checkpoints.kept()}. A lower learning rate than {rate} may help"
        first = step - len(self.window) + row
        raise NonFiniteError(first, names, remedy, module.watch.suspect)
