"""`causal-ssl evaluate semi`, by the command line."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import call, fine_tuning, idx

from causal_ssl.datasets.images import folders, open_images
from causal_ssl.experiments import options
from causal_ssl.experiments.catalogue import preset, presets
from causal_ssl.experiments.evaluation import images
from causal_ssl.experiments.evaluation.semi.config import Semi

WNIDS = ("n01443537", "n02102040", "n03000684", "n04487081", "n07745940", "n09835506")


def arguments_of(
    checkpoint: Path, root: Path, out: Path, *more: str, evaluation: str = "semi"
) -> list[str]:
    """In batches of 4."""
    return fine_tuning(evaluation, checkpoint, root, out, "--batch-size", "4", *more)


@pytest.fixture
def two_of_each(tmp_path: Path) -> Path:
    """A list as SimCLR's: names of files without their folders."""
    path = tmp_path / "some.txt"
    path.write_text("".join(f"{wnid}_{k}.JPEG\n" for k in (3, 5) for wnid in WNIDS))
    return path


def weights_of(out: Path) -> dict[str, torch.Tensor]:
    return torch.load(out / "encoder.pt", weights_only=True)["weights"]


def test_it_is_fine_tuning_on_the_images_of_the_list(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    two_of_each: Path,
    tmp_path: Path,
) -> None:
    subset = ["--subset", str(two_of_each)]
    status, said, _ = call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "semi", *subset))
    assert status == 0
    assert "fine-tuned on 12 labelled images, rate=0.1 epochs=2: top-1" in said
    table = pd.read_csv(tmp_path / "semi" / "table.csv")
    assert table["metric"].tolist() == ["semi_top1", "semi_top5"]
    assert table["study"].unique() == ["evaluation-semi"]
    assert table["n"].tolist() == [24, 24]  # of all validation images
    assert table["note"].str.startswith("12 labelled images; batch norm").all()
    # The other images could as well not be there.
    few = tmp_path / "few"
    for split in ("train", "val"):
        for wnid in WNIDS:
            (few / split / wnid).mkdir(parents=True)
            for path in (imagenet / split / wnid).iterdir():
                if split == "val" or path.name in two_of_each.read_text().split():
                    (few / split / wnid / path.name).symlink_to(path)
    alone = arguments_of(checkpoint, few, tmp_path / "alone", evaluation="finetune")
    assert call(capsys, alone)[0] == 0
    one, other = weights_of(tmp_path / "semi"), weights_of(tmp_path / "alone")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_rates_are_chosen_among_the_listed_images(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    two_of_each: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nine of the twelve are trained on, three chosen on, all of the list."""
    read: set[str] = set()
    decode = folders.decode

    def noted(path: Path) -> torch.Tensor:
        read.add(f"{path.parent.parent.name}/{path.name}")
        return decode(path)

    for module in (folders, images):
        monkeypatch.setattr(module, "decode", noted)
    grid = ["--subset", str(two_of_each), "--rates", "0.01", "0.1", "--held-out", "0.25"]
    assert call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "run", *grid))[0] == 0
    listed = set(two_of_each.read_text().split())
    assert {name.removeprefix("train/") for name in read if name.startswith("train/")} == listed
    table = pd.read_csv(tmp_path / "run" / "table.csv")
    choices = table[table.metric == "choice_top1"]
    assert choices["setting"].tolist() == [f"rate={rate} epochs=2 batch=4" for rate in (0.01, 0.1)]
    assert ((choices["value"] * 3) % 1 == 0).all()


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["n01443537_3.JPEG", "n01443537_9.JPEG"], "names no image of the data set"),
        (["n01443537_3.JPEG"] * 2, "names 'n01443537_3.JPEG' again: list it once"),
        ([], "lists nothing: give a list of images"),
        ([f"n01443537_{k}.JPEG" for k in range(5)], "of one class, 'n01443537'"),
        (list(WNIDS[:3]), "lists classes, of whose images all are labelled"),
        (["n01443537_3.JPEG", "n02102040_3.JPEG"], "2 samples for a batch of 4: lower batch_size"),
    ],
    ids=["missing", "twice", "empty", "one class", "classes", "fewer than a batch"],
)
def test_lists_that_do_not_fit_are_refused_and_nothing_is_made(
    capsys: pytest.CaptureFixture[str],
    imagenet: Path,
    checkpoint: Path,
    tmp_path: Path,
    lines: list[str],
    says: str,
) -> None:
    path = tmp_path / "list.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    arguments = arguments_of(checkpoint, imagenet, tmp_path / "run", "--subset", str(path))
    status, _, err = call(capsys, arguments)
    assert status == 2
    assert says in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_without_a_list_it_says_what_to_give(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    status, _, err = call(capsys, arguments_of(checkpoint, imagenet, tmp_path / "run"))
    assert status == 2
    assert "no list of labelled images: give --subset, such as SimCLR's 1percent.txt" in err
    assert not (tmp_path / "run").exists()


def test_a_list_needs_class_folders(
    capsys: pytest.CaptureFixture[str], checkpoint: Path, two_of_each: Path, tmp_path: Path
) -> None:
    data = tmp_path / "idx"
    data.mkdir()
    for prefix in ("train", "t10k"):
        (data / f"{prefix}-images-idx3-ubyte").write_bytes(idx(np.zeros((4, 28, 28))))
        (data / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(np.arange(4) % 2))
    assert len(open_images(data)) == 4
    arguments = arguments_of(checkpoint, data, tmp_path / "run", "--subset", str(two_of_each))
    status, _, err = call(capsys, arguments)
    assert status == 2
    assert "needs class folders" in err


def test_the_papers_protocols_are_as_published() -> None:
    simclr = {part: preset("evaluation-semi", f"simclr-{part}percent") for part in (1, 10)}
    for part, epochs in ((1, 60), (10, 30)):
        values = simclr[part]
        assert (values["rates"], values["epochs"]) == ([0.05 * 4096 / 256], [epochs])
        assert (values["batch_size"], values["weight_decay"]) == (4096, 0.0)
        assert (values["optimiser"], values["momentum"]) == ("nesterov", 0.9)
    byol = preset("evaluation-semi", "byol")
    assert sorted(byol["rates"]) == [0.005, 0.01, 0.02, 0.05, 0.1]
    assert (byol["epochs"], byol["batch_size"], byol["weight_decay"]) == ([30, 50], 1024, 0.0)
    assert (byol["optimiser"], byol["interpolation"]) == ("nesterov", "bicubic")
    vicreg = {part: preset("evaluation-semi", f"vicreg-{part}percent") for part in (1, 10)}
    assert [(vicreg[part]["rates"], vicreg[part]["head_rate"]) for part in (1, 10)] == [
        ([0.03], 0.08),
        ([0.01], 0.1),
    ]
    for name in presets("evaluation-semi"):
        assert options.from_dict(Semi, preset("evaluation-semi", name)).seed == 0
