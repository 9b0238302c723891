"""Work spread over processes, or over machines, through joblib's backends.

    with Pool("loky", workers=2, tasks=len(tasks)) as pool:
        for index, result in pool.run(function, tasks):
            ...

- loky: processes of this machine.
- ray: the cluster that RAY_ADDRESS names or that runs here, else a local one.
- dask: the scheduler that DASK_SCHEDULER_ADDRESS names, else a local cluster.

Tasks are pure and return what they made; whatever is written, this process writes. So machines need
share no file system.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any, Self

import joblib

from causal_ssl.datasets.space import Stopped
from causal_ssl.errors import InputError, one_of

BACKENDS = ("loky", "ray", "dask")
WAVE = {"loky": 64, "dask": 64, "ray": 4}
"""Tasks a worker between two pauses in which all are waited for: they bound what results wait to be
written. Ray's backend hands results over at the end of a wave alone."""
CLUSTER = "pip install 'causal-ssl[cluster]'"


class Pool:
    """Worker processes, for as long as the block lasts.

    Args:
        backend: one of `BACKENDS`.
        workers: processes; 1 with loky is this process. None: one a core, of the whole cluster.
        tasks: there will be no more of them, so that more processes would idle.

    Raises:
        InputError: an unknown backend, or one that is not installed.
    """

    def __init__(self, backend: str = "loky", *, workers: int | None, tasks: int) -> None:
        self.backend = one_of("parallel backend", backend, BACKENDS)
        self._asked = -1 if workers is None else workers
        self._tasks = tasks
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            {"loky": _loky, "ray": _ray, "dask": _dask}[self.backend](stack, self._asked)
            stack.enter_context(joblib.parallel_config(backend=self.backend))
            self.workers = min(joblib.effective_n_jobs(self._asked), self._tasks)
            self._returns = "list" if self.backend == "ray" else "generator_unordered"
            self._parallel = stack.enter_context(
                joblib.Parallel(self.workers, return_as=self._returns, batch_size=1)
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def run(
        self, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Any]]:
        """(index of the task, what the function returned for it), as they are finished.

        Args:
            function: of a module, so that workers can import it.
            tasks: its arguments.

        Raises:
            Stopped: a worker died.
            Exception: whatever the function raised.
        """
        owner = os.getpid() if self.backend == "loky" else None
        calls = (joblib.delayed(_numbered)(i, owner, function, t) for i, t in enumerate(tasks))
        try:
            while wave := list(islice(calls, WAVE[self.backend] * self.workers)):
                yield from self._parallel(wave)
        except Exception as error:
            if type(error).__name__ not in DEATHS:
                raise
            raise Stopped(
                f"a worker process died ({_first_line(error)}): it was killed, crashed, or ran out "
                "of memory"
            ) from error


DEATHS = {
    *("TerminatedWorkerError", "BrokenProcessPool", "KilledWorker"),
    *("RayActorError", "ActorDiedError", "OutOfMemoryError", "WorkerCrashedError"),
}
"""What the backends raise when a worker dies; by name, as none of them need be installed."""


def _numbered(
    index: int, owner: int | None, function: Callable[..., Any], task: tuple[Any, ...]
) -> tuple[int, Any]:
    if owner is not None and owner != os.getpid():
        _follow(owner)
    return index, function(*task)


def _follow(owner: int) -> None:
    """Make a worker leave Ctrl-C to its owner, and end when the owner does, even if killed."""
    if any(thread.name == "owner" for thread in threading.enumerate()):
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == owner:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="owner", daemon=True).start()


def _loky(stack: ExitStack, workers: int) -> None:
    # joblib would keep idle workers, and the memory of their renderers, for five minutes.
    stack.callback(lambda: joblib.externals.loky.get_reusable_executor().shutdown(wait=True))


def _ray(stack: ExitStack, workers: int) -> None:
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise InputError(f"the parallel backend ray is not installed: {CLUSTER}") from error
    if not ray.is_initialized():
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        stack.callback(ray.shutdown)
    register_ray()


def _dask(stack: ExitStack, workers: int) -> None:
    try:
        import dask
        from distributed import Client, default_client
    except ImportError as error:
        raise InputError(f"the parallel backend dask is not installed: {CLUSTER}") from error
    try:
        default_client()
    except ValueError:  # there is none in this process
        if dask.config.get("scheduler-address", None):
            stack.enter_context(Client())
        else:
            n = joblib.cpu_count() if workers == -1 else workers
            stack.enter_context(Client(n_workers=n, threads_per_worker=1, dashboard_address=None))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
