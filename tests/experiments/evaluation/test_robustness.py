"""`causal-ssl evaluate robustness`, by the command line, on small trees in the published layouts.

The classifier answers class k for grey k (see `greys`), so that every number is counted by hand.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from greys import classifier, probe
from helpers import Malicious, assert_refused, call
from PIL import Image
from suite_trees import class_folders, grey, objectnet, whole
from torchvision import transforms
from torchvision.models import resnet18

from causal_ssl.datasets.suites import PROTOCOLS
from causal_ssl.datasets.suites import suite as suite_module
from causal_ssl.datasets.suites.classes import subset, wnids
from causal_ssl.experiments.evaluation import config
from causal_ssl.experiments.evaluation.robustness.config import SUITES, Robustness
from causal_ssl.experiments.evaluation.robustness.scores import open_suites
from causal_ssl.models.image_encoders import ImageEncoder, image_encoder
from causal_ssl.models.weights import opening
from causal_ssl.models.weights.digest import weights_digest
from causal_ssl.models.weights.runs import save_encoder

TENCH, GOLDFISH, SHARK, STINGRAY = "n01440764", "n01443537", "n01484850", "n01498041"
Command = Callable[..., list[str]]


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All six test sets in one folder, and clean/val/, a few classes of each."""
    root = tmp_path_factory.mktemp("sets")
    class_folders(
        root / "clean" / "val", {TENCH: [0, 0, 1], GOLDFISH: [1, 0], SHARK: [2, 2]}, size=(60, 40)
    )
    for severity in range(1, 6):
        told = [9] * (severity - 1) + [0, 0, 1, 1][severity - 1 :]
        folder = root / "imagenet-c" / "weather" / "fog" / str(severity)
        class_folders(folder, {TENCH: told[:2], GOLDFISH: told[2:]}, size=(32, 32))
    jpeg = root / "imagenet-c" / "digital" / "jpeg_compression" / "2"
    class_folders(jpeg, {TENCH: [0, 1], GOLDFISH: [1, 1]}, size=(32, 32))
    class_folders(root / "imagenet-r", {GOLDFISH: [0, 1, 2], SHARK: [0, 2]}, suffix="jpg")
    class_folders(root / "imagenet-a" / "imagenet-a", {STINGRAY: [6, 9]}, suffix="jpg")
    class_folders(root / "sketch", {SHARK: [2, 1, 2, 2]})
    v2 = root / "imagenetv2-matched-frequency-format-val"
    class_folders(v2, {"7": [7, 2], "10": [9], "2": [2]}, suffix="jpeg")
    told = {"chair": [7, 5, 2], "tv": [2, 7], "plate": [9], "spoon_rest": [0, 0]}
    objectnet(root / "objectnet-1.0", told)
    return root


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory, encoder: ImageEncoder) -> Path:
    """The classifier's directory."""
    return probe(tmp_path_factory.mktemp("probes") / "greys", encoder)


@pytest.fixture
def command(checkpoint: Path, sets: Path, by_hand: Path, tmp_path: Path) -> Command:
    """The command line with some options in place of the usual ones; None leaves one out."""

    def words(**given: Any) -> list[str]:
        usual: dict[str, Any] = {
            "checkpoint": checkpoint,
            "probe": by_hand,
            "suite_root": sets,
            "data_root": sets / "clean",
            "partial": "true",
            "size": 32,
            "at_once": 2,
            "workers": 0,
            "device": "cpu",
            "out": tmp_path / "run",
        }
        words = ["evaluate", "robustness"]
        for key, value in (usual | given).items():
            if value is not None:
                words += [f"--{key.replace('_', '-')}", *str(value).split()]
        return words

    return words


def table_of(tmp_path: Path, run: str = "run") -> pd.DataFrame:
    table = pd.read_csv(
        tmp_path / run / "table.csv", keep_default_na=False, na_values={"value": ""}
    )
    return table.set_index(["setting", "metric", "variable"]).sort_index()


def test_every_suite_gives_the_numbers_counted_by_hand(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path
) -> None:
    status, out, err = call(capsys, command())
    assert (status, err) == (0, "")
    (gap,) = (line for line in out.splitlines() if "gap to clean  " in line and "[" in line)
    assert gap.split()[-4:] == ["40.0", "%", "[-16.5,", "76.9]"], "Newcombe, of 4 and 5 images"
    assert "ImageNet-C: no mean error, mCE, mrCE, top-1 (missing: gaussian_noise, " in out
    assert "ImageNet-C: no mean over the test corruptions, no mCE (missing: gaussian_noise" in out
    table = table_of(tmp_path)
    values = table["value"]
    expected = {
        ("imagenet", "top1", "all"): 5 / 7,
        # Of 4 images at severity s of fog, s - 1 are wrong.
        **{("imagenet-c", "error", f"fog/{s}"): (s - 1) / 4 for s in range(1, 6)},
        ("imagenet-c", "error", "jpeg_compression/2"): 1 / 4,
        ("imagenet-c", "error", "fog"): 1 / 2,
        ("imagenet-c", "ce", "fog"): 2.5 / (0.67474 + 0.76050 + 0.84378 + 0.87260 + 0.94500),
        ("imagenet-c", "relative_ce", "fog"): (2.5 - 5 * 2 / 7) / (4.09662 - 5 * 0.4348),
        # Class 0 is none of ImageNet-R's: without it, grey 0 is told as class 1.
        ("imagenet-r", "top1", "all"): 3 / 5,
        ("imagenet-r", "clean_top1", "all"): 1.0,
        ("imagenet-r", "gap", "all"): 2 / 5,
        # Of greys 0 to 9, ImageNet-A has 6 alone: it wins whatever the grey.
        ("imagenet-a", "top1", "all"): 1.0,
        ("imagenet-v2", "top1", "matched-frequency"): 2 / 4,
        ("imagenet-sketch", "error", "all"): 1 / 4,
        # Classes 5 and 7 are both right for a chair; spoon rests are none of ImageNet's.
        ("objectnet", "top1", "all"): 4 / 6,
    }
    for key, value in expected.items():
        assert values[key] == pytest.approx(value, abs=1e-6), key
    assert table.loc[("imagenet-r", "clean_top1", "all"), "n"] == "4"
    low, high = (table.loc[("imagenet-c", "error", "fog/3"), side] for side in ("low", "high"))
    assert (float(low), float(high)) == pytest.approx((0.150, 0.850), abs=1e-3), "Wilson, 2 of 4"


def test_what_is_missing_has_no_number_and_is_named(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path
) -> None:
    suites = "imagenet-c imagenet-r imagenet-a imagenet-v2"
    assert call(capsys, command(suites=suites, data_root=None))[0] == 0
    table = table_of(tmp_path)
    notes = table[table["value"].isna()]["note"]
    assert notes["imagenet-c", "ce", "jpeg_compression"] == (
        "missing: jpeg_compression: severities 1, 3, 4, 5"
    )
    for mean in ("mean_error", "mce", "mrce", "top1"):
        assert notes["imagenet-c", mean, ""].startswith("missing: gaussian_noise, shot_noise, ")
        assert "fog" not in notes["imagenet-c", mean, ""]
    assert notes["imagenet-c", "validation_mce", ""] == (
        "missing: speckle_noise, gaussian_blur, spatter, saturate"
    )
    needs = "needs clean images: give --data-root"
    assert notes["imagenet-c", "relative_ce", "fog"] == needs
    assert notes["imagenet-r", "gap", "all"] == needs
    assert notes["imagenet-v2", "top1", "top-images"] == "missing: its folder is not there"
    assert "2 classes are missing" not in "".join(table["note"])
    there = table.loc[("imagenet-r", "top1", "all")]
    assert there["note"].startswith("5 images: renditions of 200 classes, which alone compete; ")
    assert there["note"].endswith("30,000 are published; 198 classes are missing")


def test_features_of_clean_images_are_those_of_other_evaluations(
    capsys: pytest.CaptureFixture[str],
    command: Command,
    tmp_path: Path,
    checkpoint: Path,
    sets: Path,
) -> None:
    """Under one --features they are computed once."""
    shared = tmp_path / "features"
    assert call(capsys, command(suites="imagenet-r", features=shared))[0] == 0
    (kept,) = shared.glob("val-*.npy")
    (tmp_path / "data").mkdir()
    for split in ("train", "val"):
        (tmp_path / "data" / split).symlink_to(sets / "clean" / "val")
    words = ["--checkpoint", checkpoint, "--data-root", tmp_path / "data", "--features", shared]
    small = ["--size", 32, "--at-once", 2, "--workers", 0, "--device", "cpu", "--k", 1]
    knn = ["evaluate", "knn", *words, *small, "--out", tmp_path / "knn"]
    assert call(capsys, [*map(str, knn)])[0] == 0
    assert list(shared.glob("val-*.npy")) == [kept]


def counted(monkeypatch: pytest.MonkeyPatch, stop: str = "") -> list[Path]:
    """Files that are read; at one that ends in `stop`, Ctrl-C."""
    read: list[Path] = []
    decode = suite_module.decode

    def recorded(path: Path) -> torch.Tensor:
        if stop and str(path).endswith(stop):
            raise KeyboardInterrupt
        read.append(path)
        return decode(path)

    monkeypatch.setattr(suite_module, "decode", recorded)
    return read


def test_what_was_computed_before_an_interruption_is_not_computed_again(
    capsys: pytest.CaptureFixture[str],
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = command(suites="imagenet-c", data_root=None)
    with monkeypatch.context() as patch:
        first = counted(patch, stop=f"fog/4/{GOLDFISH}/0.JPEG")
        assert call(capsys, words)[0] == 130
    assert len(first) == 3 * 4 + 2
    assert not (tmp_path / "run" / "table.csv").exists()
    with monkeypatch.context() as patch:
        rest = counted(patch)
        assert call(capsys, words)[0] == 0
    assert not set(first) & set(rest)
    assert len(rest) == 6 * 4 - len(first)
    broken = pd.read_csv(tmp_path / "run" / "table.csv")
    assert call(capsys, command(suites="imagenet-c", data_root=None, out=tmp_path / "one"))[0] == 0
    pd.testing.assert_frame_equal(broken, pd.read_csv(tmp_path / "one" / "table.csv"))


def test_a_broken_partition_is_named_and_the_others_are_kept(
    capsys: pytest.CaptureFixture[str],
    command: Command,
    tmp_path: Path,
    sets: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(sets / "imagenet-c", tmp_path / "sets" / "imagenet-c")
    path = tmp_path / "sets/imagenet-c/digital/jpeg_compression/2" / TENCH / "1.JPEG"
    path.write_bytes(path.read_bytes()[:200])
    words = command(suites="imagenet-c", suite_root=tmp_path / "sets", data_root=None)
    status, _, err = call(capsys, words)
    assert (status, len(err.splitlines())) == (2, 1)
    assert f"{path} cannot be decoded" in err
    grey(path, 1, (32, 32))
    read = counted(monkeypatch)
    assert call(capsys, words)[0] == 0
    assert {each.parts[-4] for each in read} == {"jpeg_compression"}
    assert table_of(tmp_path).loc[("imagenet-c", "error", "jpeg_compression/2"), "value"] == 0.25


def test_published_numbers_stand_beside_whole_suites_only(
    capsys: pytest.CaptureFixture[str],
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Here a suite of 200 images is a whole one, and 32 pixels are as published."""
    small = replace(PROTOCOLS["imagenet-r"], images=200)
    monkeypatch.setitem(PROTOCOLS, "imagenet-r", small)  # type: ignore[arg-type]
    monkeypatch.setattr("causal_ssl.experiments.evaluation.robustness.evaluation.SIZE", 32)
    names = sorted(subset("imagenet-r"))
    whole(tmp_path / "sets" / "imagenet-r", names, "jpg")

    def reference(run: str, **given: Any) -> tuple[str, str]:
        where = {"suites": "imagenet-r", "suite_root": tmp_path / "sets", "out": tmp_path / run}
        where |= {"at_once": 100}
        assert call(capsys, command(**where, **given))[0] == 0
        row = table_of(tmp_path, run).loc[("imagenet-r", "error", "all")]
        return str(row["reference"]), row["source"]

    assert reference("one", partial=None, data_root=None) == ("0.762", "arXiv:2010.07922, relic_t")
    assert reference("one", partial=None, data_root=None, beside="supervised")[0] == "0.639"
    assert reference("other", partial=None, data_root=None, size=48) == ("", ""), "another size"
    grey(tmp_path / "sets" / "imagenet-r" / names[0] / "b.jpg", 0)
    assert reference("more", partial=None, data_root=None) == ("", ""), "201 images"
    shutil.rmtree(tmp_path / "sets" / "imagenet-r" / names[0])
    grey(tmp_path / "sets" / "imagenet-r" / names[1] / "b.jpg", 0)
    assert reference("part") == ("", ""), "200 images of 199 classes"


def test_a_classifier_that_lacks_classes_is_taken_on_request_and_says_so(
    capsys: pytest.CaptureFixture[str], command: Command, encoder: ImageEncoder, tmp_path: Path
) -> None:
    few = probe(tmp_path / "few", encoder, [GOLDFISH, TENCH])
    words = command(probe=few, suites="imagenet-sketch imagenet-r")
    assert call(capsys, words)[0] == 0
    table = table_of(tmp_path)
    assert table.loc[("imagenet-sketch", "top1", "all"), "value"] == 0
    # Goldfish alone competes: images of it are right, sharks wrong.
    assert table.loc[("imagenet-r", "top1", "all"), "value"] == 3 / 5
    assert (
        "the classifier lacks 998 classes, whose images count as wrong"
        in (table.loc[("imagenet-r", "top1", "all"), "note"])
    )
    status, _, err = call(capsys, command(probe=few, partial=None, out=tmp_path / "whole"))
    assert status == 2
    assert f"{few}/probe.pt lacks 998 of 1,000 classes (n01484850, " in err
    both = "imagenet-sketch imagenet-a"
    status, _, err = call(capsys, command(probe=few, suites=both, out=tmp_path / "a"))
    assert status == 2
    assert "knows none of the 200 classes of ImageNet-A" in err
    assert not (tmp_path / "a").exists()


def test_the_classifier_in_a_weights_file_is_taken(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    network = resnet18().eval()
    torch.save(network.state_dict(), tmp_path / "resnet18.pth")
    words = command(checkpoint=tmp_path / "resnet18.pth", probe=None, suites="imagenet-r")
    assert call(capsys, words)[0] == 0
    table = table_of(tmp_path)
    grey_images = torch.stack([torch.full((3, 32, 32), 12.0 * k) for k in (0, 1, 2)]) / 255
    mean, std = (
        torch.tensor(values).view(3, 1, 1)
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    with torch.inference_mode():
        logits = network((grey_images - mean) / std)
    competing = torch.tensor(sorted(subset("imagenet-r").values()))
    told = competing[logits[:, competing].argmax(1)].tolist()
    right = [told[k] == 1 for k in (0, 1, 2)] + [told[k] == 2 for k in (0, 2)]
    assert table.loc[("imagenet-r", "top1", "all"), "value"] == sum(right) / 5
    assert set(table["method"]) == {"resnet18.pth, torch's: resnet18, classifier of 1000 classes"}


def test_images_are_seen_as_torchvision_shows_them(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path
) -> None:
    """At 224 pixels, by a network of torchvision's and its own transforms."""
    torch.manual_seed(0)
    network = resnet18().eval()
    torch.save(network.state_dict(), tmp_path / "w.pth")
    rng = np.random.default_rng(0)
    shapes = {
        f"sets/imagenet-r/{GOLDFISH}/a.jpg": (300, 420),
        f"sets/imagenet-c/fog/1/{TENCH}/a.JPEG": (224, 224),
    }
    for name, shape in shapes.items():
        (tmp_path / name).parent.mkdir(parents=True)
        noise = Image.fromarray(rng.integers(0, 256, (9, 13, 3), dtype=np.uint8))
        noise.resize(shape[::-1]).save(tmp_path / name)
    where = {"checkpoint": tmp_path / "w.pth", "suite_root": tmp_path / "sets", "data_root": None}
    suites = "imagenet-r imagenet-c"
    assert call(capsys, command(**where, suites=suites, probe=None, size=None))[0] == 0
    network.fc = torch.nn.Identity()
    shown = transforms.Compose(
        [
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    for name, resize, kept in zip(shapes, (256, 224), ("imagenet-r", "imagenet-c"), strict=True):
        image = transforms.Resize(resize)(Image.open(tmp_path / name))
        with torch.inference_mode():
            expected = network(shown(image)[None])
        (file,) = (tmp_path / "run" / "features").glob(f"{kept}-*.npy")
        assert np.allclose(np.load(file), expected, rtol=1e-4, atol=1e-4)


def test_at_another_size_corrupted_images_show_what_clean_ones_do(tmp_path: Path) -> None:
    # As published: centres of 224 pixels of images whose shorter side is 256.
    levels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    whole = Image.fromarray(levels).resize((256, 256))
    folders = tmp_path / "val" / TENCH, tmp_path / "imagenet-c" / "fog" / "1" / TENCH
    for folder, image in zip(folders, (whole, whole.crop((16, 16, 240, 240))), strict=True):
        folder.mkdir(parents=True)
        image.save(folder / "a.JPEG", format="PNG")
    options = {"suites": ("imagenet-c",), "suite_root": str(tmp_path), "partial": True}
    for size in (None, 56, 320):
        asked = Robustness(**options, data_root=str(tmp_path), size=size)
        clean, (corrupted,) = open_suites(asked)
        assert clean is not None
        seen = [
            suite.images(suite.partitions[0]).batch(np.arange(1))["image"].float()
            for suite in (clean, corrupted)
        ]
        assert (seen[0] - seen[1]).abs().max() <= 3, size


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"suite_root": None}, "no test sets: give --suite-root"),
        ({"suite_root": "nowhere"}, "nowhere is not a folder"),
        ({"suites": "imagenet-d"}, "unknown suite 'imagenet-d'"),
        ({"beside": "rellic"}, "unknown method 'rellic': did you mean 'relic'"),
        ({"partial": None}, "clean/val lacks 997 of 1,000 class folders"),
        ({"partial": None, "data_root": None, "suites": "imagenet-r"}, "lacks 198 of 200 class"),
        ({"probe": None}, "it has no classifier; train one by `causal-ssl evaluate linear`"),
        ({"probe": "nowhere"}, "nowhere has no probe.pt"),
        ({"network": "resnet34"}, "unknown --network 'resnet34'"),
        ({"prefix": "encoder."}, "an encoder of ours, which has its own prefix: give none"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_made(
    capsys: pytest.CaptureFixture[str],
    command: Command,
    tmp_path: Path,
    change: dict[str, Any],
    says: str,
) -> None:
    assert_refused(capsys, command(**change), says, tmp_path / "run")


def test_classifiers_that_do_not_fit_are_refused(
    capsys: pytest.CaptureFixture[str], command: Command, encoder: ImageEncoder, tmp_path: Path
) -> None:
    good = classifier(encoder)
    for name, wrong, says in (
        ("one", classifier(encoder, [TENCH]), f"one/probe.pt tells one class only, {TENCH}"),
        ("toys", classifier(encoder, ["car", "boat"]), "none of ImageNet's (car, boat)"),
        (
            "other",
            classifier(image_encoder("conv4", seed=1).eval()),
            "other/probe.pt was trained on features of another encoder than",
        ),
        ("nan", replace(good, biases=good.biases * torch.nan), "biases have values that are not"),
        ("short", replace(good, biases=good.biases[:9]), "do not fit its 1000 classes"),
    ):
        (tmp_path / name).mkdir()
        wrong.save(tmp_path / name)
        status, _, err = call(capsys, command(probe=tmp_path / name))
        assert (status, len(err.splitlines())) == (2, 1)
        assert says in err
    assert not (tmp_path / "run").exists()


def test_another_classifier_does_not_continue_a_run(
    capsys: pytest.CaptureFixture[str], command: Command, encoder: ImageEncoder, tmp_path: Path
) -> None:
    assert call(capsys, command(suites="imagenet-r"))[0] == 0
    other = probe(tmp_path / "other", encoder, wnids()[:5])
    status, _, err = call(capsys, command(suites="imagenet-r", probe=other))
    assert status == 2
    assert "run holds an evaluation of another classifier: name another --out" in err


def test_features_that_are_not_finite_name_the_image(
    capsys: pytest.CaptureFixture[str],
    command: Command,
    encoder: ImageEncoder,
    sets: Path,
    tmp_path: Path,
) -> None:
    network = image_encoder("conv4", seed=0).eval()
    for weight in network.trunk.parameters():
        if weight.ndim == 4:
            weight.data.mul_(1e30)
    save_encoder(tmp_path / "encoder.pt", network, {"method": "none"})
    (tmp_path / "probe").mkdir()
    replace(classifier(encoder), encoder=weights_digest(network)).save(tmp_path / "probe")
    given = {"checkpoint": tmp_path / "encoder.pt", "probe": tmp_path / "probe"}
    status, _, err = call(capsys, command(**given, suites="imagenet-r", data_root=None))
    assert status == 2
    assert f"NaN or infinity of {sets}/imagenet-r/{GOLDFISH}/" in err


def test_code_in_a_probe_is_not_run(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path
) -> None:
    trace, path = tmp_path / "trace", tmp_path / "probe.pt"
    torch.save({"weights": torch.ones(2, 2), "more": Malicious(trace)}, path)
    status, _, err = call(capsys, command(probe=tmp_path))
    assert (status, len(err.splitlines())) == (2, 1)
    assert str(path) in err
    assert not trace.exists()
    torch.load(path, weights_only=False)
    assert trace.exists(), "it would have been"


def test_one_of_several_networks_in_a_file_is_chosen_by_its_prefix(
    capsys: pytest.CaptureFixture[str], command: Command, tmp_path: Path
) -> None:
    networks = {prefix: resnet18(num_classes=1000).state_dict() for prefix in ("a.", "b.")}
    weights = {prefix + name: each for prefix, of in networks.items() for name, each in of.items()}
    torch.save(weights, path := tmp_path / "two.pth")
    given = {"checkpoint": path, "probe": None, "suites": "imagenet-sketch", "data_root": None}
    status, _, err = call(capsys, command(**given))
    assert status == 2
    assert "2 networks in it, under 'a.', 'b.': give one of these as prefix" in err
    assert call(capsys, command(**given, prefix="b.", network="resnet18"))[0] == 0
    assert "resnet18, under 'b.'" in table_of(tmp_path)["method"].iloc[0]


def test_names_for_help_are_those_that_there_are() -> None:
    assert set(config.NETWORKS) == set(opening.NETWORKS)
    assert {*SUITES, "imagenet"} == set(PROTOCOLS)
