"""Two processes train as one would on the joined batch."""

import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

import causal_ssl.training.images.fit  # noqa: F401  (so that forked processes need not import it)
from causal_ssl import methods
from causal_ssl.models import image_encoders
from causal_ssl.models.heads import Head
from causal_ssl.models.image_encoders import EncoderConfig, Features
from causal_ssl.models.weights import load_encoder
from causal_ssl.objectives import Positives
from causal_ssl.training.images import (
    ImageProgress,
    ImageTraining,
    LostProcessError,
    TrainedImages,
)
from causal_ssl.training.images.metrics import read_metrics
from causal_ssl.training.images.module import ImageModule
from causal_ssl.training.images.run import ImageRun

Run = Callable[..., TrainedImages]

LAST = "checkpoints/step-000000012.ckpt"


class Plain(nn.Module):
    """Without batch norm, which is over each process alone on CPUs."""

    def __init__(self, sigmoid: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 5), nn.Tanh())
        self.sigmoid = sigmoid

    def forward(self, images: Tensor) -> Features:
        final = self.layers(images)
        return Features(final.sigmoid() if self.sigmoid else final, final)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def in_two(work: Callable[[int], None], exits: tuple[int, int] = (0, 0)) -> None:
    """Run `work(rank)` in two processes that know of each other as a launcher would tell them."""
    port = free_port()

    def child(rank: int) -> None:
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "NODE_RANK": "0"}
        os.environ.update(place, WORLD_SIZE="2", RANK=str(rank), LOCAL_RANK=str(rank))
        work(rank)

    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=child, args=(rank,)) for rank in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert tuple(process.exitcode for process in processes) == exits


Entry = tuple[str, str | None]
"""A method, and which samples are its positives if it can be told."""


def entries() -> list[Entry]:
    """Every method, with every kind of positives that it takes."""
    found: list[Entry] = []
    for name in methods.all_names():
        kinds = get_args(Positives) if "positives" in methods.get(name).options else (None,)
        found += [(name, kind) for kind in kinds]
    return found


def training(entry: Entry) -> ImageTraining:
    """With whatever the entry needs, and a predictor where there is a target network."""
    name, positives = entry
    method = methods.get(name)
    options = {} if positives is None else {"positives": positives}
    return ImageTraining(
        steps=1,
        batch_size=2,
        method=name,
        objective=options,
        encoder=EncoderConfig("conv4", n_outputs=5),
        predictor=Head((6,)) if method.target else None,
        queue=7 if method.objective(**options).takes_negatives else 0,
    )


def gradients(entry: Entry, views: list[Tensor], groups: Tensor, out: Path) -> dict[str, Tensor]:
    """Of the objective, by all weights, for this process's views."""
    config = training(entry)
    takes_groups = config.make_objective().takes_groups
    labels = len if takes_groups else None
    run = ImageRun(config, torch.zeros(2), plain_views, out=out, seed=0, groups=labels)
    module = ImageModule(run)
    torch.manual_seed(0)
    module.encoder = Plain(methods.get(config.method).output == "sigmoid")
    if module.target is not None:
        torch.manual_seed(1)
        module.target.network = Plain(False).requires_grad_(False)
    if module.queue is not None:
        module.queue.groups.copy_(torch.arange(7) % 4)
    module.double()
    module.terms(views, groups if takes_groups else None)["loss"].backward()
    return {name: p.grad for name, p in module.trained.items()}


def test_gradients_of_every_method_are_those_of_one_process(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    views = list(torch.randn(2, 12, 3, 16, 16, generator=generator, dtype=torch.float64))
    groups = torch.randint(3, (12,), generator=generator)
    one = {entry: gradients(entry, views, groups, tmp_path) for entry in entries()}
    assert any("predictor.0.weight" in found for found in one.values())

    def work(rank: int) -> None:
        dist.init_process_group("gloo")
        mine = slice(6 * rank, 6 * rank + 6)
        for entry, expected in one.items():
            share = gradients(entry, [view[mine] for view in views], groups[mine], tmp_path)
            for name, gradient in share.items():
                dist.all_reduce(gradient)  # what DistributedDataParallel does: sum, divide
                torch.testing.assert_close(gradient / 2, expected[name], rtol=0, atol=1e-12)
        dist.destroy_process_group()

    in_two(work)


def plain_views(batch: Tensor, generator: torch.Generator):
    return [batch / 255, batch.flip(3) / 255], None


@pytest.mark.parametrize(
    "options",
    [
        {"method": "relic_t"},
        {"method": "moco_v2", "objective": {}, "queue": 13, "accumulate": 2},
        {"method": "byol", "objective": {}, "predictor": Head((6,))},
    ],
)
def test_a_run_of_two_processes_is_that_of_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict
) -> None:
    def trunk(config: EncoderConfig) -> tuple[nn.Module, int]:
        return nn.Sequential(nn.Conv2d(3, 4, 4, stride=4), nn.Flatten()), 64

    monkeypatch.setitem(image_encoders.TRUNKS, "conv4", trunk)
    # Without the random part of views: that is another one in each process.
    arguments = {"views": plain_views, "steps": 12, **options}
    one = run("one", **arguments)
    in_two(lambda rank: run("two", devices=2, **arguments))
    two = load_encoder(tmp_path / "two")
    for a, b in zip(one.encoder.parameters(), two.parameters(), strict=True):
        # Adam turns rounding of small gradients into up to a learning rate, 1e-3, a step.
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5)
    metrics = read_metrics(tmp_path / "two" / "metrics.csv")
    pd.testing.assert_frame_equal(metrics, one.metrics, rtol=1e-5)
    queues = [
        torch.load(tmp_path / name / LAST, weights_only=True)["state_dict"].get("queue.outputs")
        for name in ("one", "two")
    ]
    if options.get("queue"):
        torch.testing.assert_close(*queues, rtol=0, atol=1e-4)


def dying(rank: int, step: int) -> None:
    """From now on, a kill -9 to this process if it is `rank`, in the middle of a step."""
    calls, adam = [], torch.optim.Adam.step

    def step_or_die(self, *args, **kwargs):
        calls.append(0)
        if len(calls) == step and os.environ["RANK"] == str(rank):
            os.kill(os.getpid(), signal.SIGKILL)
        return adam(self, *args, **kwargs)

    pytest.MonkeyPatch().setattr(torch.optim.Adam, "step", step_or_die)


def test_a_killed_process_stops_the_others(run: Run, tmp_path: Path) -> None:
    def killed(rank: int) -> None:
        dying(0, step=9)
        message = r"ended or does not answer.*step-000000006\.ckpt.*Repeat the same command"
        with pytest.raises(LostProcessError, match=message):
            run("killed", devices=2, steps=12)

    in_two(killed, exits=(-9, 0))
    kept = [path.name for path in (tmp_path / "killed" / "checkpoints").iterdir()]
    assert kept == ["step-000000006.ckpt"]
    load_encoder(tmp_path / "killed")  # whole


def test_an_evaluation_that_others_do_not_wait_for_is_named(run: Run, tmp_path: Path) -> None:
    def evaluate(encoder: nn.Module) -> dict[str, float]:
        time.sleep(5)
        return {"score": 0.0}

    def impatient(rank: int) -> None:
        waits = timedelta(seconds=2)
        pytest.MonkeyPatch().setattr("causal_ssl.training.images.fit.PATIENCE", waits)
        said = "ended or does not answer. The first evaluates alone, while others wait no more than"
        with pytest.raises(LostProcessError, match=said):
            run("slow", devices=2, steps=4, evaluate_every=2, evaluate=evaluate)

    in_two(impatient)


def under_torchrun() -> None:
    """What the environment of one of two processes is that `torchrun` has started."""
    os.environ.update(TORCHELASTIC_RUN_ID="none", GROUP_WORLD_SIZE="1", GROUP_RANK="0")


def test_under_torchrun_a_killed_run_ends_as_an_uninterrupted_one(run: Run, tmp_path: Path) -> None:
    def killed(rank: int) -> None:
        under_torchrun()
        dying(1, step=9)
        with pytest.raises(LostProcessError):
            run("killed", steps=12)  # nothing says that there are two processes

    def resumed(rank: int) -> None:
        under_torchrun()
        run("killed", steps=12)

    in_two(killed, exits=(0, -9))
    in_two(resumed)
    in_two(lambda rank: run("whole", devices=2, steps=12))
    assert_same(tmp_path / "killed", tmp_path / "whole")


def test_two_processes_stop_together_and_continue(run: Run, tmp_path: Path) -> None:
    def stopped(rank: int) -> None:
        # Only the first process reports, and so is asked; the other learns of it.
        def ask(progress: ImageProgress) -> None:
            if progress.step == 5:
                os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(KeyboardInterrupt, match="after step 8 of 12"):
            run("stopped", devices=2, steps=12, on_progress=ask)

    in_two(stopped)
    in_two(lambda rank: run("stopped", devices=2, steps=12))
    in_two(lambda rank: run("whole", devices=2, steps=12))
    assert_same(tmp_path / "stopped", tmp_path / "whole")


def assert_same(a: Path, b: Path) -> None:
    assert (a / "metrics.csv").read_bytes() == (b / "metrics.csv").read_bytes()
    pairs = zip(load_encoder(a).parameters(), load_encoder(b).parameters(), strict=True)
    assert all(torch.equal(x, y) for x, y in pairs)
