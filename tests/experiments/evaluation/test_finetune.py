"""`causal-ssl evaluate finetune`, by the command line."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import assert_refused, call, fine_tuning, idx
from torch.nn import functional as F

from causal_ssl.analysis.masked_accuracy import accuracy, hits
from causal_ssl.experiments.catalogue import preset
from causal_ssl.experiments.evaluation.classifier import load_classifier
from causal_ssl.experiments.evaluation.config import OnSplits
from causal_ssl.experiments.evaluation.finetune import evaluation as finetune
from causal_ssl.experiments.evaluation.finetune.retraining import Member
from causal_ssl.experiments.evaluation.images import open_split
from causal_ssl.experiments.evaluation.linear.crops import stack_of
from causal_ssl.models.heads import Head
from causal_ssl.models.image_encoders import ImageEncoder, image_encoder
from causal_ssl.models.weights.digest import weights_digest
from causal_ssl.models.weights.opening import open_encoder
from causal_ssl.randomness import generator_for
from causal_ssl.training import images as training
from causal_ssl.training.images.batches import StepBatches

SEED = 7


arguments_of = partial(fine_tuning, "finetune")
GRID = ("--rates", "0.03", "0.3", "--held-out", "0.25", "--checkpoint-every", "2")


def table_of(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "table.csv")


def weights_of(out: Path) -> dict[str, torch.Tensor]:
    return torch.load(out / "encoder.pt", weights_only=True)["weights"]


def assert_same_weights(one: Path, other: Path) -> None:
    first, second = weights_of(one), weights_of(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_network_is_that_of_a_loop_of_torchs_own(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    encoder: ImageEncoder,
    tmp_path: Path,
) -> None:
    """From the encoder's trunk, batch norm in training mode, the classifier four times as fast."""
    own = ["--head-rate", "0.4", "--schedule", "constant", "--weight-decay", "0.01"]
    assert call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "run", *own))[0] == 0
    train = open_split(OnSplits(data_root=str(imagenet), size=32), "train")
    config = replace(encoder.config, head=Head(), n_outputs=6)
    network = image_encoder(config, seed=SEED).train()
    network.trunk.load_state_dict(encoder.trunk.state_dict())
    groups = [
        {"params": [p for p in part.parameters() if p.ndim in dims], "lr": rate, **decay}
        for part, rate in ((network.trunk, 0.1), (network.head, 0.4))
        for dims, decay in (((2, 4), {"weight_decay": 0.01}), ((1,), {}))
    ]
    sgd = torch.optim.SGD(groups, momentum=0.9, nesterov=True)
    stack, batches = stack_of(32, "bilinear"), StepBatches(train.images, batch_size=12, seed=SEED)
    for step in range(8):
        batch = train.images.batch(batches.indices(step))
        generator = generator_for(SEED, "views", step, 0)
        (view,), _ = stack(batch["image"], generator=generator, aspect=batch["aspect"])
        sgd.zero_grad()
        F.cross_entropy(network(view).final, batch["label"]).backward()
        sgd.step()
    expected = network.state_dict()
    for name, weight in weights_of(tmp_path / "run").items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-4, atol=1e-6)


def test_what_is_exported_gives_the_accuracy_that_is_reported(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    status, said, _ = call(capsys, arguments_of(checkpoint, imagenet, out))
    assert status == 0
    val = open_split(OnSplits(data_root=str(imagenet), size=32), "val")
    opened = open_encoder(out)
    found = training.features(opened.encoder, val.seen, batch_size=16)
    table = table_of(out).set_index("metric")
    for k in (1, 5):
        expected = accuracy(hits(found.final, val.labels, k=k))
        row = table.loc[f"finetune_top{k}"]
        assert row[["value", "low", "high", "n"]].tolist() == [*vars(expected).values()]
        assert row["setting"] == "rate=0.1 epochs=2 batch=12"
    assert "48 labelled images; batch norm: training mode" in table.loc["finetune_top1", "note"]
    assert f"top-1 {100 * table.loc['finetune_top1', 'value']:.1f} %" in said
    probe = load_classifier(out)
    assert probe.classes == tuple(val.classes)
    assert probe.encoder == weights_digest(opened.encoder)
    logits = probe.logits(torch.from_numpy(found.intermediate))
    torch.testing.assert_close(logits, torch.from_numpy(found.final))
    assert opened.classifier is not None
    assert opened.source.endswith("trained here with supervised, from the trunk of another encoder")


def test_its_rate_is_chosen_on_training_images_and_trained_again_on_all(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    status, said, _ = call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "grid", *GRID))
    assert status == 0
    table = table_of(tmp_path / "grid")
    choices = table[table.metric == "choice_top1"].set_index("setting")["value"]
    reported = table.set_index("metric").loc["finetune_top1", "setting"]
    assert choices.index.tolist() == [f"rate={rate} epochs=2 batch=12" for rate in (0.03, 0.3)]
    assert choices[reported] == choices.max()
    assert ((12 * choices) % 1 == 0).all()
    assert "the rate chosen is the" in said
    # As if it had been the only one, on images of which none was held out.
    rate = reported.split()[0].removeprefix("rate=")
    alone = arguments_of(checkpoint, imagenet, tmp_path / "one", "--rates", rate)
    assert call(capsys, alone)[0] == 0
    assert_same_weights(tmp_path / "grid", tmp_path / "one")


def test_test_images_have_no_part_in_it(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(imagenet, root)
    wnids = sorted(path.name for path in (root / "val").iterdir())
    for wnid in wnids[1:]:  # all test images in one class, and others
        for path in (root / "val" / wnid).iterdir():
            path.rename(root / "val" / wnids[0] / path.name)
        (root / "val" / wnid).rmdir()
    for data, out in ((imagenet, "one"), (root, "other")):
        assert call(capsys, arguments_of(checkpoint, data, tmp_path / out, *GRID))[0] == 0
    assert_same_weights(tmp_path / "one", tmp_path / "other")
    one, other = (table_of(tmp_path / out) for out in ("one", "other"))
    assert one[one.metric == "choice_top1"].equals(other[other.metric == "choice_top1"])
    assert not one.equals(other)


def test_the_best_is_the_first_of_the_highest() -> None:
    scores = {
        Member(0.1, 30): float("nan"),
        Member(0.2, 30): 0.5,
        Member(0.3, 30): 0.75,
        Member(0.4, 30): 0.75,
    }
    assert finetune._best(scores) == Member(0.3, 30)


def bars(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Grey images (n, 28, 28) of a bar on noise, upright or lying: the classes."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(n) % 2)
    images = random.integers(0, 120, size=(n, 28, 28))
    for image, label in zip(images, labels, strict=True):
        start = random.integers(0, 24)
        turned = image.T if label else image
        turned[start : start + 4] += random.integers(20, 60, size=(4, 28))
    return images, labels


def test_it_beats_the_frozen_random_encoder_that_it_starts_from(
    capsys: pytest.CaptureFixture[str], checkpoint: Path, tmp_path: Path
) -> None:
    """On 200 test images; by more than twice the standard error of a difference, 0.05 at most."""
    data = tmp_path / "bars"
    data.mkdir()
    for k, (prefix, n) in enumerate({"train": 300, "t10k": 200}.items()):
        images, labels = bars(n, seed=k)
        (data / f"{prefix}-images-idx3-ubyte").write_bytes(idx(images))
        (data / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))
    where = ["--checkpoint", str(checkpoint), "--data-root", str(data), "--device", "cpu"]
    frozen = ["evaluate", "linear", *where, "--workers", "0", "--out", str(tmp_path / "frozen")]
    assert call(capsys, [*frozen, "--rates", "0.1", "1", "10", "--epochs", "40"])[0] == 0
    moved = ["evaluate", "finetune", *where, "--workers", "0", "--out", str(tmp_path / "moved")]
    rate = ["--rates", "0.1", "--epochs", "10", "--batch-size", "50", "--least-area", "0.8"]
    assert call(capsys, [*moved, *rate])[0] == 0
    before, after = (table_of(tmp_path / name)["value"][0] for name in ("frozen", "moved"))
    assert after > before + 0.1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--rates", "0"], "rates must be above 0, got 0"),
        (["--head-rate", "0"], "--head-rate must be above 0, got 0"),
        (["--optimiser", "nestrov"], "unknown --optimiser 'nestrov': did you mean 'nesterov'?"),
        (["--momentum", "0"], "momentum must be above 0, got 0"),
        (["--momentum", "1"], "--momentum must be below 1, got 1"),
        (["--batch-size", "49"], "48 samples for a batch of 49: lower batch_size"),
        ([*GRID, "--batch-size", "40"], "36 samples for a batch of 40: lower batch_size"),
        (["--accumulate", "5"], "batch_size 12 on 1 devices in 5 micro-batches: give a multiple"),
        (["--precision", "tf32"], "precision 'tf32' on cpu"),
        (["--features", "kept"], "unknown option --features"),
        (["--checkpoint", "nowhere.pt"], "nowhere.pt"),
        (["--subset", "nowhere.txt"], "the list nowhere.txt cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_made(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    tmp_path: Path,
    change: list[str],
    says: str,
) -> None:
    run = tmp_path / "run"
    assert_refused(capsys, [*arguments_of(checkpoint, imagenet, run), *change], says, run)


def test_the_papers_protocol_is_as_published() -> None:
    paper = preset("evaluation-finetune", "byol")
    assert sorted(paper["rates"]) == [0.005, 0.01, 0.02, 0.05, 0.1]
    assert (paper["epochs"], paper["batch_size"]) == ([30, 50], 1024)
    assert (paper["optimiser"], paper["momentum"], paper["weight_decay"]) == ("nesterov", 0.9, 0.0)
