"""A dry run: everything is built, a few steps are taken, and the whole run is estimated from them.

The images that are there are read, made views of and learnt from, by the method, the network and
the optimiser of the whole run; only the batch is smaller where memory, the images that are there or
patience ask for it. Time is taken to be proportional to the images of a step.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.filesize import decimal
from torch import Tensor, nn

from causal_ssl.datasets.images import Images
from causal_ssl.errors import InputError
from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.experiments.pretraining.plan import Plan, devices_of, on_cuda
from causal_ssl.methods.words import in_words
from causal_ssl.models.image_encoders import ImageEncoder, image_encoder
from causal_ssl.training.images import ImageRun, TrainedImages, train_images
from causal_ssl.training.images.launch import launch_of

STEPS = 4
"""The first is warming up: three are measured."""
CPU_BATCH = 8
"""Images of a step on a CPU; in float32, because most CPUs emulate bfloat16."""
OPTIMISER_COPIES = {"adam": 2, "sgd": 1, "lars": 1}
"""Numbers that an optimiser keeps for each weight."""
FLOAT = 4
KEPT = 3
"""Checkpoints at most on the disk: two, and one being written."""


@dataclass(frozen=True)
class Measured:
    """What the steps of a dry run showed.

    Attributes:
        batch: images of each.
        step_seconds: median.
        data_share: of it, waiting for data.
        checkpoint_bytes: of one.
        peak_bytes: of the GPU's memory; None on a CPU.
    """

    batch: int
    step_seconds: float
    data_share: float
    checkpoint_bytes: int
    peak_bytes: int | None


@dataclass(frozen=True)
class Memory:
    """What a device must hold, in bytes.

    Attributes:
        weights: with gradients, the optimiser's numbers and the target network.
        activations: kept for the backward pass of one micro-batch.
    """

    weights: int
    activations: int


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
    return [*described(plan, asked), *_estimates(plan, asked, measured, memory)]


def measure(plan: Plan, asked: Pretraining, images: Images) -> Measured:
    """A few steps of the run, in a folder that is removed again."""
    batch = min(_per_device(plan, asked), len(images))
    precision = plan.training.precision
    if not on_cuda(asked):
        batch, precision = min(batch, CPU_BATCH), "float32"
    training = replace(
        plan.training,
        steps=STEPS,
        batch_size=batch,
        accumulate=1,
        precision=precision,
        compile=False,
        log_every=1,
        checkpoint_every=STEPS,
        evaluate_every=0,
    )
    with tempfile.TemporaryDirectory() as folder:
        if on_cuda(asked):
            torch.cuda.reset_peak_memory_stats()
        run = ImageRun(
            training,
            images,
            plan.views,
            out=Path(folder),
            seed=asked.seed,
            groups=plan.groups,
            device=asked.device,
            workers=asked.workers,
            loggers=(),
        )
        trained = train_images(run, on_progress=lambda _: None)
        sizes = [path.stat().st_size for path in Path(folder).glob("checkpoints/*.ckpt")]
    peak = torch.cuda.max_memory_allocated() if on_cuda(asked) else None
    seconds, share = (_median(trained, name) for name in ("step_seconds", "data_share"))
    return Measured(batch, seconds, share, max(sizes), peak)


def _median(trained: TrainedImages, name: str) -> float:
    timing = trained.timing
    return float(timing.loc[timing.metric == name, "value"].median())


def needed(plan: Plan, asked: Pretraining, images: Images) -> Memory:
    """Weights and their companions exactly; activations as autograd keeps them, counted on a few.

    Views pass one after another and all their activations are kept, those of the target network are
    not.
    """
    training = plan.training
    encoder = image_encoder(training.encoder, seed=0)
    modules: list[nn.Module] = [encoder]
    if training.predictor is not None:
        n = training.encoder.n_outputs
        modules.append(training.predictor.make(n, n))
    own = sum(_numbers(module) for module in modules)
    copies = 2 + OPTIMISER_COPIES[training.optimiser]
    target = _numbers(encoder) if plan.method.target else 0
    few = min(len(images), 2)
    generator = torch.Generator().manual_seed(0)
    batch = images.batch(torch.arange(few).numpy(), generator)
    views, _ = plan.views(batch, generator)
    kept = sum(_activations(encoder, view, bf16=asked.precision == "bf16") for view in views)
    per_device = _per_device(plan, asked)
    return Memory(FLOAT * (own * copies + target), round(kept / few * per_device))


def _numbers(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _activations(encoder: ImageEncoder, images: Tensor, *, bf16: bool) -> int:
    """Bytes that autograd keeps of a forward pass, weights aside."""
    weights = {p.data_ptr() for p in encoder.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=bf16),
    ):
        out = encoder(images).final
    del out
    return sum(kept.values())


def described(plan: Plan, asked: Pretraining) -> list[tuple[str, str]]:
    """The run in words."""
    training, words = plan.training, in_words(plan.method, plan.recipe)
    encoder = image_encoder(training.encoder, seed=0)
    trunk, critic = (_numbers(part) / 1e6 for part in (encoder.trunk, encoder.head))
    widths = plan.recipe.critic.widths(training.encoder.n_outputs)
    lines = [
        ("images", f"{plan.n_images:,} of {plan.n_classes:,} classes"),
        (
            "encoder",
            f"{training.encoder.name}, {trunk:.1f} M weights; critic {widths}, {critic:.1f} M",
        ),
        ("objective", ", ".join(_objective(plan))),
        (
            "views",
            f"{plan.views.stack.title}, {asked.size} px of images read at {asked.working_size} px",
        ),
        ("steps", f"{training.steps:,}, {plan.epochs:,.4g} epochs; {_batch(plan, asked)}"),
        (
            "optimiser",
            f"{words['optimiser']}, learning rate {words['learning rate']}, warm-up "
            f"{training.warmup * training.steps:.0f} steps, then a cosine to 0; weight decay "
            f"{words['weight decay']}",
        ),
    ]
    if plan.method.target:
        lines.append(("target", words["target"]))
    return lines


def _objective(plan: Plan) -> Iterable[str]:
    yield plan.method.name
    yield from (f"{name} = {value}" for name, value in plan.training.objective.items())


def _batch(plan: Plan, asked: Pretraining) -> str:
    training, ranks = plan.training, devices_of(asked) * asked.nodes
    shares = [f"{_per_device(plan, asked):,} images"]
    if ranks > 1:
        shares.append(f"{ranks} devices")
    if asked.accumulate > 1:
        shares.append(f"{asked.accumulate} micro-batches")
    text = f"batch {training.batch_size:,}"
    return f"{text} = {' x '.join(shares)}" if len(shares) > 1 else text


def _per_device(plan: Plan, asked: Pretraining) -> int:
    return plan.training.batch_size // (asked.accumulate * devices_of(asked) * asked.nodes)


def _estimates(
    plan: Plan, asked: Pretraining, measured: Measured, memory: Memory
) -> list[tuple[str, str]]:
    training, ranks = plan.training, devices_of(asked) * asked.nodes
    per_image = measured.step_seconds / measured.batch
    seconds = per_image * training.batch_size * training.steps / ranks
    machine = f"{ranks} devices like this one" if ranks > 1 else "this machine"
    in_all = memory.weights + memory.activations
    peak = "" if measured.peak_bytes is None else f"; {decimal(measured.peak_bytes)} were"
    disk = KEPT * measured.checkpoint_bytes
    return [
        (
            "measured",
            f"{STEPS - 1} steps of {measured.batch} images: {measured.step_seconds:.2f} s each, "
            f"{1 / per_image:,.3g} images/s, {measured.data_share:.0%} waiting for data",
        ),
        ("time", f"{_duration(seconds)} on {machine}, probes aside"),
        (
            "memory",
            f"{decimal(in_all)} a device: {decimal(memory.weights)} for weights, gradients and "
            f"optimiser, {decimal(memory.activations)} for activations{peak}",
        ),
        (
            "disk",
            f"{decimal(disk)}: checkpoints of {decimal(measured.checkpoint_bytes)}, {KEPT} at most",
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
