"""A run that was killed, however often and whenever, ends bit for bit as one that was not."""

import io
import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from timm.optim.lars import Lars

import causal_ssl.training.images.fit  # noqa: F401  (so that forked processes need not import it)
from causal_ssl import files
from causal_ssl.errors import InputError
from causal_ssl.methods import Optimiser
from causal_ssl.models.heads import Head
from causal_ssl.training.images import ImageProgress, TrainedImages
from causal_ssl.training.images.module import ImageModule

Run = Callable[..., TrainedImages]
Kill = Callable[[pytest.MonkeyPatch], None]

# Both have state beside the weights: a multiplier, moving averages, a queue.
METHOD = {"method": "relic_t", "objective": {"rho": 0.01, "alpha": None, "similarity": "cosine"}}
QUEUED = {
    "method": "moco_v2",
    "objective": {},
    "predictor": Head((6,), batch_norm=True),
    "queue": 13,
    "accumulate": 2,
    "optimiser": Optimiser("lars", 1e-3),
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_step(number: int, optimiser: type = torch.optim.Adam) -> Kill:
    """When half of an optimiser step's work is done: weights moved, nothing recorded."""

    def prepare(patch: pytest.MonkeyPatch) -> None:
        calls, step = [], optimiser.step

        def dying(self, *args, **kwargs):
            result = step(self, *args, **kwargs)
            calls.append(0)
            return die() if len(calls) == number else result

        patch.setattr(optimiser, "step", dying)

    return prepare


def in_micro_batch(number: int) -> Kill:
    """Between two micro-batches of a step."""

    def prepare(patch: pytest.MonkeyPatch) -> None:
        step = ImageModule.training_step

        def dying(self, batch, batch_idx):
            return die() if batch_idx == number else step(self, batch, batch_idx)

        patch.setattr(ImageModule, "training_step", dying)

    return prepare


def in_checkpoint(number: int) -> Kill:
    """When half of a checkpoint is on the disk."""

    def prepare(patch: pytest.MonkeyPatch) -> None:
        calls, save = [], torch.save

        def dying(state, file):
            calls.append(0)
            save(state, file)
            if len(calls) == number:
                file.truncate(file.tell() // 2)
                file.flush()
                die()

        patch.setattr(torch, "save", dying)

    return prepare


def in_log(number: int) -> Kill:
    """After a row of the log, before the checkpoint of the same step."""

    def prepare(patch: pytest.MonkeyPatch) -> None:
        calls, fsync = [], os.fsync

        def dying(descriptor):
            fsync(descriptor)
            calls.append(0)
            if len(calls) == number:
                die()

        patch.setattr("causal_ssl.training.images.metrics.os.fsync", dying)

    return prepare


def killed(run: Run, kill: Kill, **changes) -> None:
    """Train in a process of its own, until it kills itself."""

    def child() -> None:
        kill(pytest.MonkeyPatch())
        run(**changes)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def assert_same(tmp_path: Path, a: str, b: str) -> None:
    """Same weights, in every file; same log, byte for byte."""
    logs = [(tmp_path / name / "metrics.csv").read_bytes() for name in (a, b)]
    assert logs[0] == logs[1]
    for file in ("encoder.pt", "checkpoints/step-000000024.ckpt"):
        first, second = (torch.load(tmp_path / name / file, weights_only=True) for name in (a, b))
        for part in ("weights", "state_dict", "optimizer_states"):
            assert_equal(first.get(part), second.get(part))


def assert_equal(a, b) -> None:
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_equal(a[key], b[key])
    elif isinstance(a, list):
        for x, y in zip(a, b, strict=True):
            assert_equal(x, y)
    elif isinstance(a, torch.Tensor):
        assert torch.equal(a, b)
    else:
        assert a == b


@pytest.mark.parametrize("workers", [0, 2])
def test_killed_and_resumed_is_uninterrupted(run: Run, tmp_path: Path, workers: int) -> None:
    run("whole", **METHOD)
    # Checkpoints come at 6, 12, 18, 24 and rows at 4, 8, ...: before any checkpoint, off both,
    # while the one of step 12 is written, between the row and the checkpoint of step 24.
    for kill in (in_step(4), in_step(9), in_checkpoint(1), in_log(10)):
        killed(run, kill, out="killed", workers=workers, **METHOD)
        assert not (tmp_path / "killed" / "encoder.pt").exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        run("killed", workers=workers, **METHOD)
    assert_same(tmp_path, "whole", "killed")
    assert not list((tmp_path / "killed").rglob(f"{files.PARTIAL}*"))


def test_killed_with_predictor_queue_and_micro_batches(run: Run, tmp_path: Path) -> None:
    run("whole", **QUEUED)
    for kill in (in_step(9, Lars), in_micro_batch(2 * 13 + 1)):
        killed(run, kill, out="killed", workers=2, **QUEUED)
    run("killed", workers=2, **QUEUED)
    assert_same(tmp_path, "whole", "killed")


def test_killed_between_the_last_checkpoint_and_the_encoder(run: Run, tmp_path: Path) -> None:
    run("whole")
    # Four checkpoints, the fifth file is the encoder's.
    killed(run, in_checkpoint(5), out="killed")
    run("killed")
    assert_same(tmp_path, "whole", "killed")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_saves_after_the_step(run: Run, tmp_path: Path, number: int) -> None:
    handler = signal.getsignal(number)

    def ask(progress: ImageProgress) -> None:
        if progress.step == 9:
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt, match=r"after step 10 of 24: .*step-000000010\.ckpt"):
        run("stopped", on_progress=ask)
    assert signal.getsignal(number) == handler
    run("stopped")
    run("whole")
    assert_same(tmp_path, "whole", "stopped")


def test_what_the_report_raises_ends_training(run: Run) -> None:
    def interrupt(progress: ImageProgress) -> None:
        if progress.step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"step 7 of 24: .*step-000000006\.ckpt is kept"):
        run(on_progress=interrupt)


def test_a_damaged_checkpoint_says_how_to_go_on(run: Run, tmp_path: Path) -> None:
    run("whole")
    (tmp_path / "whole" / "encoder.pt").unlink()
    last = tmp_path / "whole" / "checkpoints" / "step-000000024.ckpt"
    whole = last.read_bytes()
    last.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="delete it to continue from the one before"):
        run("whole")
    last.unlink()
    run("whole")
    contents = io.BytesIO(last.read_bytes()), io.BytesIO(whole)
    again, before = (torch.load(content, weights_only=True) for content in contents)
    assert_equal(again["state_dict"], before["state_dict"])


def test_the_checkpoint_of_another_run_is_refused(run: Run, tmp_path: Path) -> None:
    killed(run, in_step(9), out="killed")
    files_there = [tmp_path / "killed" / name for name in ("metrics.csv", "training.json")]
    before = [path.read_bytes() for path in files_there]
    with pytest.raises(InputError, match=r"seed is 3 there, 4 here.*give another path"):
        run("killed", seed=4)
    assert [path.read_bytes() for path in files_there] == before
