"""What a run reports of its steps: window means that survive an interruption, in a tidy CSV."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from causal_ssl import files

METRICS, TIMING = "metrics.csv", "timing.csv"

HEADER = "step,metric,value\n"


class NonFiniteError(RuntimeError):
    """A loss or a gradient stopped being a finite number.

    Attributes:
        step: the step (from 0) at which that was so first.
        metrics: what was not finite there.
        parameter: the first one, in the network's order, whose gradient was not.
    """

    def __init__(
        self, step: int, metrics: list[str], remedy: str, parameter: str | None = None
    ) -> None:
        where = "" if parameter is None else f", the gradient first at {parameter}"
        super().__init__(f"{', '.join(metrics)} not finite at step {step}{where}. {remedy}")
        self.step, self.metrics, self.parameter = step, metrics, parameter


class Window:
    """Metrics of the steps since the last row, kept on their device until the row is written.

    Examples:
        >>> window = Window()
        >>> for loss in (3.0, 1.0):
        ...     window.add({"loss": torch.tensor(loss)})
        >>> window.means()
        {'loss': 2.0}
        >>> window.means()
        {}
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._rows: list[Tensor] = []

    def add(self, values: Mapping[str, Tensor]) -> None:
        """The metrics of one step, each a scalar; the same names at every step."""
        self.names = list(values)
        self._rows.append(torch.stack([value.detach().double() for value in values.values()]))

    def first_non_finite(self) -> tuple[int, list[str]] | None:
        """The first step of the window (from 0) with a value that is not finite, and their names.

        Waits for the device.
        """
        if not self._rows:
            return None
        bad = ~self._stacked().isfinite()
        if not bad.any():
            return None
        row = int(bad.any(1).int().argmax())
        return row, [name for name, is_bad in zip(self.names, bad[row], strict=True) if is_bad]

    def __len__(self) -> int:
        return len(self._rows)

    def means(self) -> dict[str, float]:
        """Means over the window's steps, by name; begins a new window. Waits for the device."""
        if not self._rows:
            return {}
        means = self._stacked().mean(0).tolist()
        self._rows = []
        return dict(zip(self.names, means, strict=True))

    def _stacked(self) -> Tensor:
        # Rows of a checkpoint come from the CPU, whatever the device is.
        device = self._rows[-1].device
        return torch.stack([row.to(device) for row in self._rows]).cpu()

    def state_dict(self) -> dict[str, Any]:
        """Names and rows."""
        return {"names": self.names, "rows": [row.cpu() for row in self._rows]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue a window."""
        self.names, self._rows = list(state["names"]), list(state["rows"])


class MetricFile:
    """A CSV with columns step, metric, value, which a resumed run continues.

    Rows are appended whole and flushed to the disk. Opening the file removes those of steps after
    the checkpoint from which the run goes on, and half a row that a crash of the machine left.

    Args:
        path: of the file.
        step: of that checkpoint; 0 begins anew.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     log = MetricFile(Path(folder) / "metrics.csv", step=0)
        ...     log.append(10, {"loss": 0.5})
        ...     log.append(20, {"loss": 0.25})
        ...     log = MetricFile(Path(folder) / "metrics.csv", step=10)
        ...     log.append(20, {"loss": 0.125})
        ...     read_metrics(log.path).value.tolist()
        [0.5, 0.125]
    """

    def __init__(self, path: Path, *, step: int) -> None:
        self.path = path
        files.sweep(path)
        lines = path.read_text().splitlines(keepends=True)[1:] if path.exists() and step else []
        kept = [line for line in lines if _whole(line) and int(line.split(",")[0]) <= step]
        files.write(path, HEADER + "".join(kept))

    def append(self, step: int, values: Mapping[str, float]) -> None:
        """The metrics after `step` steps."""
        with self.path.open("a") as file:
            file.write("".join(f"{step},{name},{value!r}\n" for name, value in values.items()))
            file.flush()
            os.fsync(file.fileno())


def read_metrics(path: Path) -> pd.DataFrame:
    """Columns step (done, counted from 1), metric, value."""
    return pd.read_csv(path, converters={"value": float})  # pandas's own parser may round


def _whole(line: str) -> bool:
    return line.endswith("\n") and line.count(",") == 2
