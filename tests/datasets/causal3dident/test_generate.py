"""A set is a function of its recipe, however its rendering was cut, interrupted or spread."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import fake_rendering
import numpy as np
import pytest
from fake_rendering import HUES, FakeStudio, picture, recipe, render, tree

from causal_ssl import files
from causal_ssl.claim import claimed
from causal_ssl.datasets.causal3dident.generate import JOURNAL
from causal_ssl.datasets.causal3dident.images import read
from causal_ssl.datasets.causal3dident.latents import GROUPS
from causal_ssl.datasets.causal3dident.layout import albums, changes
from causal_ssl.datasets.causal3dident.presets import causal3dident
from causal_ssl.datasets.causal3dident.recipe import Recipe
from causal_ssl.datasets.causal3dident.rendering.renderer import RenderSettings
from causal_ssl.datasets.causal3dident.scene import Scene
from causal_ssl.datasets.causal3dident.views import LatentTransformation
from causal_ssl.datasets.journal import Journal
from causal_ssl.datasets.space import Stopped
from causal_ssl.errors import InputError
from causal_ssl.randomness import derived_seed

IMAGES = 3 * (300 + 40)
POSITIONS = LatentTransformation("positions")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set rendered by one process without an interruption."""
    root = tmp_path_factory.mktemp("whole") / "set"
    assert render(root).drawn == IMAGES
    return root


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A copy of `whole` that a test may change."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def test_latents_and_images_are_those_of_the_model(whole: Path) -> None:
    model = recipe().model
    classes, raw = model.raw(model.sample(40, seed=derived_seed(3, "test")))
    for index, album in enumerate(albums(whole, "test")):
        np.testing.assert_array_equal(album.latents(), raw[classes == index])
        frames = Scene().frames(album.latents())
        for row, path in enumerate(album.paths()):
            shown = picture(index, frames.object_colour[row], frames.position[row])
            np.testing.assert_array_equal(read(path), shown)


def test_counterfactuals_change_what_was_asked_and_nothing_else(whole: Path) -> None:
    hues = [column for variable in HUES.variables for column in GROUPS[variable]]
    for factual, views in zip(
        albums(whole, "train"), albums(whole, "train", change="hues"), strict=True
    ):
        raw, other = factual.latents(), views.latents()
        assert other.shape == (len(factual), 2, 10)
        same = np.isclose(raw[:, None], other, rtol=0, atol=0)
        assert not same[..., hues].any()
        assert np.delete(same, hues, axis=2).all()
        assert not np.isclose(other[:, 0, hues], other[:, 1, hues]).any()
        for row in range(len(factual)):
            shown, there = read(views.path(row, 1)), read(factual.path(row))
            np.testing.assert_array_equal(shown[0, :2], there[0, :2])  # position and class
            colour = Scene().frames(other[row, 1:]).object_colour[0]
            np.testing.assert_array_equal(shown[1, 1], np.round(255 * colour))


def test_scenes_do_not_depend_on_the_views_asked_for(tmp_path: Path, whole: Path) -> None:
    other = recipe(test=40, train=0, transformations=(POSITIONS, HUES), views=1)
    render(tmp_path / "set", other)
    for one, two in zip(albums(tmp_path / "set", "test"), albums(whole, "test"), strict=True):
        np.testing.assert_array_equal(one.latents(), two.latents())
    for one, two in zip(
        albums(tmp_path / "set", "test", change="hues"),
        albums(whole, "test", change="hues"),
        strict=True,
    ):
        np.testing.assert_array_equal(one.latents()[:, 0], two.latents()[:, 0])
    assert not (tmp_path / "set" / "trainset").exists()


def test_a_class_without_images_and_one_with_a_single_image_are_read(tmp_path: Path) -> None:
    few = recipe(train=5, test=0, views=3)
    assert render(tmp_path / "set", few).drawn == 20
    found = albums(tmp_path / "set", "train")
    assert [len(album) for album in found] == [1, 2, 0, 1, 0, 1, 0]
    assert found[0].path(0).name == "0.png"
    assert [a.latents().shape for a in albums(tmp_path / "set", "train", change="hues")][:3] == [
        *((1, 3, 10), (2, 3, 10), (0, 3, 10))
    ]
    assert render(tmp_path / "set", few).drawn == 0


def test_the_manifest_says_what_is_there(whole: Path) -> None:
    manifest = json.loads((whole / "manifest.json").read_text())
    assert manifest["settings"]["backend"] == "fake"
    assert manifest["renderers"] == [{"backend": "fake", "driver": "1.0"}]
    packages = {"causal-ssl", "numpy", "pillow", "scipy", "torch"}
    assert set(manifest["versions"][0]) == {"python", *packages}
    assert ["object_class", "object_hue"] in manifest["model"]["graph"]
    assert manifest["counterfactuals"]["hues"]["views"] == 2
    for split, n in (("train", 300), ("test", 40)):
        assert sum(manifest["counts"][split].values()) == n
        for change in ("", "hues"):
            for album in albums(whole, split, change=change):
                paths = album.paths()
                hashes = [
                    sha256(b"".join(read(path).tobytes() for path in paths[i : i + 32])).hexdigest()
                    for i in range(0, len(paths), 32)
                ]
                assert manifest["shards"][album.name] == hashes
    assert not (whole / JOURNAL).exists()


def test_a_finished_set_is_left_alone(copy: Path, whole: Path) -> None:
    def closed(_: object) -> None:
        raise AssertionError("a renderer was opened")

    class Closed(FakeStudio):
        open = closed  # type: ignore[assignment]

    assert render(copy, studio=Closed()).drawn == 0
    assert tree(copy) == tree(whole)


def test_what_was_lost_is_made_again(copy: Path, whole: Path) -> None:
    album = albums(copy, "train")[2]
    album.path(1).unlink()
    assert 0 < render(copy).drawn <= 32
    album.latents_path.write_bytes(b"damaged")
    assert render(copy).drawn == 0
    assert tree(copy) == tree(whole)


def test_killed_after_the_last_shard_the_manifest_is_finished(copy: Path, whole: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    journal = Journal(copy / JOURNAL)
    for album, hashes in manifest["shards"].items():
        for number, pixels in enumerate(hashes):
            record = {"pixels": pixels, "renderer": manifest["renderers"][0]}
            journal.add(f"{album}#{number}", record)
    manifest |= {"shards": {}, "renderers": []}
    files.write(copy / "manifest.json", json.dumps(manifest))
    assert render(copy).drawn == 0
    assert tree(copy) == tree(whole)


def test_killed_at_any_moment_it_ends_as_if_it_had_not_been(tmp_path: Path, whole: Path) -> None:
    root = tmp_path / "set"
    command = [sys.executable, fake_rendering.__file__, str(root), "0.004"]
    child = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        deadline = time.monotonic() + 120
        while not (root / JOURNAL).exists() or (root / JOURNAL).read_text().count("\n") < 3:
            assert child.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    for path in root.rglob("*.png"):
        read(path)  # whole, all of them
    finished = Journal(root / JOURNAL).records
    assert 3 <= len(finished) < 40
    assert render(root).drawn < IMAGES
    assert tree(root) == tree(whole)


def test_a_worker_killed_mid_shard_stops_it_and_two_workers_draw_what_one_does(
    tmp_path: Path, whole: Path
) -> None:
    root, poison = tmp_path / "set", tmp_path / "poison"
    poison.touch()
    with pytest.raises(Stopped, match="a worker process died"):
        render(root, studio=FakeStudio(poison=str(poison)), workers=2)
    assert not poison.exists()
    assert Journal(root / JOURNAL).records  # of classes before the one that the poison waits for
    assert render(root).drawn < IMAGES
    assert tree(root) == tree(whole)


@pytest.mark.parametrize("writes_before", [0, 5, 40, 500])
def test_a_full_disk_is_one_error_and_what_is_finished_is_kept(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, writes_before: int
) -> None:
    root, write, left = tmp_path / "set", files.write, [writes_before]

    def full(path: Path, content: str | bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(files, "write", full)
        with pytest.raises(Stopped, match=r"is full \(No space left on device\): free some"):
            render(root)
    kept = len(Journal(root / JOURNAL).records)
    assert (kept > 0) == (writes_before > 100)
    assert render(root).drawn < IMAGES or not kept
    assert tree(root) == tree(whole)


def test_another_failure_of_the_disk_is_not_called_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path, content: str | bytes) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(files, "write", broken)
    with pytest.raises(OSError, match="Input/output error"):
        render(tmp_path / "set")


def test_too_little_room_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    # Files of eight pixels a side take a block each, of 4 KiB as a rule.
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**40, 2**40, IMAGES * 512))
    with pytest.raises(InputError, match=r"free, about .* are needed: free some"):
        render(tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


def test_more_images_than_any_disk_holds_are_refused_before_their_scenes_are_drawn(
    tmp_path: Path,
) -> None:
    """Drawn first, 10^12 scenes would end the process."""
    with pytest.raises(InputError, match=r"free, about .* are needed"):
        render(tmp_path / "set", recipe(train=10**12, views=2))


@pytest.mark.parametrize(
    ("other", "studio", "says"),
    [
        (recipe(views=2, seed=4), FakeStudio(), "settings.seed: 3 there, 4 asked"),
        (recipe(train=301, views=2), FakeStudio(), "settings.train: 300 there, 301 asked"),
        (recipe(views=1), FakeStudio(), "counterfactuals.hues.views: 2 there, 1 asked"),
        (
            recipe(views=2, transformations=(replace(HUES, propagate=True),)),
            FakeStudio(),
            "counterfactuals.hues.propagate: False there, True asked",
        ),
        (recipe(views=2), FakeStudio(RenderSettings(16)), "settings.size: 8 there, 16 asked"),
        (
            recipe(views=2),
            FakeStudio(RenderSettings(8, Scene(object_scale=2.0))),
            "scene.object_scale: 1.5 there, 2.0 asked",
        ),
        (recipe(views=2), FakeStudio(backend="cycles"), "settings.backend: fake there, cycles"),
    ],
)
def test_other_settings_are_refused_by_name_and_nothing_is_touched(
    whole: Path, other: object, studio: FakeStudio, says: str
) -> None:
    before = tree(whole)
    with pytest.raises(InputError, match=says):
        render(whole, other, studio=studio)  # type: ignore[arg-type]
    assert tree(whole) == before


def test_further_counterfactuals_are_added_to_a_finished_set(
    copy: Path, whole: Path, tmp_path: Path
) -> None:
    assert render(copy, recipe()).drawn == 0
    more = recipe(views=1, transformations=(POSITIONS,))
    assert render(copy, more).drawn == 340
    assert changes(copy, "train") == ("hues", "positions")
    before, after = tree(whole), tree(copy)
    assert {name: after[name] for name in before if name != "manifest.json"} == {
        name: sha for name, sha in before.items() if name != "manifest.json"
    }
    assert render(copy, more).drawn == render(copy).drawn == 0


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (lambda root: root.write_text(""), "is a file: name a folder"),
        (lambda root: (root / "notes.txt").mkdir(parents=True), r"other files \(notes.txt\)"),
        (lambda root: files.write(root / "manifest.json", "{}"), "is not the manifest"),
        (lambda root: files.write(root / "manifest.json", "{"), "cannot be read"),
    ],
)
def test_a_folder_of_something_else_is_refused(
    tmp_path: Path, prepare: Callable[[Path], object], says: str
) -> None:
    prepare(tmp_path / "set")
    before = tree(tmp_path)
    with pytest.raises(InputError, match=says):
        render(tmp_path / "set")
    assert {name: sha for name, sha in tree(tmp_path).items() if ".lock" not in name} == before


def test_two_processes_do_not_render_the_same_set(copy: Path) -> None:
    with claimed(copy), pytest.raises(InputError, match="in use by another process"):
        render(copy)


def test_where_nothing_renders_nothing_is_made(tmp_path: Path) -> None:
    class Bare(FakeStudio):
        def open(self) -> FakeStudio:
            raise InputError("no renderer: install one")

    with pytest.raises(InputError, match="install one"):
        render(tmp_path / "set", studio=Bare())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"train": 0, "test": 0}, "no images"),
        ({"train": -1}, "train must be at least 0, got -1"),
        ({"transformations": (HUES,)}, "0 counterfactuals of each of 1 changes"),
        ({"transformations": (HUES, HUES), "views": 1}, "hues is named more than once"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(given: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        recipe(**given)


def test_style_that_content_descends_from_does_not_propagate() -> None:
    model = replace(recipe().model, content=("object_class", "object_position"))
    moved = LatentTransformation("spotlight_position", propagate=True)
    with pytest.raises(InputError, match="ancestor of the content object_position"):
        recipe(model=model, transformations=(moved,), views=1)


def test_counterfactuals_may_be_of_the_training_images_alone(tmp_path: Path) -> None:
    both = Recipe(causal3dident(), 8, 6, transformations=(LatentTransformation("hues"),), views=2)
    train = replace(both, views_of=("train",))
    assert (both.images, train.images) == (14 * 3, 8 * 3 + 6)
    found = {
        name: [(album.name, raw.tolist()) for album, raw in recipe.albums(tmp_path)]
        for name, recipe in (("both", both), ("train", train))
    }
    assert found["train"] == [entry for entry in found["both"] if not _test_views(entry[0])]
    with pytest.raises(InputError, match="unknown split 'training': did you mean 'train'"):
        replace(both, views_of=("training",))


def _test_views(album: str) -> bool:
    return album.startswith("testset") and "hues" in album
