"""Workers are reused, say what went wrong, and die with their parent."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import wait_until

from causal_ssl.experiments.workers import Event, WorkerError, Workers

# Workers import what they run by name: a module of its own, on their path.
TASKS = """
import os, signal, time

def double(value, report):
    report(f"at {value}")
    return 2 * value, os.getpid(), os.environ["OMP_NUM_THREADS"]

def fail(value, report):
    raise KeyError(value)

def refuse(value, report):
    from causal_ssl.errors import InputError
    raise InputError("too small")

def diverge(value, report):
    from causal_ssl.experiments.workers import TaskError
    raise TaskError("not finite", about="its second half")

def die(value, report):
    os.kill(os.getpid(), signal.SIGKILL)

def sleep(folder, report):
    open(os.path.join(folder, str(os.getpid())), "w").close()
    time.sleep(60)
"""


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    (tmp_path / "worker_tasks.py").write_text(TASKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delitem(sys.modules, "worker_tasks", raising=False)
    return __import__("worker_tasks")


def test_every_task_is_done_once_by_few_processes_of_one_thread(tasks: object) -> None:
    events: list[Event] = []
    with Workers(2) as pool:
        pool.run(tasks.double, [(value,) for value in range(5)], events.append)  # type: ignore[attr-defined]
    results = {event.index: event.payload for event in events if event.done}
    assert [results[k][0] for k in range(5)] == [0, 2, 4, 6, 8]
    assert {result[2] for result in results.values()} == {"1"}
    processes = {result[1] for result in results.values()}
    assert len(processes) <= 2
    assert os.getpid() not in processes
    assert {(e.index, e.payload) for e in events if not e.done} == {
        (k, f"at {k}") for k in range(5)
    }


def test_without_workers_the_tasks_run_here(tasks: object) -> None:
    events: list[Event] = []
    with Workers(0) as pool:
        pool.run(tasks.double, [(1,)], events.append)  # type: ignore[attr-defined]
    assert [event.done for event in events] == [False, True]
    assert events[1].payload[1] == os.getpid()


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize(
    ("name", "message", "traced"),
    [
        ("fail", "the task: KeyError: 3", True),
        ("refuse", "the task: too small", False),
        ("diverge", "its second half: not finite", False),
    ],
)
def test_a_failure_names_its_task_and_cause_wherever_it_ran(
    tasks: object, name: str, message: str, traced: bool, count: int
) -> None:
    with Workers(count) as pool, pytest.raises(WorkerError) as raised:
        pool.run(getattr(tasks, name), [(3,)], lambda event: None)
    assert raised.value.index == 0
    assert str(raised.value.named("the task")) == message
    assert ("Traceback" in raised.value.failure.details) == traced
    assert raised.value.failure.final != traced


def test_a_worker_that_died_is_a_failure_that_may_not_come_again(tasks: object) -> None:
    message = r"ended with signal 9 \(out of memory\?\)"
    with Workers(1) as pool, pytest.raises(WorkerError, match=message) as raised:
        pool.run(tasks.die, [(3,)], lambda event: None)  # type: ignore[attr-defined]
    assert (raised.value.failure.details, raised.value.failure.final) == ("", False)


def test_workers_of_a_killed_parent_do_not_live_on(tasks: object, tmp_path: Path) -> None:
    started = tmp_path / "started"
    started.mkdir()
    script = tmp_path / "parent.py"
    script.write_text(
        "import worker_tasks\n"
        "from causal_ssl.experiments.workers import Workers\n"
        "if __name__ == '__main__':\n"
        "    with Workers(2) as pool:\n"
        f"        pool.run(worker_tasks.sleep, [({str(started)!r},)] * 2, print)\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], env=os.environ | _path(tmp_path))
    try:
        wait_until(lambda: len(list(started.iterdir())) == 2)
        workers = [int(path.name) for path in started.iterdir()]
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        wait_until(lambda: not any(_alive(pid) for pid in workers))
    finally:
        parent.kill()


def _path(folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
