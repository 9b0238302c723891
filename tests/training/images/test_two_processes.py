"""Two processes train as one would on the joined batch."""

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

import causal_ssl.training.images.fit  # noqa: F401  (so that forked processes need not import it)
from causal_ssl import methods
from causal_ssl.models import image_encoders
from causal_ssl.models.image_encoders import EncoderConfig, Features
from causal_ssl.training.images import (
    ImageProgress,
    ImageTraining,
    TrainedImages,
    load_encoder,
)
from causal_ssl.training.images.metrics import read_metrics
from causal_ssl.training.images.module import ImageModule
from causal_ssl.training.images.run import ImageRun

Run = Callable[..., TrainedImages]


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


def in_two(work: Callable[[int], None]) -> None:
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
    assert [process.exitcode for process in processes] == [0, 0]


def gradients(method: str, views: list[Tensor], groups: Tensor, out: Path) -> list[Tensor]:
    """Of the objective, by the weights of an encoder of this process's views."""
    takes_groups = methods.get(method).takes_groups
    config = ImageTraining(
        steps=1, batch_size=2, method=method, encoder=EncoderConfig("conv4"), learning_rate=1e-3
    )
    run = ImageRun(
        config, torch.zeros(2), lambda *_: None, out, 0, groups=len if takes_groups else None
    )
    module = ImageModule(run)
    torch.manual_seed(0)
    module.encoder = Plain(methods.get(method).output == "sigmoid").double()
    if module.target is not None:
        torch.manual_seed(1)
        module.target.network = Plain(False).double()
    module.terms(views, groups if takes_groups else None)["loss"].backward()
    return [p.grad for p in module.encoder.parameters()]


def test_gradients_of_every_method_are_those_of_one_process(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    views = list(torch.randn(2, 12, 3, 16, 16, generator=generator, dtype=torch.float64))
    groups = torch.randint(3, (12,), generator=generator)
    names = methods.names(takes_groups=None)
    one = {name: gradients(name, views, groups, tmp_path) for name in names}

    def work(rank: int) -> None:
        dist.init_process_group("gloo")
        mine = slice(6 * rank, 6 * rank + 6)
        for name in names:
            share = gradients(name, [view[mine] for view in views], groups[mine], tmp_path)
            for gradient, expected in zip(share, one[name], strict=True):
                dist.all_reduce(gradient)  # what DistributedDataParallel does: sum, divide
                torch.testing.assert_close(gradient / 2, expected, rtol=0, atol=1e-10)
        dist.destroy_process_group()

    in_two(work)


def plain_views(batch: Tensor, generator: torch.Generator):
    return [batch / 255, batch.flip(3) / 255], None


def test_a_run_of_two_processes_is_that_of_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trunk(config: EncoderConfig) -> tuple[nn.Module, int]:
        return nn.Sequential(nn.Conv2d(3, 4, 4, stride=4), nn.Flatten()), 64

    monkeypatch.setitem(image_encoders.TRUNKS, "conv4", trunk)
    # Without the random part of views: that is another one in each process.
    arguments = {"method": "relic_t", "views": plain_views, "steps": 12}
    one = run("one", **arguments)
    in_two(lambda rank: run("two", devices=2, **arguments))
    two = load_encoder(tmp_path / "two")
    for a, b in zip(one.encoder.parameters(), two.parameters(), strict=True):
        # Adam turns rounding of small gradients into up to a learning rate, 1e-3, a step.
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5)
    metrics = read_metrics(tmp_path / "two" / "metrics.csv")
    pd.testing.assert_frame_equal(metrics, one.metrics, rtol=1e-5)


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
