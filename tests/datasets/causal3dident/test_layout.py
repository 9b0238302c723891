"""The published layout is read as it is; whatever is missing or damaged is named with a remedy."""

from collections.abc import Callable
from math import ceil, log10
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from causal_ssl.datasets.causal3dident.images import read
from causal_ssl.datasets.causal3dident.layout import albums, changes, digits
from causal_ssl.errors import InputError

ROWS = (11, 10, 1, 0, 2, 101, 3)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A set as it is published, written without this project; a pixel says class and row."""
    folder = tmp_path / "trainset"
    folder.mkdir()
    for index, rows in enumerate(ROWS):
        latents = np.random.default_rng(index).uniform(-1, 1, (rows, 10))
        np.save(folder / f"raw_latents_{index}.npy", latents)
        (folder / f"images_{index}").mkdir()
        for row in range(rows):
            name = str(row).zfill(int(np.ceil(np.log10(rows))))
            image = Image.new("RGB", (4, 4), (index, row, 0))
            image.save(folder / f"images_{index}" / f"{name}.png")
    return tmp_path


def test_a_published_set_is_read_in_order_with_its_zero_padding(published: Path) -> None:
    found = albums(published, "train")
    assert [len(album) for album in found] == list(ROWS)
    for index, album in enumerate(found):
        expected = np.random.default_rng(index).uniform(-1, 1, (ROWS[index], 10))
        np.testing.assert_array_equal(album.latents(), expected)
        pixels = [read(path)[0, 0].tolist() for path in album.paths()]
        assert pixels == [[index, row, 0] for row in range(ROWS[index])]
    assert found[5].path(7).name == "007.png"
    assert found[1].path(7).name == "7.png"
    assert changes(published, "train") == ()


def test_digits_are_those_of_the_published_formula() -> None:
    powers = [10**k + d for k in range(1, 7) for d in (-1, 0, 1)]
    for n in [*range(2, 200), *powers]:
        assert digits(n) == max(ceil(round(log10(n), 12)), 1)
    assert [digits(0), digits(1)] == [1, 1]


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _read_all(root: Path) -> None:
    for album in albums(root, "train"):
        album.latents()
        for path in album.paths():
            read(path)


def _overwrite(value: np.ndarray) -> Callable[[Path], None]:
    return lambda path: np.save(path, value)


@pytest.mark.parametrize(
    ("file", "harm", "says"),
    [
        ("raw_latents_4.npy", Path.unlink, "raw_latents_4.npy is missing"),
        ("raw_latents_4.npy", _truncate, "raw_latents_4.npy cannot be read"),
        ("raw_latents_4.npy", lambda path: path.write_text(""), "raw_latents_4.npy cannot be read"),
        ("raw_latents_4.npy", _overwrite(np.zeros((2, 9))), r"shape \(2, 9\), expected \(2, 10\)"),
        ("raw_latents_4.npy", _overwrite(np.zeros(10)), r"shape \(10,\), expected \(n, 10\)"),
        ("raw_latents_4.npy", _overwrite(np.full((2, 10), 2.0)), "raw_latents_4.npy: position_x"),
        ("raw_latents_4.npy", _overwrite(np.zeros((1, 10))), "holds 2 images, but"),
        ("images_0/07.png", Path.unlink, r"images_0/07.png is missing \(1 of 11"),
        ("images_5/007.png", _truncate, "images_5/007.png is damaged"),
        ("images_5/007.png", lambda path: path.write_text("x"), "images_5/007.png is damaged"),
    ],
)
def test_what_is_missing_or_damaged_is_named_with_a_remedy(
    published: Path, file: str, harm: Callable[[Path], None], says: str
) -> None:
    harm(published / "trainset" / file)
    with pytest.raises(InputError, match=says) as caught:
        _read_all(published)
    if "position_x" not in says:
        assert "causal-ssl render" in str(caught.value)


@pytest.mark.parametrize(
    ("split", "change", "says"),
    [
        ("test", "", "has no testset"),
        ("valid", "", "unknown split 'valid'"),
        ("train", "hues", "no counterfactuals of the change 'hues' .it has none."),
    ],
)
def test_what_a_set_does_not_have_is_said(
    published: Path, split: str, change: str, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        albums(published, split, change=change)
