"""Runs by the command line on an ImageNet-shaped tree: started, killed, continued, the same."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
import torchvision
from helpers import call

from causal_ssl import methods
from causal_ssl.models.weights import load_encoder

DummyLogger = pytest.importorskip("lightning.pytorch.loggers.logger").DummyLogger

SMALL = shlex.split(
    "--size 32 --working-size 40 --batch-size 16 --steps 12 --warmup-epochs 1 --log-every 2"
    " --checkpoint-every 2 --workers 0 --device cpu --optimiser lars --learning-rate 0.1"
    " --monitor-images 16 --monitor-every 6"
    " --compile false --precision float32"
)
SHORT = ["--steps", "2", "--warmup-epochs", "0"]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def arguments_of(
    method: str, root: Path, out: Path, *more: str, encoder: str = "conv4"
) -> list[str]:
    data = ["--data-root", str(root), "--out", str(out), "--encoder", encoder]
    recipe = methods.get(method).image_recipe()
    heads = [] if recipe.n_outputs is None else ["--critic", "32-16"]
    heads += [] if recipe.predictor is None else ["--predictor", "32-16"]
    return ["pretrain", method, *SMALL, *heads, *data, *more]


def weights_of(out: Path) -> dict[str, torch.Tensor]:
    return load_encoder(out).state_dict()


def assert_same_run(one: Path, other: Path) -> None:
    ours, theirs = weights_of(one), weights_of(other)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert (one / "metrics.csv").read_bytes() == (other / "metrics.csv").read_bytes()


def kill_when(command: list[str], condition: object, seconds: float = 120.0) -> None:
    """Start a command, and kill it and all that it started as soon as the condition holds."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command, stdout=said, stderr=said, env=ENVIRONMENT, start_new_session=True
        )
        deadline = time.monotonic() + seconds
        while process.poll() is None and not condition():  # type: ignore[operator]
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.01)
        if process.poll() is not None:
            said.seek(0)
            pytest.fail(f"ended before it was killed: {said.read()[-3000:]}")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("method", ["relic", "relic_t"])
def test_a_killed_run_continues_and_ends_bit_for_bit_the_same(
    capsys: pytest.CaptureFixture[str], imagenet: Path, tmp_path: Path, method: str
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert call(capsys, arguments_of(method, imagenet, whole))[0] == 0
    command = [sys.executable, "-m", "causal_ssl", *arguments_of(method, imagenet, killed)]
    kill_when(command, lambda: len(list(killed.glob("checkpoints/*.ckpt"))) >= 2)
    assert not (killed / "encoder.pt").exists()
    assert call(capsys, arguments_of(method, imagenet, killed))[0] == 0
    assert_same_run(whole, killed)


def test_two_processes_of_torchrun_killed_and_continued(imagenet: Path, tmp_path: Path) -> None:
    def command(out: Path) -> list[str]:
        start = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node=2",
        ]
        return [*start, "-m", "causal_ssl", *arguments_of("relic_t", imagenet, out)]

    def run(out: Path) -> None:
        done = subprocess.run(command(out), env=ENVIRONMENT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run(whole)
    kill_when(command(killed), lambda: len(list(killed.glob("checkpoints/*.ckpt"))) >= 2)
    assert not (killed / "encoder.pt").exists()
    run(killed)
    assert_same_run(whole, killed)


def test_a_resnet_leaves_weights_that_torchvision_reads(
    capsys: pytest.CaptureFixture[str], imagenet: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    arguments = arguments_of("supervised", imagenet, tmp_path / "run", *SHORT, encoder="resnet18")
    status, out, _ = call(capsys, arguments)
    assert status == 0
    assert "resnet18.safetensors" in out
    network = torchvision.models.resnet18()
    weights = load_file(tmp_path / "run" / "resnet18.safetensors")
    missing, unexpected = network.load_state_dict(weights, strict=False)
    assert (set(missing), unexpected) == ({"fc.weight", "fc.bias"}, [])


def test_metrics_have_losses_probes_and_rates(
    capsys: pytest.CaptureFixture[str], imagenet: Path, tmp_path: Path
) -> None:
    assert call(capsys, arguments_of("relic", imagenet, tmp_path / "run"))[0] == 0
    metrics = pd.read_csv(tmp_path / "run" / "metrics.csv").pivot(
        index="step", columns="metric", values="value"
    )
    assert metrics.index.tolist() == [2, 4, 6, 8, 10, 12]
    assert metrics["contrastive"].notna().all()
    difference = metrics["loss"] - metrics["contrastive"] - metrics["invariance"]
    assert difference.abs().max() < 1e-5
    assert metrics["learning_rate"].max() <= 0.1
    assert metrics.loc[[6, 12], "knn_top1"].between(0, 1).all()
    assert metrics["linear_top1"].notna().sum() == 2
    assert metrics.loc[12, "rank_me"] >= 1


@pytest.mark.parametrize("named", ["wandb", "none"])
def test_logs_go_to_what_was_named_alone(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    named: str,
) -> None:
    rows: list[dict[str, float]] = []

    class Kept(DummyLogger):
        def log_metrics(self, metrics: dict[str, float], step: int) -> None:
            rows.append(metrics)

    monkeypatch.setattr("causal_ssl.training.images.fit.wandb", lambda *_: Kept())
    arguments = arguments_of("relic", imagenet, tmp_path / "run", *SHORT, "--loggers", named)
    assert call(capsys, arguments)[0] == 0
    assert any("metrics/loss" in row for row in rows) == (named == "wandb")
    assert not (tmp_path / "run" / "tensorboard").exists()


def test_a_dry_run_says_what_the_whole_run_takes_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = arguments_of(
        "relic_t", imagenet, tmp_path / "run", "--accumulate", "2", "--dry-run"
    )
    status, out, _ = call(capsys, arguments)
    assert status == 0
    said = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in out.strip().splitlines()[-12:])
    assert said["images"] == "48 of 4 classes"
    assert "batch 16 = 8 images x 2 micro-batches" in said["steps"]
    assert said["measured"].startswith("3 steps of 8 images")
    assert said["probes"].startswith("2 x ")
    assert {"time", "memory", "disk", "optimiser", "views", "target"} <= set(said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--data-root", "nowhere"], "nowhere is not a folder"),
        (["--batch-size", "64"], "48 images for a batch of 64"),
        (["--accumulate", "3"], "give a multiple of 3 with at least 2 images for each"),
        (["--views", "supervised"], "views 'supervised' are 1: relic takes 2 or more"),
        (["--alpha", "-1"], "alpha must be at least 0, got -1"),
        (["--tau", "0"], "tau must be above 0, got 0"),
        (["--precision", "tf32"], "precision 'tf32' on cpu"),
        (["--preset", "imagenet"], "unknown preset 'imagenet': did you mean 'imagenet-resnet50'"),
        (["--loggers", "wandv"], "unknown logger 'wandv': did you mean 'wandb'?"),
        (["--epoch", "3"], "unknown option --epoch: did you mean --epochs?"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_made(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    tmp_path: Path,
    change: list[str],
    says: str,
) -> None:
    status, _, err = call(capsys, [*arguments_of("relic", imagenet, tmp_path / "run"), *change])
    assert status == 2
    assert says in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_run_of_another_method_is_not_continued(
    capsys: pytest.CaptureFixture[str], imagenet: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert call(capsys, arguments_of("relic", imagenet, out, *SHORT))[0] == 0
    status, _, err = call(capsys, arguments_of("simclr", imagenet, out, *SHORT))
    assert status == 2
    assert "method: relic there, simclr asked" in err


def test_a_run_is_repeated_from_its_config_file(
    capsys: pytest.CaptureFixture[str], imagenet: Path, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert call(capsys, arguments_of("relic", imagenet, one, *SHORT))[0] == 0
    again = ["--config", str(one / "config.yaml"), "--data-root", str(imagenet), "--workers", "0"]
    assert call(capsys, ["pretrain", "relic", *again, "--out", str(other)])[0] == 0
    assert_same_run(one, other)
    status, _, err = call(capsys, ["pretrain", "byol", *again, "--out", str(tmp_path / "x")])
    assert status == 2
    assert "is for the method 'relic', not 'byol'" in err


def test_a_single_class_leaves_classifiers_out(
    capsys: pytest.CaptureFixture[str], imagenet: Path, tmp_path: Path
) -> None:
    for split in ("train", "val"):
        shutil.copytree(imagenet / split / "n02123394", tmp_path / "data" / split / "all")
    out = tmp_path / "run"
    small = ["--batch-size", "4", *SHORT]
    assert call(capsys, arguments_of("relic", tmp_path / "data", out, *small))[0] == 0
    metrics = set(pd.read_csv(out / "metrics.csv")["metric"])
    assert "rank_me" in metrics
    assert not {"knn_top1", "linear_top1"} & metrics


def test_a_small_stem_is_trained_and_not_exported(
    capsys: pytest.CaptureFixture[str], imagenet: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    arguments = arguments_of("simclr", imagenet, out, *SHORT, "--stem", "3x3", encoder="resnet18")
    assert call(capsys, arguments)[0] == 0
    assert (out / "encoder.pt").exists()
    assert not list(out.glob("*.safetensors"))
