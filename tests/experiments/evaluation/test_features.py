"""Features are computed once, survive being killed, and are never another encoder's."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation import features
from causal_ssl.experiments.evaluation.config import Evaluation, OnSplits
from causal_ssl.experiments.evaluation.encoders import Subject, open_subject
from causal_ssl.experiments.evaluation.images import Split, open_split
from causal_ssl.models.image_encoders import ImageEncoder, image_encoder
from causal_ssl.models.weights.digest import weights_digest
from causal_ssl.training import images as training


@pytest.fixture
def val(imagenet: Path) -> Split:
    return open_split(OnSplits(data_root=str(imagenet), size=32), "val")


@pytest.fixture
def subject(checkpoint: Path) -> Subject:
    return open_subject(Evaluation(checkpoint=str(checkpoint), device="cpu"))


def kept(subject: Subject, split: Split, folder: Path, at_once: int = 5) -> np.ndarray:
    return features.kept_features(subject, split, folder, at_once=at_once, workers=0)


class Counted:
    """Counts the images that are read; stops at one with what is given."""

    def __init__(self, seen: Any, *, stop: int = -1, error: BaseException | None = None) -> None:
        self.seen, self.stop, self.error, self.read = seen, stop, error, 0

    def __len__(self) -> int:
        return len(self.seen)

    def batch(self, indices: np.ndarray, generator: Any = None) -> dict[str, Any]:
        if self.error is not None and self.stop in indices:
            raise self.error
        self.read += len(indices)
        return self.seen.batch(indices, generator)


def watched(split: Split, **how: Any) -> tuple[Split, Counted]:
    counted = Counted(split.seen, **how)
    return replace(split, seen=counted), counted


def test_they_are_the_trunks_outputs(val: Split, subject: Subject, tmp_path: Path) -> None:
    found = kept(subject, val, tmp_path)
    expected = training.features(subject.encoder, val.seen, batch_size=5).intermediate
    assert isinstance(found, np.memmap)
    assert np.array_equal(found, expected)


def test_once_computed_no_image_is_read_again(val: Split, subject: Subject, tmp_path: Path) -> None:
    first = np.array(kept(subject, val, tmp_path))
    split, counted = watched(val)
    assert np.array_equal(kept(subject, split, tmp_path, at_once=7), first)
    assert counted.read == 0


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), OSError("torn out")])
def test_after_an_interruption_the_rest_is_computed_to_the_same_bits(
    val: Split, subject: Subject, tmp_path: Path, stop: BaseException
) -> None:
    whole = np.array(kept(subject, val, tmp_path / "whole"))
    broken, _ = watched(val, stop=12, error=stop)
    with pytest.raises(type(stop)):
        kept(subject, broken, tmp_path / "broken")
    assert not list((tmp_path / "broken").glob("val-*.npy"))
    rest, counted = watched(val)
    assert np.array_equal(kept(subject, rest, tmp_path / "broken"), whole)
    assert counted.read == 24 - 10
    assert not list((tmp_path / "broken").glob(".val-*"))


def test_another_encoder_does_not_take_them(val: Split, subject: Subject, tmp_path: Path) -> None:
    mine = np.array(kept(subject, val, tmp_path))
    network = image_encoder("conv4", seed=1).eval()
    other = Subject(network, None, "other")
    assert not np.array_equal(kept(other, val, tmp_path), mine)
    assert len(list(tmp_path.glob("val-*.npy"))) == 2


def test_a_beginning_of_another_encoder_is_not_continued(
    val: Split, subject: Subject, tmp_path: Path
) -> None:
    network = image_encoder("conv4", seed=1).eval()
    other = Subject(network, None, "other")
    broken, _ = watched(val, stop=12, error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        kept(other, broken, tmp_path)
    split, counted = watched(val)
    assert np.array_equal(
        kept(subject, split, tmp_path),
        training.features(subject.encoder, val.seen, batch_size=5).intermediate,
    )
    assert counted.read == 24


@pytest.mark.parametrize("what", ["trunk", "mean", "stem"])
def test_the_digest_is_of_all_that_the_representation_depends_on(what: str) -> None:
    one = weights_digest(image_encoder("resnet18", seed=0))
    options: dict[str, Any] = {"mean": {"mean": (0.5, 0, 0)}, "stem": {"stem": "3x3"}}.get(what, {})
    other = image_encoder("resnet18", seed=0, **options)
    if what == "trunk":
        other.trunk.bn1.running_mean[0] += 1e-6
    assert weights_digest(other) != one
    assert weights_digest(image_encoder("resnet18", seed=0, n_outputs=3)) == one, "heads"


def test_nan_names_the_image_and_what_was_computed_before_is_kept(
    val: Split, subject: Subject, tmp_path: Path
) -> None:
    class Broken(ImageEncoder):
        def forward(self, images: Any) -> Any:
            found = super().forward(images)
            found.intermediate[(images == pixels).flatten(1).all(1)] = np.nan
            return found

    pixels = val.seen.batch(np.array([13]))["image"][0]
    network = Broken(subject.encoder.config).eval()
    broken = Subject(network, None, "broken")
    with pytest.raises(InputError, match=r"NaN or infinity of .*/n04487081/n04487081_1\.JPEG"):
        kept(broken, val, tmp_path)
    (journal,) = tmp_path.glob(".val-*.journal")
    assert len(journal.read_text().splitlines()) == 3, "its beginning and two batches"


def test_damaged_features_are_refused(val: Split, subject: Subject, tmp_path: Path) -> None:
    kept(subject, val, tmp_path)
    (file,) = tmp_path.glob("val-*.npy")
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match="is damaged"):
        kept(subject, val, tmp_path)
