"""Run a study: config in, one tidy table, figures and a report out.

    from causal_ssl.experiments.catalogue import from_preset
    from causal_ssl.experiments.study import run
    run(from_preset("numerical", "quick"), "runs/numerical/quick")

Called again after an interruption it continues, and ends with the same table.
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from rich.console import Console

from causal_ssl.errors import InputError
from causal_ssl.experiments import cells, environment, options
from causal_ssl.experiments.catalogue import STUDIES
from causal_ssl.experiments.config import StudyConfig
from causal_ssl.experiments.page import Drawn
from causal_ssl.experiments.progress import display
from causal_ssl.experiments.run_directory import RunDirectory
from causal_ssl.experiments.workers import Event, Report, WorkerError, Workers

TABLE, REPORT = "table.csv", "report.html"


class Job(Protocol):
    """What one process does in one go: it leaves a finished file for each of its cells."""

    @property
    def name(self) -> str:
        """In progress bars and errors."""

    @property
    def cell_names(self) -> Sequence[str]:
        """Its cells; see `cells`."""


C = TypeVar("C", bound=StudyConfig)
J = TypeVar("J", bound=Job)


@dataclass(frozen=True)
class Study(Generic[C, J]):
    """How a study is run. Its functions are called in this order.

    Args:
        check: refuse, before anything is made, what only the library can tell is wrong.
        jobs: everything to do, in order, as a function of the config alone: results must not
            depend on what is left to do, nor on the cores that there are.
        work: how long a job takes, in any unit.
        prepare: make what several jobs share, in the run's directory, before any of them starts; it
            finds what an interrupted run has made already.
        run: do a job in the run's directory, reporting `JobProgress`; cells that are finished are
            left alone. A module's function: it is sent to worker processes.
        write_tables: gather the finished cells into `table.csv` and the other tables.
        page: draw figures and report from the tables alone.
        tables: files that `page` reads besides `environment.json`.
    """

    check: Callable[[C], None]
    jobs: Callable[[C], Sequence[J]]
    work: Callable[[C, J], float]
    run: Callable[[Path, C, J, Report], None]
    write_tables: Callable[[RunDirectory, C], None]
    page: Callable[[RunDirectory, C], Drawn]
    prepare: Callable[[RunDirectory, C, Console], None] = lambda directory, config, console: None
    tables: tuple[str, ...] = (TABLE,)


def run(
    config: StudyConfig,
    out: Path | str,
    *,
    workers: int | None = None,
    console: Console | None = None,
) -> Path:
    """Run a study in its own directory, or continue it there.

    Args:
        config: what to run.
        out: the run's directory; made if missing.
        workers: processes. None: one per core, or a single one with a GPU. 0: this one, whose
            numerical libraries keep their number of threads.
        console: where progress goes; the terminal when None.

    Returns:
        The report.

    Raises:
        InputError: the config asks for what does not exist, or the directory cannot be this run's;
            nothing has been started or overwritten then.
        WorkerError: a job failed, here or in another process; names the cell where one diverged,
            else the job. What was finished is kept.
    """
    console = console or _console()
    config = resolved(config)
    study = STUDIES[config.name].load()
    directory = RunDirectory(out)
    plain = options.to_dict(config)
    directory.check(config.name, plain)
    if _is_complete(directory, study, config):
        console.print(f"complete already: {directory / REPORT}", soft_wrap=True, highlight=False)
        return directory / REPORT
    study.check(config)
    with directory.claim(config.name, plain):
        _record_environment(directory, config, console)
        study.prepare(directory, config, console)
        _work(directory, study, config, workers, console)
        study.write_tables(directory, config)
        return report(directory.path, console=console)


def _console() -> Console:
    """The terminal; where there is none, lines wide enough for the summary."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


def resolved(config: C) -> C:
    """The config with device "auto" replaced by the device there is."""
    if _device(config) != "auto":
        return config
    from causal_ssl.training.device import device_of  # torch, which help must not wait for

    found: dict[str, Any] = {"device": device_of("auto")}
    return replace(config, **found)


def _device(config: StudyConfig) -> str:
    """Where a study trains; "cpu" for those that train nothing."""
    return getattr(config, "device", "cpu")


def _is_complete(directory: RunDirectory, study: Study[Any, Any], config: StudyConfig) -> bool:
    files = [directory / name for name in (*study.tables, REPORT)]
    return all(file.exists() for file in files) and all(
        _is_finished(directory, job) for job in study.jobs(config)
    )


def _is_finished(directory: RunDirectory, job: Job) -> bool:
    return not cells.unfinished(directory.path, job.cell_names)


def _record_environment(directory: RunDirectory, config: StudyConfig, console: Console) -> None:
    now, file = environment.environment(_device(config)), directory / "environment.json"
    if file.exists():
        changed = environment.changed_versions(json.loads(file.read_text()), now)
        if changed:
            console.print(
                f"note: this run was begun with other versions ({', '.join(changed)});"
                " finished cells are kept as they are",
                highlight=False,
            )
    directory.write(file.name, json.dumps(now, indent=2) + "\n")


def _work(
    directory: RunDirectory,
    study: Study[Any, Any],
    config: StudyConfig,
    workers: int | None,
    console: Console,
) -> None:
    every = study.jobs(config)
    left = [job for job in every if not _is_finished(directory, job)]
    if not left:
        return
    device = _device(config)
    gpu = device == "cuda"
    count = min((1 if gpu else os.cpu_count() or 1) if workers is None else workers, len(left))
    begun = f", {len(every) - len(left)} finished before" if len(left) < len(every) else ""
    processes = f"{count} process{'es' * (count > 1)}" if count else "in this process"
    console.print(
        f"{config.name}: {len(every)} jobs{begun}; {processes} on {device}; {directory.path}",
        highlight=False,
        soft_wrap=True,
    )
    tasks = [(directory.path, config, job) for job in left]
    with (
        display(
            console, {job.name: study.work(config, job) for job in left}, total=len(every)
        ) as shown,
        Workers(count, threads=None if gpu else 1) as pool,
    ):

        def show(event: Event) -> None:
            if event.done:
                shown.finished(left[event.index].name)
            else:
                shown.progress(event.payload)

        try:
            pool.run(study.run, tasks, show)
        except WorkerError as error:
            raise error.named(left[error.index].name) from error
    shutil.rmtree(directory / "checkpoints", ignore_errors=True)


def report(out: Path | str, *, console: Console | None = None) -> Path:
    """Draw a finished run's figures and report from its tables; nothing is computed again.

    Raises:
        InputError: the directory holds no run, or one that has not finished.
    """
    console = console or _console()
    directory = RunDirectory(out)
    values = directory.config()
    name = str(values.pop("study"))
    if name not in STUDIES:
        raise InputError(f"{directory.path} holds a run of {name!r}: this version draws none")
    config = options.from_dict(STUDIES[name].config, values)
    study = STUDIES[name].load()
    for file in (*study.tables, "environment.json"):
        if not (directory / file).is_file():
            raise InputError(
                f"{directory.path} has no {file}: the run has not finished; repeat its command"
            )
    drawn = study.page(directory, config)
    for picture, png in drawn.pictures.items():
        directory.write(f"figures/{picture}.png", png)
    directory.write(REPORT, drawn.html)
    console.print(drawn.terminal)
    console.print(f"report: {directory / REPORT}", soft_wrap=True, highlight=False)
    return directory / REPORT
