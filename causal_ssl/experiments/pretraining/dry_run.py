"""A dry run: everything is built, a few steps are taken, and the whole run is estimated from them.

The images that are there are read, made views of and learnt from, by the method, the network and
the optimiser of the whole run; only the batch is smaller where memory, the images that are there or
patience ask for it. Time is taken to be proportional to the images of a step, and to those that
probes are fitted and scored on.
"""

from math import ceil
from typing import Any

from rich.filesize import decimal

from causal_ssl.datasets.images import Images
from causal_ssl.errors import InputError
from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.experiments.pretraining.measured import STEPS, Measured, measure
from causal_ssl.experiments.pretraining.memory import Memory, needed
from causal_ssl.experiments.pretraining.plan import Plan, ranks_of
from causal_ssl.experiments.pretraining.words import described
from causal_ssl.training.images.checkpoints import KEPT
from causal_ssl.training.images.launch import launch_of

ON_DISK = KEPT + 1
"""Checkpoints at most: those that are kept, and one being written."""


def dry_run(plan: Plan, asked: Pretraining, images: Images) -> list[tuple[str, str]]:
    """Take a few steps, and say what the whole run would take: (what, how much), line by line.

    Raises:
        InputError: it was started in several processes.
        InputError, NonFiniteError: what the whole run would raise at its beginning.
    """
    if (launch := launch_of(1, 1)).by is not None:
        raise InputError(f"a dry run is of one process: start it without {launch.by}")
    measured = measure(plan, asked, images)
    memory = needed(plan, asked, images)
    return [*described(plan, asked), *estimates(plan, asked, measured, memory)]


def estimates(
    plan: Plan, asked: Pretraining, measured: Measured, memory: Memory
) -> list[tuple[str, str]]:
    """What the whole run takes: (what, how much)."""
    per_image = measured.step_seconds / measured.batch
    in_all = memory.weights + memory.activations
    peak = "" if measured.peak_bytes is None else f"; {decimal(measured.peak_bytes)} were"
    disk = ON_DISK * measured.checkpoint_bytes
    return [
        (
            "measured",
            f"{STEPS - 1} steps of {measured.batch} images: {measured.step_seconds:.2f} s each, "
            f"{1 / per_image:,.3g} images/s, {measured.data_share:.0%} waiting for data",
        ),
        *_time(plan, asked, measured),
        (
            "memory",
            f"{decimal(in_all)} a device: {decimal(memory.weights)} for weights, gradients and "
            f"optimiser, {decimal(memory.activations)} for activations{peak}",
        ),
        (
            "disk",
            f"{decimal(disk)}: checkpoints of {decimal(measured.checkpoint_bytes)}, {ON_DISK} at "
            "most",
        ),
    ]


def _time(plan: Plan, asked: Pretraining, measured: Measured) -> list[tuple[str, str]]:
    """Of the steps, which all devices share, and of the probes, for which they wait."""
    training, ranks = plan.training, ranks_of(asked)
    machine = f"{ranks} devices like this one" if ranks > 1 else "this machine"
    steps = measured.step_seconds / measured.batch * training.batch_size * training.steps / ranks
    if measured.probing is None:
        return [("probes", "none"), ("time", f"{_duration(steps)} on {machine}")]
    rounds = ceil(training.steps / (training.evaluate_every or training.steps))
    n_images = min(asked.monitor_images, plan.n_images) + asked.monitor_images
    each = measured.probing.seconds(n_images)
    return [
        ("probes", f"{rounds:,} x {_duration(each)}, on at most {n_images:,} images"),
        (
            "time",
            f"{_duration(steps + rounds * each)} on {machine}, of it {_duration(rounds * each)} "
            "for probes",
        ),
    ]


def _duration(seconds: float) -> str:
    """In the unit that reads best.

    Examples:
        >>> _duration(7200.0)
        '2.0 hours'
    """
    for unit, length in (("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.0f} seconds"


def as_lines(lines: list[tuple[str, Any]]) -> str:
    """Aligned."""
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in lines)
