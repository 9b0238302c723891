"""What a person sees while an encoder is trained: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

QUIET_SECONDS = 60.0
"""Between two plain lines."""


@dataclass(frozen=True)
class ImageProgress:
    """Where a training run is.

    Attributes:
        step: optimiser steps done.
        total: optimiser steps of the run.
        loss: mean over the last row of the log; None before there is one.
        images_per_second: over the same steps; a sample in several views counts once.
    """

    step: int
    total: int
    loss: float | None = None
    images_per_second: float | None = None

    def __str__(self) -> str:
        parts = [f"step {self.step:,} of {self.total:,}"]
        if self.loss is not None:
            parts.append(f"loss {self.loss:.4g}")
        if self.images_per_second is not None:
            parts.append(f"{self.images_per_second:,.0f} images/s")
        return ", ".join(parts)


class Lines:
    """A plain line every minute, and at the end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = time.monotonic()

    def __call__(self, progress: ImageProgress) -> None:
        if progress.step < progress.total and time.monotonic() - self._said < QUIET_SECONDS:
            return
        self._said = time.monotonic()
        self._console.print(str(progress), markup=False, highlight=False, soft_wrap=True)


class Bar:
    """The same as a bar, from the first call on: of several processes only one reports."""

    def __init__(self, console: Console, title: str) -> None:
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
        )
        self._task = self.bar.add_task(title, total=None, note="")

    def __call__(self, progress: ImageProgress) -> None:
        self.bar.start()
        note, total = str(progress), progress.total
        self.bar.update(self._task, completed=progress.step, total=total, note=note)


@contextmanager
def progress_shown(title: str, console: Console | None = None) -> Iterator[Bar | Lines]:
    """Shows `ImageProgress`: a bar where a person watches, lines where a file or a log does."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield Lines(console)
        return
    bar = Bar(console, title)
    try:
        yield bar
    finally:
        bar.bar.stop()
