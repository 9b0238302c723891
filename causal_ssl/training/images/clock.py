"""Where a step's time goes: waiting for data, or computing."""

import time
from collections.abc import Callable


class StepClock:
    """Seconds of the steps since the last reading, and the share in which data was waited for.

    Call `data_ready` when a step has its batch, `step_done` when it is over (`part_done` when it
    has further micro-batches to come), `restart` after anything that is no part of a step. On a GPU
    steps are over when they are queued: read after waiting for the device. Waiting for data while
    the device still has work counts as data time, which is thus an upper bound of what the device
    waited.

    Args:
        now: the time in seconds.

    Examples:
        >>> clock = StepClock(iter([0.0, 1.0, 4.0]).__next__)
        >>> clock.restart(), clock.data_ready(), clock.step_done()
        (None, None, None)
        >>> clock.read(samples=8)
        {'images_per_second': 2.0, 'step_seconds': 4.0, 'data_seconds': 1.0, 'data_share': 0.25}
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._mark = 0.0
        self._clear()

    def _clear(self) -> None:
        self._steps, self._data, self._total = 0, 0.0, 0.0

    def restart(self) -> None:
        """The next step begins now."""
        self._mark = self._now()

    def data_ready(self) -> None:
        """The step that began at the last mark has its batch."""
        self._data += self._now() - self._mark

    def part_done(self) -> None:
        """The step's next micro-batch begins."""
        now = self._now()
        self._total += now - self._mark
        self._mark = now

    def step_done(self) -> None:
        """The step is over, the next begins."""
        self.part_done()
        self._steps += 1

    def discard(self) -> None:
        """Forget the steps so far: the first starts workers and tunes kernels."""
        self._clear()
        self.restart()

    def read(self, *, samples: int) -> dict[str, float]:
        """Means over the steps since the last reading, of `samples` each; empty without any."""
        if not self._steps:
            return {}
        steps, data, total = self._steps, self._data, self._total
        self._clear()
        return {
            "images_per_second": samples * steps / total,
            "step_seconds": total / steps,
            "data_seconds": data / steps,
            "data_share": data / total,
        }
