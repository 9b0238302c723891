"""Worker processes that are reused, report progress, and never outlive their parent."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any

from causal_ssl.errors import InputError

Report = Callable[[Any], None]
Task = tuple[Any, ...]
"""Arguments of one call of the workers' function, which takes a `Report` after them."""


@dataclass(frozen=True)
class Event:
    """What a worker says: a piece of progress of task `index`, or its result."""

    index: int
    payload: Any
    done: bool


class TaskError(RuntimeError):
    """What a task raises when its message says it all and doing it again would end the same.

    Attributes:
        about: the part of the task that failed, where it has parts.
    """

    def __init__(self, message: str, *, about: str = "") -> None:
        super().__init__(message)
        self.about = about


@dataclass(frozen=True)
class Failure:
    """Why a task failed, wherever it ran.

    Attributes:
        message: in a line.
        details: the traceback; empty where the message says it all.
        about: the part of the task that failed, where that is known.
        final: doing the task again would end the same.
    """

    message: str
    details: str = ""
    about: str = ""
    final: bool = False

    @classmethod
    def of(cls, error: Exception) -> "Failure":
        """The failure that an exception is; call it where the exception is caught."""
        if isinstance(error, TaskError):
            return cls(str(error), about=error.about, final=True)
        if isinstance(error, InputError):
            return cls(str(error), final=True)
        return cls(f"{type(error).__name__}: {error}", traceback.format_exc())


class WorkerError(RuntimeError):
    """A task failed, or the worker that had it died.

    Attributes:
        index: of the task.
        failure: why.
    """

    def __init__(self, index: int, failure: Failure, *, name: str = "") -> None:
        super().__init__(f"{name}: {failure.message}" if name else failure.message)
        self.index = index
        self.failure = failure

    def named(self, name: str) -> "WorkerError":
        """The same, whose message begins with what failed: its part, or else the task `name`."""
        return WorkerError(self.index, self.failure, name=self.failure.about or name)


class Workers:
    """A pool of spawned processes, each of which takes one task after another.

    Spawned, not forked: threads and CUDA do not survive a fork. Importing torch costs a spawned
    process seconds, hence the reuse. The workers ignore Ctrl-C (the parent stops them), and die
    with the parent even where it is killed.

    Args:
        count: processes to start at most; with 0 the tasks run in this one.
        threads: threads of numerical libraries in each; None leaves them as they are.
    """

    def __init__(self, count: int, *, threads: int | None = 1) -> None:
        self._count = count
        self._threads = threads
        self._workers: list[tuple[BaseProcess, Connection]] = []

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process, connection in self._workers:
            connection.close()
            if error is not None:
                process.terminate()
        for process, _ in self._workers:
            process.join(timeout=5)
            if process.is_alive():
                process.kill()
                process.join()
        self._workers.clear()

    def run(
        self, function: Callable[..., Any], tasks: Sequence[Task], on_event: Callable[[Event], None]
    ) -> None:
        """Call function(*task, report) for every task, and on_event as results and progress come.

        Raises:
            WorkerError: a task raised, or a worker died; other tasks are abandoned.
        """
        if self._count == 0:
            for index, task in enumerate(tasks):
                _run_here(function, task, index, on_event)
            return
        waiting = list(enumerate(tasks))[::-1]
        active: dict[Connection, tuple[int, BaseProcess]] = {}
        self._start(min(self._count, len(tasks)))
        for process, connection in self._workers[: len(tasks)]:
            active[connection] = (_send(connection, function, waiting), process)
        while active:
            for ready in wait(list(active)):
                assert isinstance(ready, Connection)
                index, process = active[ready]
                done, payload = _receive(ready, process, index)
                on_event(Event(index, payload, done))
                if done:
                    del active[ready]
                    if waiting:
                        active[ready] = (_send(ready, function, waiting), process)

    def _start(self, wanted: int) -> None:
        context = multiprocessing.get_context("spawn")
        while len(self._workers) < wanted:
            ours, theirs = context.Pipe()
            arguments = (theirs, self._threads, os.getpid())
            process = context.Process(target=_serve, args=arguments)
            process.start()
            theirs.close()
            self._workers.append((process, ours))


def _run_here(
    function: Callable[..., Any], task: Task, index: int, on_event: Callable[[Event], None]
) -> None:
    try:
        result = function(*task, lambda payload: on_event(Event(index, payload, done=False)))
    except Exception as error:
        raise WorkerError(index, Failure.of(error)) from error
    on_event(Event(index, result, done=True))


def _send(
    connection: Connection, function: Callable[..., Any], waiting: list[tuple[int, Task]]
) -> int:
    index, task = waiting.pop()
    connection.send((function, task))
    return index


def _receive(connection: Connection, process: BaseProcess, index: int) -> tuple[bool, Any]:
    try:
        kind, payload = connection.recv()
    except (EOFError, OSError):
        process.join(timeout=5)
        code = process.exitcode
        cause = f"signal {-code}" if code is not None and code < 0 else f"status {code}"
        hint = " (out of memory?)" if code == -signal.SIGKILL else ""
        failure = Failure(f"its process ended with {cause}{hint}")
        raise WorkerError(index, failure) from None
    if kind == "failed":
        raise WorkerError(index, payload)
    return kind == "done", payload


def _serve(connection: Connection, threads: int | None, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(parent)
    if threads is not None:  # read by numerical libraries when a task imports them
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ[name] = str(threads)
    while True:
        try:
            function, task = connection.recv()
        except EOFError:
            return
        try:
            result = function(*task, lambda payload: connection.send(("progress", payload)))
            connection.send(("done", result))
        except Exception as error:
            connection.send(("failed", Failure.of(error)))


def die_with_parent(parent: int) -> None:
    """Have this process killed as soon as process `parent`, which started it, is gone.

    Args:
        parent: its id, as known to itself.
    """
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call above
            os._exit(1)
    elif (watched := multiprocessing.parent_process()) is not None:

        def watch() -> None:
            wait([watched.sentinel])
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
