"""Do the jobs of the invariance study: train, keep, and measure in every kind of environment."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from causal_ssl.datasets.content_style import ContentStyle
from causal_ssl.errors import InputError
from causal_ssl.experiments import cells, encoders
from causal_ssl.experiments.invariance import measures, samples
from causal_ssl.experiments.invariance.config import CONTROLS, InvarianceStudy
from causal_ssl.experiments.invariance.measures import Question, Row
from causal_ssl.experiments.invariance.plan import Cell, Job, variants
from causal_ssl.experiments.invariance.samples import Representation
from causal_ssl.experiments.progress import JobProgress
from causal_ssl.experiments.workers import Report
from causal_ssl.training.device import device_of


def run(root: Path, config: InvarianceStudy, job: Job, report: Report) -> None:
    """Do a job: afterwards each of its cells has its file. Finished cells are left alone.

    Raises:
        TaskError: training diverged; names the cell and the remedy.
    """
    left = cells.unfinished(root, job.cell_names)
    if not left:
        return
    worlds = [load_world(root, config, cell) for cell in job.cells]
    made = _representations(root, config, job, worlds, report)
    for k, (cell, world, represent) in enumerate(zip(job.cells, worlds, made, strict=True)):
        if cell.name in left:
            report(JobProgress(job.name, f"measuring {cell.name}", k, len(job.cells)))
            _measure(root, config, cell, world, represent)
    encoders.checkpoint_of(root, job.name).unlink(missing_ok=True)


def _representations(
    root: Path, config: InvarianceStudy, job: Job, worlds: Sequence[ContentStyle], report: Report
) -> list[Representation]:
    first = job.cells[0]
    if first.is_control:
        return [samples.control(cell.method) for cell in job.cells]
    method, objective = encoders.configured(first.method, tau=config.tau, alpha=first.alpha)
    tasks = [samples.ladder(world).task(config.cells) for world in worlds]
    trained = encoders.train_cells(
        root,
        job.name,
        job.cell_names,
        worlds,
        method,
        objective,
        encoders.training(config, config.steps),
        seeds=[cell.seed for cell in job.cells],
        n_outputs=config.n_content,
        device=config.device,
        report=report,
        tasks=tasks if objective.takes_groups else None,
    )
    return [
        samples.of_encoder(encoders.keep_encoder(root, name, trained, replica))
        for replica, name in enumerate(job.cell_names)
    ]


def _measure(
    root: Path, config: InvarianceStudy, cell: Cell, world: ContentStyle, represent: Representation
) -> None:
    # The control that shows it: a critic that drops the style which f keeps.
    critic = samples.content_of(config) if cell.method == "separate" else None
    rows: list[Row] = []
    pairs: list[Row] = []
    for kind in config.environments:
        question = Question(config, world, kind, represent, critic)
        setting = {"setting": f"{cell.world}_{kind}"}
        rows += [setting | row for row in measures.rows(question)]
        if cell.seed == 0:
            pairs += [setting | row for row in measures.f_lda(question).to_dict("records")]
    cells.finish(root, cell.name, {"cell": asdict(cell), "rows": rows, "f_lda": pairs})


def load_world(root: Path, config: InvarianceStudy, cell: Cell) -> ContentStyle:
    """The world of a cell, from the run's directory; drawn and saved there the first time."""
    wanted = samples.world_config(config, cell.world)
    return encoders.load_world(root, cell.world_name, wanted, cell.seed)


def check(config: InvarianceStudy) -> None:
    """Refuse, before anything starts, what only methods, worlds or trainer can tell is wrong."""
    for name in config.methods:
        if name in CONTROLS:
            raise InputError(f"method {name!r} is a control: name it in controls")
    for name, alpha in variants(config):
        encoders.configured(name, tau=config.tau, alpha=alpha)
    for world in config.worlds:
        samples.world_config(config, world)
    encoders.training(config, config.steps)
    device_of(config.device)
