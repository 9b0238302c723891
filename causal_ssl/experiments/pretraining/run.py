"""`causal-ssl pretrain METHOD`: options in, a trained encoder out.

DIR/config.yaml, environment.json   what was asked, and what it was computed with
DIR/metrics.csv, timing.csv         losses, rates and probes by step; what the clock said
DIR/checkpoints/                    the last two
DIR/encoder.pt                      trunk and critic, for `load_encoder`
DIR/resnet50.safetensors            the trunk as torchvision's ResNet (not of other trunks)

Called again after an interruption it continues, and ends, on a CPU, bit for bit where it would have
ended.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from causal_ssl.datasets.images import Images, open_images
from causal_ssl.datasets.images.centres import centres
from causal_ssl.datasets.images.subsets import lists_classes
from causal_ssl.datasets.space import running_out
from causal_ssl.errors import InputError
from causal_ssl.experiments import environment, options
from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.experiments.pretraining.monitor import Monitor
from causal_ssl.experiments.pretraining.plan import Plan, devices_of, make_plan, resolved
from causal_ssl.experiments.run_directory import RunDirectory
from causal_ssl.experiments.watching import watching
from causal_ssl.training.device import device_of
from causal_ssl.training.images import ImageRun, TrainedImages, export_resnet, train_images
from causal_ssl.training.images.launch import is_first_process

ELSEWHERE = ("data_root", "workers", "checkpoint_every", "loggers")
"""Options with which a run may be continued at another value."""


def pretrain(name: str, asked: Pretraining, out: Path | str, *, console: Console) -> TrainedImages:
    """Train an encoder with a method, or continue to.

    Args:
        name: of the method.
        asked: the options.
        out: the run's directory.
        console: where to say what happens.

    Raises:
        InputError: what does not fit together or is not there; nothing has been changed then.
        NonFiniteError, LostProcessError, KeyboardInterrupt: see `train_images`.
        Stopped: the disk is full.
    """
    images, plan = opened(name, asked, console=console)
    directory = RunDirectory(out)
    run = ImageRun(
        plan.training,
        images,
        plan.views,
        out=directory.path,
        seed=asked.seed,
        groups=plan.groups,
        evaluate=_monitor(asked, images, console),
        device=asked.device,
        devices=devices_of(asked),
        nodes=asked.nodes,
        workers=asked.workers,
        loggers=tuple(name for name in asked.loggers if name != "none"),
    )
    run.require_parts()
    if _exported(plan) and find_spec("safetensors") is None:
        raise InputError("exporting weights needs safetensors: pip install 'causal-ssl[images]'")
    with _claimed(directory, name, asked), running_out(directory.path):
        trained = train_images(run)
        if is_first_process():
            _leave(directory, plan, trained, console)
    return trained


def opened(
    name: str, asked: Pretraining, *, console: Console, as_if: int | None = None
) -> tuple[Images, Plan]:
    """The training images, and the run that the options come to on them, or on `as_if` images.

    Raises:
        InputError: see `open_images` and `make_plan`.
    """
    resolved(name, asked)  # before anything is listed
    if not asked.data_root:
        raise InputError("no images: give --data-root, the folder that they are in")
    images = _open(asked, "train", console, subset=asked.subset or None)
    return images, make_plan(
        name, asked, n_images=as_if or len(images), n_classes=len(images.classes)
    )


def _open(asked: Pretraining, split: str, console: Console, *, subset: str | None) -> Images:
    with watching(console) as watcher:
        images = open_images(
            asked.data_root,
            split,
            size=asked.working_size,
            subset=subset,
            on_corrupt=asked.on_corrupt,
            watcher=watcher,
        )
    if images.skipped:
        console.print(f"{len(images.skipped):,} unreadable images of {split} are left out")
    return images


def _monitor(asked: Pretraining, images: Images, console: Console) -> Monitor | None:
    if not asked.monitor_images:
        return None
    by_class = bool(asked.subset) and lists_classes(asked.subset, tuple(images.classes))
    subset = asked.subset if by_class else None
    n, size = asked.monitor_images, asked.size
    try:
        val = _open(asked, "val", console, subset=subset)
        score = centres(val, n, size=size, seed=0, classes=images.classes)
    except InputError as error:
        raise InputError(
            f"no validation images to score on: {error}. Give --monitor-images 0 to train without"
        ) from error
    return Monitor(
        centres(images, n, size=size, seed=0),
        score,
        alarm=lambda text: console.print(f"[red]{text}[/red]"),
        workers=asked.workers,
    )


@contextmanager
def _claimed(directory: RunDirectory, name: str, asked: Pretraining) -> Iterator[None]:
    """The directory is this run's; of several processes the first sees to that."""
    if not is_first_process():
        yield
        return
    values = {k: v for k, v in options.to_dict(asked).items() if k not in ELSEWHERE}
    with directory.claim("pretraining", {"method": name, **values}):
        facts = environment.environment(device_of(asked.device))
        if not (directory / "environment.json").exists():
            directory.write("environment.json", json.dumps(facts, indent=2) + "\n")
        yield


def _exported(plan: Plan) -> bool:
    """Whether torchvision has such a network."""
    encoder = plan.training.encoder
    return encoder.name.startswith("resnet") and encoder.stem != "3x3"


def _leave(directory: RunDirectory, plan: Plan, trained: TrainedImages, console: Console) -> None:
    trunk, left = plan.training.encoder.name, ["encoder.pt"]
    if _exported(plan):
        left.append(f"{trunk}.safetensors")
        export_resnet(directory / left[-1], trained.encoder)
    last = trained.metrics[trained.metrics.step == trained.metrics.step.max()]
    scores = dict(zip(last.metric, last.value, strict=True))
    shown = [
        f"{title} {scores[key]:{form}}"
        for key, title, form in (
            ("linear_top1", "linear", ".3f"),
            ("knn_top1", "nearest neighbours", ".3f"),
            ("rank_me", "RankMe", ".1f"),
        )
        if key in scores
    ]
    where = f"{directory.path}: {', '.join(left)}, metrics.csv"
    for line in ([", ".join(shown)] if shown else []) + [where]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
