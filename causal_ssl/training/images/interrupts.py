"""Ctrl-C and SIGTERM as a wish to stop, granted between two steps, where the state is whole."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}


class StopRequest:
    """Whether somebody asked to stop.

    Args:
        signals: that mean it.

    Attributes:
        asked: it is so.
    """

    def __init__(self, signals: Sequence[signal.Signals] = ()) -> None:
        self.asked = False
        self._signals = signals

    def claim(self) -> None:
        """Handle the signals, whoever did before."""
        for number in self._signals:
            signal.signal(number, self)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """A signal came; a second one does not wait for the step."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Collects SIGINT and SIGTERM inside the block, if nobody handled them before.

    Outside the main thread signals can not be handled, and none are.
    """
    main = threading.current_thread() is threading.main_thread()
    free = [s for s, default in _SIGNALS.items() if main and signal.getsignal(s) == default]
    request = StopRequest(free)
    request.claim()
    try:
        yield request
    finally:
        for number in free:
            signal.signal(number, _SIGNALS[number])
