"""Ctrl-C and SIGTERM as a wish to stop, granted between two steps, where the state is whole."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


class StopRequest:
    """Whether somebody asked to stop.

    Attributes:
        asked: it is so.
    """

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """A signal came; a second one is not waited with."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Collects SIGINT and SIGTERM inside the block, where nobody else handles them.

    Outside the main thread signals can not be handled, and none are.
    """
    request = StopRequest()
    before = {}
    if threading.current_thread() is threading.main_thread():
        free = [
            number for number, default in _SIGNALS.items() if signal.getsignal(number) == default
        ]
        before = {number: signal.signal(number, request) for number in free}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
