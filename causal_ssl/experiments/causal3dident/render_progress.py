"""What a person sees while images are rendered: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from causal_ssl.experiments.progress import QUIET_SECONDS


class Lines:
    """Progress as plain lines: a first, one a minute, and a last.

    Args:
        console: where to show it.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._what, self._total, self._before, self._done = "", 0, 0, 0
        self._started = self._said = time.monotonic()

    def begin(self, what: str, total: int, done: int) -> None:
        """See `Watcher`."""
        self._what, self._total, self._before, self._done = what, total, done, done
        self._started = self._said = time.monotonic()
        self.note(f"{what}: {total:,} images" + (f", {done:,} finished before" if done else ""))

    def advance(self, images: int) -> None:
        """See `Watcher`."""
        self._done += images
        if self._done == self._total or time.monotonic() - self._said > QUIET_SECONDS:
            self._said = time.monotonic()
            self.note(f"{self._what}: {self._done:,} of {self._total:,}, {self.pace()}")

    def note(self, text: str) -> None:
        """See `Watcher`."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def pace(self) -> str:
        """Images per second since `begin`, and an estimate of the time left."""
        seconds, here = time.monotonic() - self._started, self._done - self._before
        if not here:
            return ""
        left = seconds / here * (self._total - self._done)
        shown = f"{left:.0f} s" if left < 90 else f"{left / 60:.0f} min"
        return f"{here / seconds:.1f} images/s" + (f", about {shown} left" if left else "")


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

    def begin(self, what: str, total: int, done: int) -> None:
        """See `Watcher`."""
        self._total, self._before, self._done = total, done, done
        self._started = time.monotonic()
        self._task = self.bars.add_task(what, total=total, completed=done, pace="")

    def advance(self, images: int) -> None:
        """See `Watcher`."""
        self._done += images
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
