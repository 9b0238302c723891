"""A training run in progress: chunk by chunk, saved and resumed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from causal_ssl.datasets.content_style import ContentStyle
from causal_ssl.datasets.tasks import Task
from causal_ssl.methods import Method
from causal_ssl.models.ema import ema_decay
from causal_ssl.models.mlp import ReplicatedMLP
from causal_ssl.objectives import Objective
from causal_ssl.randomness import generator_for
from causal_ssl.training import checkpoint as checkpoints
from causal_ssl.training.config import NumericalTraining
from causal_ssl.training.cuda_graph import GraphedStep
from causal_ssl.training.history import History
from causal_ssl.training.identity import identity_of
from causal_ssl.training.step import TrainingStep
from causal_ssl.training.stream import ViewStream

# Checkpoints take at most this share of the time, however slow the disk.
_SAVING_SHARE = 0.05


@dataclass(frozen=True)
class Progress:
    """Where a training run is.

    Attributes:
        step: optimiser steps done.
        total: optimiser steps of the run.
        steps_per_second: since this call of `train` began.
        terms: the objective's terms at the last step, one value per replica.
    """

    step: int
    total: int
    steps_per_second: float
    terms: Mapping[str, tuple[float, ...]]


class DivergedError(RuntimeError):
    """A loss stopped being a finite number.

    Attributes:
        replica: index of the first replica it happened to.
        seed: its seed.
        step: the step (from 0) at which its loss was first not finite.
        terms: the terms that were not finite there.
    """

    def __init__(self, replica: int, seed: int, step: int, terms: list[str], remedy: str) -> None:
        super().__init__(
            f"replica {replica} (seed {seed}): {', '.join(terms)} not finite at step {step}. "
            f"{remedy}"
        )
        self.replica, self.seed, self.step, self.terms = replica, seed, step, terms


class TrainingRun:
    """A training run in progress: everything that a checkpoint holds, and how to go on."""

    def __init__(
        self,
        worlds: Sequence[ContentStyle],
        method: Method,
        objective: Objective,
        config: NumericalTraining,
        seeds: list[int],
        n_outputs: int,
        device: torch.device,
        checkpoint: Path | None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        self.config = config
        self.seeds = seeds
        self.checkpoint = checkpoint
        self.stream = ViewStream(
            worlds,
            seeds,
            batch_size=config.batch_size,
            negatives=objective.takes_negatives,
            tasks=tasks,
            device=device,
        )
        encoder = ReplicatedMLP(
            [worlds[0].mixing.dim, *config.hidden, n_outputs],
            replicas=len(worlds),
            slope=config.slope,
            output=method.output,
            generators=[generator_for(seed, "encoder") for seed in seeds],
        )
        self.training = TrainingStep(
            encoder.to(device),
            objective,
            batch_size=config.batch_size,
            target=method.target,
            precision=config.precision,
            capturable=config.cuda_graph,
        )
        self.history = History(every=config.log_every, total=config.steps)
        self.step = 0
        self.identity = identity_of(
            worlds, method, objective, self.stream, config, seeds, n_outputs, tasks
        )
        self._advance: Callable[..., Tensor] | None = None
        self._resume()
        self._began = self._saved = time.monotonic()
        self._first = self.step
        self._patience = config.checkpoint_every_seconds

    def chunk(self) -> np.ndarray:
        """Train to the end of the current chunk of samples; the terms (steps, terms, replicas)."""
        index, done = divmod(self.step, self.stream.steps_per_chunk)
        todo = slice(done, done + self.config.steps - self.step)
        all_views, all_groups = self.stream.chunk_and_groups(index)
        views = all_views[todo]
        groups = [None] * len(views) if all_groups is None else list(all_groups[todo])
        if self._advance is None:
            step = self.training
            graphed = self.config.cuda_graph
            self._advance = GraphedStep(step, views[0], groups[0]) if graphed else step
        recorded = [
            self._advance(
                x,
                learning_rate=self.config.learning_rate_at(k),
                decay=self._decay(k),
                groups=labels,
            )
            for k, (x, labels) in enumerate(zip(views, groups, strict=True), start=self.step)
        ]
        values = torch.stack(recorded).double().cpu().numpy()
        self._check_finite(values)
        self.history.add(self.training.terms, values)
        self.step += len(views)
        return values

    def _decay(self, step: int) -> float:
        config = self.config
        return ema_decay(step + 1, total=config.steps, start=config.target_decay)

    def progress(self, values: np.ndarray) -> Progress:
        """Where the run is after a chunk with these terms."""
        seconds = max(time.monotonic() - self._began, 1e-9)
        last = {
            term: tuple(per_replica.tolist())
            for term, per_replica in zip(self.training.terms, values[-1], strict=True)
        }
        rate = (self.step - self._first) / seconds
        return Progress(self.step, self.config.steps, rate, last)

    def save_if_due(self) -> None:
        """Write a checkpoint at the end, and before it when the last one is old enough."""
        if self.checkpoint is None:
            return
        begin = time.monotonic()
        if self.step < self.config.steps and begin - self._saved < self._patience:
            return
        state = {
            "identity": self.identity,
            "step": self.step,
            "training": self.training.state_dict(),
            "history": self.history.state_dict(),
        }
        checkpoints.save(self.checkpoint, state)
        self._saved = time.monotonic()
        if self.config.checkpoint_every_seconds > 0:
            least = (self._saved - begin) / _SAVING_SHARE
            self._patience = max(self.config.checkpoint_every_seconds, least)

    def _resume(self) -> None:
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        state = checkpoints.load(self.checkpoint)
        checkpoints.check_same_run(state.get("identity", {}), self.identity, self.checkpoint)
        self.training.load_state_dict(state["training"])
        self.history.load_state_dict(state["history"])
        self.step = state["step"]

    def _check_finite(self, values: np.ndarray) -> None:
        bad = ~np.isfinite(values)
        if not bad.any():
            return
        offset = int(bad.any(axis=(1, 2)).argmax())
        replica = int(bad[offset].any(axis=0).argmax())
        terms = [t for t, b in zip(self.training.terms, bad[offset, :, replica], strict=True) if b]
        kept = self.checkpoint is not None and self.checkpoint.exists()
        last = (
            f"The last good checkpoint is {self.checkpoint}" if kept else "No checkpoint was kept"
        )
        remedy = f"{last}. A lower learning rate than {self.config.learning_rate} may help"
        raise DivergedError(replica, self.seeds[replica], self.step + offset, terms, remedy)
