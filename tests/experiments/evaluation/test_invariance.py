"""`causal-ssl evaluate invariance`: exact symmetries have gap 0, and the rest is what it says."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import helpers
import numpy as np
import pandas as pd
import pytest
import torch
from helpers import assert_refused, call
from rich.console import Console
from torch import Tensor, nn

from causal_ssl.datasets.corruptions import CORRUPTIONS, corrupt
from causal_ssl.experiments import evaluation
from causal_ssl.experiments.evaluation.config import OnSplits
from causal_ssl.experiments.evaluation.encoders import open_subject
from causal_ssl.experiments.evaluation.images import open_split
from causal_ssl.experiments.evaluation.invariance import config
from causal_ssl.experiments.evaluation.invariance import evaluation as invariance
from causal_ssl.experiments.evaluation.invariance.config import Invariance
from causal_ssl.experiments.evaluation.invariance.images import (
    IDENTITY,
    OPERATIONS,
    draws_anything,
    sample,
    titles,
)
from causal_ssl.experiments.evaluation.invariance.measures import Outputs, gap_rows
from causal_ssl.experiments.evaluation.invariance.words import Found, caveats, discussion, finding
from causal_ssl.experiments.page import Drawn
from causal_ssl.models.image_encoders import ImageEncoder, image_encoder
from causal_ssl.models.weights.runs import save_encoder
from causal_ssl.randomness import generator_for

NAMES = ("identity", "crop", "flip", "fog")


def asked_of(checkpoint: Path, root: Path, **changes: object) -> Invariance:
    base = Invariance(
        checkpoint=str(checkpoint),
        data_root=str(root),
        size=32,
        at_once=16,
        workers=0,
        device="cpu",
        augmentations=NAMES,
        images=20,
        k=9,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


class Symmetrised(nn.Module):
    """A trunk of an image and its mirror image: it makes the same of both, to the bit."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, images: Tensor) -> Tensor:
        values: Tensor = self.trunk(images) + self.trunk(images.flip(-1))
        return values / 2


class Constant(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, images: Tensor) -> Tensor:
        return torch.ones(len(images), self.width)


@pytest.fixture(scope="session")
def encoder(imagenet: Path) -> ImageEncoder:
    """Fresh weights, but its batch norms know these images: its features tell them apart."""
    network = image_encoder("conv4", seed=0).train()
    images = open_split(OnSplits(data_root=str(imagenet), size=32), "train").seen
    with torch.no_grad():
        for _ in range(30):
            network(images.batch(np.arange(len(images)))["image"])
    return network.eval()


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, encoder: ImageEncoder) -> Path:
    """Its file."""
    path = tmp_path_factory.mktemp("calibrated") / "encoder.pt"
    save_encoder(path, encoder, {"method": "none"})
    return path


Run = Callable[..., pd.DataFrame]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, imagenet: Path, checkpoint: Path, tmp_path: Path) -> Run:
    """Evaluate with a trunk of one's own, without figures; the table."""
    monkeypatch.setattr(invariance, "page", lambda _: Drawn("", {}, ""))

    def evaluated(
        trunk: Callable[[ImageEncoder], nn.Module] | None = None, **changes: object
    ) -> pd.DataFrame:
        asked = replace(asked_of(checkpoint, imagenet), **changes)  # type: ignore[arg-type]
        subject = open_subject(asked)
        if trunk is not None:
            subject.encoder.trunk = trunk(subject.encoder)
        monkeypatch.setattr(invariance, "open_subject", lambda _: subject)
        return invariance.evaluate(asked, tmp_path / "run", console=Console(quiet=True))

    return evaluated


def gaps(table: pd.DataFrame, variable: str) -> pd.DataFrame:
    """(k, k), row: predicted under, column: compared with."""
    own = table[(table["metric"] == "proxy_gap") & (table["variable"] == variable)]
    return own.pivot(index="environment", columns="against", values="value")


def test_an_encoder_that_is_invariant_to_a_flip_has_no_gap_to_it_and_one_to_crops(run: Run) -> None:
    table = run(lambda network: Symmetrised(network.trunk))
    for variable in ("f", "g"):
        found = gaps(table, variable)
        assert found.loc["identity", "flip"] < 1e-10
        assert found.loc["flip", "identity"] < 1e-10
        assert found.loc["identity", "crop"] > 1e-4
        assert found.loc["crop", "flip"] == pytest.approx(found.loc["crop", "identity"], rel=1e-4)


def test_an_encoder_that_is_not_has_one(run: Run) -> None:
    assert gaps(run(), "f").loc["identity", "flip"] > 1e-4


def test_a_constant_encoder_has_no_gaps_and_that_is_said_to_be_no_merit(
    run: Run, tmp_path: Path
) -> None:
    table = run(lambda network: Constant(network.width))
    assert (gaps(table, "f") < 1e-12).all(axis=None)
    other = table[table["metric"] == "proxy_gap_other_image"]
    assert (other["value"] < 1e-12).all()
    accuracy = table[table["metric"] == "accuracy"].set_index("environment")
    assert accuracy["value"].nunique() == 1
    assert accuracy["value"].iloc[0] < 0.3  # of six classes, 4 images each
    found = Found(table, titles(asked_of(tmp_path, tmp_path)), chance=0.2)
    assert "do not tell two images apart" in finding(found)
    assert "do not tell two images apart" in discussion(found)
    assert np.isnan(found.share("f", "crop"))


def test_the_table_is_what_another_way_of_computing_gives(
    run: Run, imagenet: Path, checkpoint: Path, encoder: ImageEncoder
) -> None:
    asked = asked_of(checkpoint, imagenet, augmentations=("identity", "fog"), severity=2, tau=0.5)
    table = run(augmentations=asked.augmentations, severity=2, tau=0.5)
    split = open_split(asked, "val")
    chosen = sample(split, asked)
    centres = split.seen.batch(chosen.rows)["image"]
    # The draws of anchors and of the bank, each from its own generator.
    seeds = torch.randint(2**62, (20,), generator=generator_for(0, "invariance", "fog", "anchors"))
    of_bank = torch.randint(2**62, (20,), generator=generator_for(0, "invariance", "fog", "bank"))
    foggy, for_bank = (corrupt(centres, "fog", 2, seeds=each) for each in (seeds, of_bank))
    which = torch.randint(2, (20,), generator=generator_for(0, "invariance", "bank")).bool()
    members = torch.where(which[:, None, None, None], for_bank, centres)
    with torch.inference_mode():
        outputs = [encoder(each) for each in (centres, foggy, members)]
    for variable, layer in (("f", 1), ("g", 0)):
        clean, fog, bank = (
            nn.functional.normalize(each[layer].double(), dim=1) for each in outputs
        )
        p, q = ((each @ bank.T / 0.5).softmax(dim=1) for each in (clean, fog))
        pointwise = (p * (p / q).log()).sum(dim=1)
        row = table[
            (table["metric"] == "proxy_gap")
            & (table["variable"] == variable)
            & (table["environment"] == "identity")
            & (table["against"] == "fog")
        ].iloc[0]
        assert row["value"] == pytest.approx(float(pointwise.mean()), rel=1e-3)
        reach = 1.96 * float(pointwise.std()) / 20**0.5
        assert row["high"] - row["value"] == pytest.approx(reach, rel=1e-3)
    changed = table[table["metric"] == "pixel_change"].set_index("environment")["value"]
    assert changed["identity"] == 0
    expected = (foggy.float() - centres.float()).abs().mean() / 255
    assert changed["fog"] == pytest.approx(float(expected))


def test_the_interval_covers() -> None:
    """Of 300 samples of 60 units, the gap of 10,000 lies in about 95 % of the intervals."""
    generator = generator_for(0, "covers")
    bank = torch.randn(20, 6, generator=generator).numpy()

    def rows(n: int) -> pd.Series:
        content, style = torch.randn(2, n, 6, generator=generator)
        under = {"a": content.numpy(), "b": (content + 0.5 * style).numpy()}
        found = pd.DataFrame(gap_rows(Outputs(under, {}, bank), tau=0.5, variable="f"))
        return found[(found["environment"] == "a") & (found["against"] == "b")].iloc[0]

    truth, samples = rows(10_000)["value"], [rows(60) for _ in range(300)]
    covered = np.mean([row["low"] <= truth <= row["high"] for row in samples])
    # Three standard errors of a proportion, and the skew of a mean of 60.
    assert 0.95 - 3 * (0.95 * 0.05 / 300) ** 0.5 - 0.02 < covered <= 0.99


def test_two_draws_differ_where_something_is_drawn(run: Run) -> None:
    found = gaps(run(), "f")
    assert [name for name in NAMES if found.loc[name, name] > 1e-6] == ["crop", "fog"]
    assert [name for name in NAMES if draws_anything(name)] == ["crop", "fog"]


@pytest.mark.parametrize("name", [IDENTITY, *OPERATIONS, "fog", "contrast"])
def test_what_becomes_of_an_image_does_not_depend_on_its_batch(
    imagenet: Path, checkpoint: Path, name: str
) -> None:
    asked = asked_of(checkpoint, imagenet)
    chosen = sample(open_split(asked, "val"), asked)
    whole = chosen.under(name).seen.batch(np.arange(20))["image"]
    parts = [chosen.under(name).seen.batch(np.arange(i, i + 4))["image"] for i in range(0, 20, 4)]
    assert torch.equal(whole, torch.cat(parts))
    again = chosen.under(name, "again").seen.batch(np.arange(20))["image"]
    assert torch.equal(whole, again) != draws_anything(name)


def test_names_of_help_are_those_that_there_are() -> None:
    assert set(config.AUGMENTATIONS) == {IDENTITY, *OPERATIONS}
    assert set(evaluation.config.CORRUPTIONS) == set(CORRUPTIONS)


def arguments_of(checkpoint: Path, root: Path, out: Path, *more: str) -> list[str]:
    few = ["--k", "9", "--images", "20"]
    return helpers.evaluation("invariance", checkpoint, root, out, *few, *more)


def test_a_report_with_figures_and_a_table_is_left(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    words = arguments_of(checkpoint, imagenet, out, "--augmentations", "identity", "crop", "flip")
    status, said, _ = call(capsys, words)
    assert status == 0
    assert "Predictions of f move furthest under" in said
    page = (out / "report.html").read_text()
    assert "--data-root" in page
    assert {path.name for path in (out / "figures").iterdir()} == {
        *("glance.png", "augmentations.png", "pairs.png", "f_lda.png")
    }
    table = pd.read_csv(out / "table.csv")
    assert table.groupby("metric").size()["proxy_gap"] == 2 * 3**2
    assert table.groupby("metric").size()["accuracy"] == 3
    own = table[table["metric"] == "proxy_gap"]
    assert (own["low"] <= own["value"]).all()
    assert (own["value"] <= own["high"]).all()
    inputs = json.loads((out / "inputs.json").read_text())
    assert inputs.keys() == {"encoder", "train images", "val images"}


def test_an_encoder_without_a_critic_has_gaps_of_f_alone(run: Run, tmp_path: Path) -> None:
    supervised = image_encoder("conv4", head="linear", n_outputs=6, seed=0)
    save_encoder(tmp_path / "labels.pt", supervised, {"config": {"method": "supervised"}})
    table = run(checkpoint=str(tmp_path / "labels.pt"))
    assert set(table.loc[table["metric"] == "proxy_gap", "variable"]) == {"f"}
    found = Found(table, titles(asked_of(tmp_path, tmp_path)), chance=0.2)
    assert "The checkpoint has no critic" in discussion(found)
    notes = caveats(found, asked_of(tmp_path, tmp_path), critic=False)
    assert "This encoder comes without the critic" in notes[-1]
    assert any("one that makes the same of every image has gap 0" in note for note in notes)


@pytest.fixture
def probe(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> Path:
    """The directory of an `evaluate linear`."""
    out = tmp_path / "linear"
    epochs = ["--epochs", "5", "--batch-sizes", "16", "--held-out", "0.3"]
    assert call(capsys, helpers.evaluation("linear", checkpoint, imagenet, out, *epochs))[0] == 0
    return out


EVERYTHING = ("--images", "24", "--augmentations", "identity", "fog")


@pytest.mark.parametrize("subset", ["", "classes", "images"])
def test_a_probe_tells_classes_in_place_of_neighbours_and_needs_no_training_images(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    probe: Path,
    tmp_path: Path,
    subset: str,
) -> None:
    """A subset of training images, too, is of no effect on those that are scored."""
    alone, out = tmp_path / "alone", tmp_path / "run"
    shutil.copytree(imagenet / "val", alone / "val")
    names = sorted(folder.name for folder in (alone / "val").iterdir())
    (tmp_path / "classes").write_text("\n".join(names))
    (tmp_path / "images").write_text(f"{names[0]}_0.JPEG\n")
    more = ["--probe", str(probe), *(["--subset", str(tmp_path / subset)] if subset else [])]
    status, _, err = call(capsys, arguments_of(checkpoint, alone, out, *EVERYTHING, *more))
    assert (status, err) == (0, "")
    expected = pd.read_csv(probe / "table.csv").set_index("metric")["value"]
    table = pd.read_csv(out / "table.csv").set_index(["metric", "environment"])["value"]
    assert table["accuracy", "identity"] == pytest.approx(expected["linear_top1"])
    inputs = json.loads((out / "inputs.json").read_text())
    assert inputs.keys() == {"encoder", "classifier", "val images"}


def test_a_probe_of_other_classes_than_the_images_have_is_refused(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    probe: Path,
    tmp_path: Path,
) -> None:
    other, out = tmp_path / "other", tmp_path / "run"
    shutil.copytree(imagenet / "val", other / "val")
    next((other / "val").iterdir()).rename(other / "val" / "n99999999")
    words = arguments_of(checkpoint, other, out, "--probe", str(probe))
    assert_refused(capsys, words, "probe.pt does not tell n99999999", out)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--augmentations", "identity", "crup"], "unknown augmentation 'crup': did you mean"),
        (["--augmentations", "crop"], "--augmentations names crop alone: a gap is between two"),
        (["--augmentations", "crop", "crop"], "--augmentations names crop more than once"),
        (["--images", "25"], "images = 25, but there are 24 validation images: lower it"),
        (["--images", "1"], "--images must be at least 2, got 1"),
        (["--severity", "6"], "severity must be at most 5, got 6"),
        (["--tau", "0"], "tau must be above 0, got 0"),
        (["--k", "49"], "k = 49 neighbours among 48 training images: lower k"),
        (["--probe", "nowhere"], "nowhere has no probe.pt"),
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
