"""What a person sees while a study runs: bars on a terminal, a few plain lines elsewhere."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


@dataclass(frozen=True)
class JobProgress:
    """Where a job stands: `step` of `steps`, and its mean loss (nats for contrastive methods).

    `phase` is what it does now; where that is not "training", it is shown in place of the step.
    """

    name: str
    phase: str
    step: int
    steps: int
    loss: float | None = None


QUIET_SECONDS = 60.0
"""Between two plain lines about unfinished work."""


class Display:
    """Progress of a study's jobs, as plain lines.

    Args:
        console: where to show it.
        work: jobs left and how much work each is, in any unit.
        total: jobs of the study, finished ones included.
    """

    def __init__(self, console: Console, work: Mapping[str, float], *, total: int) -> None:
        self.console = console
        self.total, self.left = total, len(work)
        self._work, self._share = work, dict.fromkeys(work, 0.0)
        self._started = self._said = time.monotonic()

    def progress(self, state: JobProgress) -> None:
        """A job has come so far."""
        self._share[state.name] = state.step / state.steps
        if time.monotonic() - self._said > QUIET_SECONDS:
            self._say(f"  {state.name}: {_detail(state)}{self.remaining()}")

    def finished(self, name: str) -> None:
        """A job is done."""
        self.left -= 1
        self._share[name] = 1.0
        self._say(f"[{self.total - self.left}/{self.total}] {name}{self.remaining()}")

    def done(self) -> float:
        """Share of the work that is done, in [0, 1]."""
        whole = sum(self._work.values())
        return sum(self._share[name] * work for name, work in self._work.items()) / whole

    def remaining(self) -> str:
        """Estimate of the time left; empty while there is none."""
        done, elapsed = self.done(), time.monotonic() - self._started
        if not 0 < done < 1:
            return ""
        return f", {time_left(elapsed / done * (1 - done))}"

    def _say(self, text: str) -> None:
        self._said = time.monotonic()
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class Bars(Display):
    """The same as bars: one for all the work, one for each job in hand."""

    def __init__(self, console: Console, work: Mapping[str, float], *, total: int) -> None:
        super().__init__(console, work, total=total)
        self._jobs: dict[str, TaskID] = {}
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
        )
        self._all = self.bars.add_task(self._title(), total=1.0, note="")

    def _title(self) -> str:
        return f"[bold]{self.total - self.left} of {self.total} jobs"

    def progress(self, state: JobProgress) -> None:
        self._share[state.name] = state.step / state.steps
        if state.name not in self._jobs:
            self._jobs[state.name] = self.bars.add_task(state.name, total=state.steps, note="")
        self.bars.update(self._jobs[state.name], completed=state.step, note=_detail(state))
        self._update()

    def finished(self, name: str) -> None:
        self.left -= 1
        self._share[name] = 1.0
        if name in self._jobs:
            self.bars.remove_task(self._jobs.pop(name))
        self._update()

    def _update(self) -> None:
        note = self.remaining().removeprefix(", ")
        self.bars.update(self._all, completed=self.done(), description=self._title(), note=note)


def time_left(seconds: float) -> str:
    """An estimate for people.

    Examples:
        >>> time_left(80), time_left(600)
        ('about 80 s left', 'about 10 min left')
    """
    shown = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    return f"about {shown} left"


def _detail(state: JobProgress) -> str:
    if state.phase != "training":
        return state.phase
    loss = "" if state.loss is None else f", loss {state.loss:.3f}"
    return f"step {state.step:,} of {state.steps:,}{loss}"


@contextmanager
def display(console: Console, work: Mapping[str, float], *, total: int) -> Iterator[Display]:
    """Bars where a person watches, lines where a file or a log does."""
    if console.is_terminal:
        bars = Bars(console, work, total=total)
        with bars.bars:
            yield bars
    else:
        yield Display(console, work, total=total)
