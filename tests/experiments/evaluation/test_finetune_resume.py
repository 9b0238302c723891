"""Fine-tuning that is killed, repeated, or diverges."""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import torch
from helpers import call, fine_tuning

import causal_ssl.training.images.fit  # noqa: F401  (so that forked processes need not import it)
from causal_ssl import cli

arguments_of = partial(fine_tuning, "finetune")
GRID = ("--rates", "0.03", "0.3", "--held-out", "0.25", "--checkpoint-every", "2")


def killed_in_step(number: int, arguments: Sequence[str]) -> None:
    """Run a command in a process of its own, until it dies when that optimiser step is done."""

    def child() -> None:
        steps, step = [], torch.optim.SGD.step

        def dying(self, *args, **kwargs):
            result = step(self, *args, **kwargs)
            steps.append(0)
            if len(steps) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        torch.optim.SGD.step = dying  # type: ignore[method-assign]
        cli.main(list(arguments))

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_killed_and_repeated_it_ends_as_if_it_had_not_been(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert call(capsys, arguments_of(checkpoint, imagenet, whole, *GRID))[0] == 0
    arguments = arguments_of(checkpoint, imagenet, broken, *GRID)
    # Of two times 6 steps to choose by: the third of the second, whose first 2 are kept.
    killed_in_step(9, arguments)
    assert not (broken / "encoder.pt").exists()
    # Of its other 4 and the 8 on all images: the fifth of these.
    killed_in_step(9, arguments)
    assert [path.name for path in sorted((broken / "checkpoints").iterdir())] == [
        "step-000000002.ckpt",
        "step-000000004.ckpt",
    ]
    assert call(capsys, arguments)[0] == 0
    one, other = (torch.load(out / "encoder.pt", weights_only=True) for out in (whole, broken))
    assert one["weights"].keys() == other["weights"].keys()
    assert all(torch.equal(one["weights"][name], other["weights"][name]) for name in one["weights"])
    for name in ("table.csv", "metrics.csv"):
        assert (whole / name).read_bytes() == (broken / name).read_bytes()
    assert not list((broken / "grid").rglob("*.ckpt"))


def test_finished_it_trains_no_more(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = arguments_of(checkpoint, imagenet, tmp_path / "run", *GRID)
    assert call(capsys, arguments)[0] == 0
    before = (tmp_path / "run" / "table.csv").read_bytes()
    monkeypatch.setattr("causal_ssl.training.images.fit.fit", None)
    assert call(capsys, arguments)[0] == 0
    assert (tmp_path / "run" / "table.csv").read_bytes() == before


def test_a_training_that_diverges_is_not_chosen_and_not_tried_again(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    grid = [*GRID, "--rates", "1e30", "0.1", "--log-every", "1"]
    arguments = arguments_of(checkpoint, imagenet, tmp_path / "run", *grid)
    for _ in range(2):
        status, said, _ = call(capsys, arguments)
        assert status == 0
        assert "1 of 2 trainings diverged" in said
    table = pd.read_csv(tmp_path / "run" / "table.csv")
    choices = table[table.metric == "choice_top1"].set_index("setting")["value"]
    assert choices.isna().tolist() == [True, False]
    assert table["setting"][0] == "rate=0.1 epochs=2 batch=12"


def test_all_that_diverge_are_an_error(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    short = ["--log-every", "1", "--checkpoint-every", "9"]
    all_high = [*GRID, *short, "--rates", "1e30", "2e30"]
    status, _, err = call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "two", *all_high))
    assert status == 2
    assert "all of 2 trainings diverged" in err
    one = [*short, "--rates", "1e30"]
    status, _, err = call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "one", *one))
    assert status == 1
    assert "not finite at step" in err
    assert "A lower learning rate than 1e+30 may help" in err
