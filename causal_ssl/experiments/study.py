"""Run a content/style study: config in, one tidy table, figures and a report out.

    from causal_ssl.experiments.config import from_preset
    from causal_ssl.experiments.study import run
    run(from_preset("numerical", "quick"), "runs/numerical/quick")

Called again after an interruption it continues, and ends with the same table.
"""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
from rich.console import Console

from causal_ssl.errors import InputError
from causal_ssl.experiments import environment, jobs, options, plan
from causal_ssl.experiments.config import STUDIES, NumericalStudy
from causal_ssl.experiments.plan import Cell, Job
from causal_ssl.experiments.progress import display
from causal_ssl.experiments.published import with_references
from causal_ssl.experiments.run_directory import RunDirectory
from causal_ssl.experiments.workers import Event, WorkerError, Workers

COLUMNS = ["study", "setting", "method", "seed", "n_outputs", "metric", "variable", "value"]
PUBLISHED_COLUMNS = ["reference", "reference_std", "source"]
REPORT = "report.html"


def run(
    config: NumericalStudy,
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
    directory = RunDirectory(out)
    plain = options.to_dict(config)
    directory.check(config.name, plain)
    if is_complete(directory, config):
        console.print(f"complete already: {directory / REPORT}", soft_wrap=True, highlight=False)
        return directory / REPORT
    jobs.check(config)
    with directory.claim(config.name, plain):
        _record_environment(directory, config, console)
        _work(directory, config, workers, console)
        write_tables(directory, config)
        return report(directory.path, console=console)


def _console() -> Console:
    """The terminal; where there is none, lines wide enough for the summary."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


def resolved(config: NumericalStudy) -> NumericalStudy:
    """The config with device "auto" replaced by the device there is."""
    if config.device != "auto":
        return config
    import torch

    return replace(config, device="cuda" if torch.cuda.is_available() else "cpu")


def is_complete(directory: RunDirectory, config: NumericalStudy) -> bool:
    """Whether nothing is left to do."""
    wanted = [*plan.cells(config), *plan.reference_cells(config)]
    files = [directory / "table.csv", directory / REPORT]
    files += [jobs.result_path(directory.path, cell) for cell in wanted]
    return all(file.exists() for file in files)


def _record_environment(directory: RunDirectory, config: NumericalStudy, console: Console) -> None:
    now, file = environment.environment(config.device), directory / "environment.json"
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
    directory: RunDirectory, config: NumericalStudy, workers: int | None, console: Console
) -> None:
    every = plan.jobs(config)
    left = [job for job in every if not _is_finished(directory, job)]
    if not left:
        return
    gpu = config.device == "cuda"
    count = min((1 if gpu else os.cpu_count() or 1) if workers is None else workers, len(left))
    begun = f", {len(every) - len(left)} finished before" if len(left) < len(every) else ""
    processes = f"{count} process{'es' * (count > 1)}" if count else "in this process"
    console.print(
        f"{config.name}: {len(every)} jobs{begun}; {processes} on {config.device};"
        f" {directory.path}",
        highlight=False,
        soft_wrap=True,
    )
    tasks = [(directory.path, config, job) for job in left]
    with (
        display(
            console, {job.name: plan.work(config, job) for job in left}, total=len(every)
        ) as shown,
        Workers(count, threads=None if gpu else 1) as pool,
    ):

        def show(event: Event) -> None:
            if event.done:
                shown.finished(left[event.index].name)
            else:
                shown.progress(event.payload)

        try:
            pool.run(jobs.run, tasks, show)
        except WorkerError as error:
            raise error.named(left[error.index].name) from error
    shutil.rmtree(directory / "checkpoints", ignore_errors=True)


def _is_finished(directory: RunDirectory, job: Job) -> bool:
    return all(jobs.result_path(directory.path, cell).exists() for cell in job.cells)


def write_tables(directory: RunDirectory, config: NumericalStudy) -> None:
    """Gather the finished cells into table.csv, history.csv and predictions.csv."""
    trained = plan.cells(config)
    found = list(jobs.results(directory.path, trained))
    references = {
        (cell.setting, cell.seed): result["rows"]
        for cell, result in zip(
            plan.reference_cells(config),
            jobs.results(directory.path, plan.reference_cells(config)),
            strict=True,
        )
    }
    rows = [
        {"study": config.name, **asdict(cell), **row}
        for cell, result in zip(trained, found, strict=True)
        for row in result["rows"] + references[cell.setting, cell.seed]
    ]
    table = with_references(pd.DataFrame(rows))
    # The paper's encoders have as many outputs as there are contents.
    table.loc[table["n_outputs"] != config.n_content, PUBLISHED_COLUMNS] = None
    table = table[[*COLUMNS, *(name for name in table if name not in COLUMNS)]]
    directory.write("history.csv", _gathered(trained, found, "history").to_csv(index=False))
    shown = _gathered(trained, found, "predictions")
    directory.write("predictions.csv", shown[shown["seed"] == 0].to_csv(index=False))
    directory.write("table.csv", table.to_csv(index=False))


def _gathered(trained: Sequence[Cell], found: Sequence[dict], name: str) -> pd.DataFrame:
    tables = [
        pd.DataFrame(result[name]).assign(**asdict(cell))
        for cell, result in zip(trained, found, strict=True)
    ]
    table = pd.concat(tables, ignore_index=True)
    keys = list(asdict(trained[0]))
    return table[keys + [column for column in table if column not in keys]]


def report(out: Path | str, *, console: Console | None = None) -> Path:
    """Draw a finished run's figures and report from its tables; nothing is computed again.

    Raises:
        InputError: the directory holds no run, or one that has not finished.
    """
    from causal_ssl.experiments.pages import page

    console = console or _console()
    directory = RunDirectory(out)
    values = directory.config()
    study = str(values.pop("study"))
    if study not in STUDIES:
        raise InputError(f"{directory.path} holds a run of {study!r}: this version draws none")
    config = options.from_dict(STUDIES[study], values)
    for name in ("table.csv", "history.csv", "predictions.csv", "environment.json"):
        if not (directory / name).is_file():
            raise InputError(
                f"{directory.path} has no {name}: the run has not finished; repeat its command"
            )
    drawn = page(directory, config)
    for name, png in drawn.pictures.items():
        directory.write(f"figures/{name}.png", png)
    directory.write(REPORT, drawn.html)
    console.print(drawn.terminal)
    console.print(f"report: {directory / REPORT}", soft_wrap=True, highlight=False)
    return directory / REPORT
