"""Do the jobs of a content/style study: each of their cells leaves one finished file."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from causal_ssl import methods
from causal_ssl.datasets.content_style import ContentStyle, ContentStyleConfig
from causal_ssl.errors import InputError
from causal_ssl.experiments import cells, encoders
from causal_ssl.experiments.content_style import evaluation, settings
from causal_ssl.experiments.content_style.config import NumericalStudy
from causal_ssl.experiments.content_style.evaluation import Evaluation, Row
from causal_ssl.experiments.content_style.plan import REFERENCES, Cell, Job, steps_of
from causal_ssl.experiments.content_style.world_spectrum import spectrum_rows
from causal_ssl.experiments.progress import JobProgress
from causal_ssl.objectives import Objective
from causal_ssl.training.device import device_of
from causal_ssl.training.numerical import Trained

EVALUATORS: tuple[Callable[[Evaluation], list[Row]], ...] = (
    evaluation.identifiability_rows,
    spectrum_rows,
)
"""Everything asked of a trained encoder."""


def run(root: Path, config: NumericalStudy, job: Job, report: Callable[[Any], None]) -> None:
    """Do a job: afterwards each of its cells has its file. Finished cells are left alone.

    Raises:
        TaskError: training diverged; names the cell and the remedy.
    """
    left = cells.unfinished(root, job.cell_names)
    missing = [cell for cell in job.cells if cell.name in left]
    if not missing:
        return
    if job.cells[0].method == REFERENCES:
        for cell in missing:
            _refer(root, config, cell)
        return
    _train_and_score(root, config, job, missing, report)


def _refer(root: Path, config: NumericalStudy, cell: Cell) -> None:
    world = load_world(root, config, cell)
    _finish(root, cell, evaluation.reference_rows(world, config, config.device))


def _train_and_score(
    root: Path,
    config: NumericalStudy,
    job: Job,
    missing: Sequence[Cell],
    report: Callable[[Any], None],
) -> None:
    started, steps = time.perf_counter(), steps_of(config, job.cells[0])
    report(JobProgress(job.name, "drawing the world", 0, steps))
    worlds = [load_world(root, config, cell) for cell in job.cells]
    first = job.cells[0]
    method, objective = configured(config, first.method)
    trained = encoders.train_cells(
        root,
        job.name,
        job.cell_names,
        worlds,
        method,
        objective,
        encoders.training(config, steps),
        seeds=[cell.seed for cell in job.cells],
        n_outputs=first.n_outputs,
        device=config.device,
        report=report,
    )
    seconds = time.perf_counter() - started
    for replica, cell in enumerate(job.cells):
        if cell in missing:
            report(JobProgress(job.name, "scoring", steps, steps))
            _score(root, config, cell, worlds[replica], trained, replica, seconds)
    encoders.checkpoint_of(root, job.name).unlink(missing_ok=True)


def _score(
    root: Path,
    config: NumericalStudy,
    cell: Cell,
    world: ContentStyle,
    trained: Trained,
    replica: int,
    training_seconds: float,
) -> None:
    """Keep the encoder of one cell, and ask it everything."""
    started = time.perf_counter()
    encoder = encoders.keep_encoder(root, cell.name, trained, replica)
    found = evaluation.evaluate(encoder, world, config, method=cell.method, device=config.device)
    rows = [row for evaluator in EVALUATORS for row in evaluator(found)]
    predictions = evaluation.shown_predictions(found)
    history = trained.history.query("replica == @replica").drop(columns="replica")
    scoring_seconds = time.perf_counter() - started
    _finish(
        root,
        cell,
        rows,
        history=history.to_dict("list"),
        predictions=predictions.to_dict("list"),
        seconds={"training": training_seconds, "evaluation": scoring_seconds},
    )


def _finish(root: Path, cell: Cell, rows: list[Row], **more: Any) -> None:
    cells.finish(root, cell.name, {"cell": asdict(cell), "rows": rows, **more})


def load_world(root: Path, config: NumericalStudy, cell: Cell) -> ContentStyle:
    """The world of a cell, from the run's directory; drawn and saved there the first time."""
    return encoders.load_world(root, cell.world, world_config(config, cell.setting), cell.seed)


def world_config(config: NumericalStudy, setting: str) -> ContentStyleConfig:
    """The kind of world that a setting draws."""
    chosen = settings.get(setting)
    return ContentStyleConfig(
        n_content=config.n_content,
        n_style=config.n_style,
        p_change=chosen.p_change,
        statistical=chosen.statistical,
        causal=chosen.causal,
        mixing_layers=config.mixing_layers,
        mixing_candidates=config.mixing_candidates,
    )


def configured(config: NumericalStudy, name: str) -> tuple[methods.Method, Objective]:
    """A method and its objective, with the study's options applied where it has them.

    Raises:
        InputError: no such method.
    """
    negatives = "separate" if config.negatives == "separate" else None
    return encoders.configured(name, tau=config.tau, alpha=config.relic_alpha, negatives=negatives)


def check(config: NumericalStudy) -> None:
    """Refuse, before anything starts, what only methods, worlds or trainer can tell is wrong."""
    for name in config.methods:
        method, _ = configured(config, name)
        if method.takes_groups:
            known = ", ".join(methods.names())
            raise InputError(f"method {name!r} needs labels, which this study has none of: {known}")
    for setting in config.settings:
        world_config(config, setting)
        encoders.training(config, config.budget(settings.get(setting)).steps)
    device_of(config.device)
