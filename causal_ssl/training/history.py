"""Losses over the steps, as floats."""

from typing import Any

import numpy as np
import pandas as pd
import torch

from causal_ssl.errors import in_range


class History:
    """Means of every term over windows of steps, per replica.

    Plain numbers, never loss tensors: keeping a tensor per step fragments the heap to gigabytes.

    Args:
        every: steps of a window.
        total: steps of the run; its last window may be shorter.

    Examples:
        >>> history = History(every=2, total=4)
        >>> values = np.array([4.0, 2.0, 1.0]).reshape(3, 1, 1)  # steps, terms, replicas
        >>> history.add(["loss"], values)
        >>> history.frame()
           step  replica  term  value
        0     2        0  loss    3.0
    """

    def __init__(self, *, every: int, total: int) -> None:
        self.every = in_range("log_every", every, at_least=1)
        self.total = total
        self.step = 0
        self.terms: list[str] = []
        self._ends: list[int] = []
        self._means: list[np.ndarray] = []
        self._sum: np.ndarray | None = None
        self._count = 0

    def add(self, terms: list[str], values: np.ndarray) -> None:
        """Values (steps, terms, replicas) of the steps that follow those seen so far."""
        self.terms = terms
        for of_step in values:
            # Step by step, so that the sums do not depend on how the steps came in chunks.
            self._sum = of_step.copy() if self._sum is None else self._sum + of_step
            self._count += 1
            self.step += 1
            if self._count == self.every or self.step == self.total:
                self._ends.append(self.step)
                self._means.append(self._sum / self._count)
                self._sum, self._count = None, 0

    def frame(self) -> pd.DataFrame:
        """Columns step (last of a window, counted from 1), replica, term, value (window mean)."""
        if not self._means:
            return pd.DataFrame(
                {"step": pd.Series(dtype=int), "replica": pd.Series(dtype=int)}
                | {"term": pd.Series(dtype=str), "value": pd.Series(dtype=float)}
            )
        means = np.stack(self._means)
        windows, terms, replicas = means.shape
        return pd.DataFrame(
            {
                "step": np.repeat(self._ends, terms * replicas),
                "replica": np.tile(np.arange(replicas), windows * terms),
                "term": np.tile(np.repeat(self.terms, replicas), windows),
                "value": means.ravel(),
            }
        )

    def state_dict(self) -> dict[str, Any]:
        """Everything, as tensors and numbers."""
        return {
            "step": self.step,
            "terms": list(self.terms),
            "ends": list(self._ends),
            "means": torch.from_numpy(np.stack(self._means)) if self._means else None,
            "sum": None if self._sum is None else torch.from_numpy(self._sum),
            "count": self._count,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a `state_dict`."""
        self.step = state["step"]
        self.terms = list(state["terms"])
        self._ends = list(state["ends"])
        self._means = [] if state["means"] is None else list(state["means"].numpy())
        self._sum = None if state["sum"] is None else state["sum"].numpy()
        self._count = state["count"]
