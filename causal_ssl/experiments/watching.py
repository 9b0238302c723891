"""What a person sees of long work on images: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from causal_ssl.datasets.watcher import Watcher
from causal_ssl.experiments.progress import QUIET_SECONDS, time_left


class Lines(Watcher):
    """Progress as plain lines: a first, one a minute, and a last.

    Args:
        console: where to show it.
    """

    def __init__(self, console: Console) -> None:
        self.console = console

    def begin(self, what: str, total: int, done: int, unit: str = "images") -> None:
        self._what, self._total, self._before, self._done = what, total, done, done
        self._unit = unit
        self._started = self._said = time.monotonic()
        self._show_begin()

    def advance(self, images: int) -> None:
        self._done += images
        self._show()

    def pace(self) -> str:
        """Units per second since `begin`, and an estimate of the time left."""
        seconds, here = time.monotonic() - self._started, self._done - self._before
        left = self._total - self._done
        rate = f"{here / seconds:,.1f} {self._unit}/s"
        return f"{rate}, {time_left(seconds / here * left)}" if left else rate

    def _show_begin(self) -> None:
        before = f", {self._done:,} finished before" if self._done else ""
        self._say(f"{self._what}: {self._total:,} {self._unit}{before}")

    def _show(self) -> None:
        if self._done == self._total or time.monotonic() - self._said > QUIET_SECONDS:
            self._said = time.monotonic()
            self._say(f"{self._what}: {self._done:,} of {self._total:,}, {self.pace()}")

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class Bar(Lines):
    """The same as a bar for each work."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.bars = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=32),
            TextColumn("{task.completed:,} of {task.total:,}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[pace]}"),
            console=console,
        )
        self._task = TaskID(0)

    def _show_begin(self) -> None:
        self._task = self.bars.add_task(
            self._what, total=self._total, completed=self._done, pace=""
        )

    def _show(self) -> None:
        self.bars.update(self._task, completed=self._done, pace=self.pace())


@contextmanager
def watching(console: Console) -> Iterator[Lines]:
    """A bar where a person watches, lines where a file or a log does."""
    if console.is_terminal:
        bar = Bar(console)
        with bar.bars:
            yield bar
    else:
        yield Lines(console)
