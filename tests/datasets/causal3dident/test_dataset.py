"""The data set reads what is on the disk, published or rendered; pairs share the class."""

import numpy as np
import pytest
import torch
from fake_rendering import recipe, render

from causal_ssl.datasets.causal3dident import latent_views, layout
from causal_ssl.datasets.causal3dident.dataset import Causal3DIdent
from causal_ssl.datasets.causal3dident.generate import generate
from causal_ssl.datasets.causal3dident.images import encode
from causal_ssl.datasets.causal3dident.latent_views import LatentViews
from causal_ssl.datasets.causal3dident.latents import CLASSES, GROUPS
from causal_ssl.datasets.causal3dident.packed import pack
from causal_ssl.datasets.causal3dident.rendering.raster import available
from causal_ssl.datasets.causal3dident.rendering.renderer import RenderSettings
from causal_ssl.datasets.causal3dident.studio import MeshStudio
from causal_ssl.datasets.causal3dident.views import LatentTransformation
from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for

COUNTS = (12, 0, 3, 1, 2, 10, 11)
"""Images of each class: an empty class, a single one, and the step from one digit to two."""
HUES, GEOMETRY = (7, 8, 9), (0, 1, 2, 3, 4, 5, 6)


def picture(latents, change=0):
    """A 16 x 16 image whose flat colour tells the three hues, and whose corner which change."""
    image = np.empty((16, 16, 3), np.uint8)
    image[:] = np.round((latents[list(HUES)] + 1) * 100)
    image[0, 0] = change
    return image


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A set in the published layout, and K = 2 counterfactuals "hues" of its training split."""
    root, random = tmp_path_factory.mktemp("set"), np.random.default_rng(0)
    for split in layout.SPLITS:
        for k, n in enumerate(COUNTS):
            own = layout.Album(root, split, k, n)
            views = layout.Album(root, split, k, n, change="hues", views=2)
            latents = random.uniform(-1, 1, (n, 10))
            others = np.repeat(latents[:, None], 2, axis=1)
            others[..., HUES] = random.uniform(-1, 1, (n, 2, 3))
            write(own, latents[:, None])
            if split == "train":
                write(views, others)
    return root


def write(album, latents):
    album.latents_path.parent.mkdir(parents=True, exist_ok=True)
    np.save(album.latents_path, latents if album.change else latents[:, 0])
    (album.root / album.name).mkdir(parents=True, exist_ok=True)
    for row, of_row in enumerate(latents):
        for view, z in enumerate(of_row):
            album.path(row, view).write_bytes(encode(picture(z, change=view + 1)))


def test_images_come_with_their_own_latents_and_class(published):
    images = Causal3DIdent(published, "train")
    assert len(images) == sum(COUNTS)
    np.testing.assert_array_equal(np.bincount(images.object_class, minlength=7), COUNTS)
    for index in (0, 11, 12, len(images) - 1):
        sample = images[index]
        expected = torch.from_numpy(picture(sample["latents"].numpy(), change=1)).permute(2, 0, 1)
        assert torch.equal(sample["image"], expected)
        assert sample["object_class"] == images.object_class[index]
    with pytest.raises(IndexError):
        images[len(images)]


def test_a_class_is_its_folders_number(published):
    images = Causal3DIdent(published, "test")
    first_horse = int(np.flatnonzero(images.object_class == CLASSES.index("horse"))[0])
    saved = np.load(published / "testset" / "raw_latents_5.npy")
    np.testing.assert_array_equal(images.latents[first_horse], saved[0])


def test_packed_images_are_the_files_shrunk(published):
    for change in ("", "hues"):
        pack(published, "train", 8, change=change, workers=1)
    files, packed = Causal3DIdent(published), Causal3DIdent(published, size=8)
    chosen = np.array([3, 0, 38, 12])
    large, small = (images.batch(chosen) for images in (files, packed))
    assert small["image"].shape == (4, 3, 8, 8)
    assert torch.equal(small["image"][..., 4, 4], large["image"][..., 8, 8])
    assert torch.equal(small["latents"], large["latents"])
    with pytest.raises(InputError, match="--packed 32"):
        Causal3DIdent(published, size=32)


def test_rendered_counterfactuals_hold_geometry_and_change_hues(published):
    pairs = LatentViews(Causal3DIdent(published), "hues")
    assert pairs.source == "rendered"
    chosen = np.arange(len(pairs))
    batch = pairs.batch(chosen, generator_for(0))
    latents, views = batch["latents"].numpy(), batch["view_latents"].numpy()
    np.testing.assert_array_equal(views[:, GEOMETRY], latents[:, GEOMETRY])
    assert (views[:, HUES] != latents[:, HUES]).all()
    for image, z in zip(batch["view"], views, strict=True):
        which = int(image[0, 0, 0])
        assert torch.equal(image, torch.from_numpy(picture(z, which)).permute(2, 0, 1))
    used = {int(image[0, 0, 0]) for image in batch["view"]}
    assert used == {1, 2}  # both of the two views: missing one has probability 2^-38
    again = pairs.batch(chosen, generator_for(0))
    assert torch.equal(again["view"], batch["view"])
    assert not torch.equal(pairs.batch(chosen, generator_for(1))["view"], batch["view"])


def test_views_that_follow_are_not_taken_for_views_that_are_held(tmp_path):
    change = LatentTransformation("spotlight_position", propagate=True)
    render(tmp_path / "set", recipe(30, 0, views=1, transformations=(change,)))
    images = Causal3DIdent(tmp_path / "set")
    with pytest.raises(InputError, match="do not hold position_x, position_y, as `render"):
        LatentViews(images, "spotlight_position")
    with pytest.raises(InputError, match="only rendered views can follow"):
        LatentViews(images, "spotlight_position", source="nearest", propagate=True)
    batch = LatentViews(images, "spotlight_position", propagate=True).batch(
        np.arange(30), generator_for(0)
    )
    differ = (batch["latents"] != batch["view_latents"]).any(0)
    assert differ.nonzero()[:, 0].tolist() == [0, 1, 6]


def test_the_nearest_image_shares_the_class_and_says_what_it_is(published):
    images = Causal3DIdent(published)
    pairs = LatentViews(images, "positions")
    assert pairs.source == "nearest"
    assert "manifest" in pairs.fallback
    batch = pairs.batch(np.arange(len(images)), generator_for(0))
    views = batch["view_latents"].numpy()
    for z, k in zip(views, images.object_class, strict=True):
        of_class = images.latents[images.object_class == k]
        assert (of_class == z).all(axis=1).any()


def test_the_nearest_image_is_the_nearest(published):
    """Against a search through all pairs, for the latents that the same generator draws."""
    from causal_ssl.datasets.causal3dident.latent_views import redrawn

    images, change = Causal3DIdent(published), LatentTransformation("rotations")
    indices = np.flatnonzero(images.object_class == 6)
    wanted = redrawn(images, change, indices, generator_for(3))
    held = [column for name in GROUPS if name != "object_rotation" for column in GROUPS[name]]
    np.testing.assert_allclose(wanted[:, held], images.latents[indices][:, held], atol=1e-12)
    own = images.latents[indices]
    nearest = own[np.linalg.norm(wanted[:, None] - own[None], axis=2).argmin(axis=1)]
    pairs = LatentViews(images, "rotations", source="nearest")
    found = pairs.batch(indices, generator_for(3))["view_latents"].numpy()
    np.testing.assert_array_equal(found, nearest)


def drawn_by_raster(root):
    """Fourteen small images by the raster backend, with a counterfactual of their hues each."""
    reason = available()
    if reason is not None:
        pytest.skip(f"the raster backend: {reason}")
    hues = recipe(14, 0, views=1)
    generate(hues, root, studio=MeshStudio(RenderSettings(16), backend="raster"), workers=1)
    return Causal3DIdent(root)


def test_what_is_drawn_when_asked_is_what_would_have_been_rendered(tmp_path, monkeypatch):
    images = drawn_by_raster(tmp_path / "set")
    rendered = LatentViews(images, "hues").batch(np.arange(14), generator_for(0))
    latents = rendered["view_latents"].numpy()
    with monkeypatch.context() as patched:
        patched.setattr(latent_views, "redrawn", lambda *_: latents)
        drawn = LatentViews(images, "hues", source="raster").batch(np.arange(14), generator_for(0))
    assert torch.equal(drawn["view"], rendered["view"])
    assert not torch.equal(drawn["view"], drawn["image"])


def test_without_rendered_views_exact_ones_are_drawn(tmp_path):
    images = drawn_by_raster(tmp_path / "set")
    pairs = LatentViews(images, "rotations")
    assert (pairs.source, pairs.fallback) == ("raster", "")
    batch = pairs.batch(np.arange(14), generator_for(0))
    latents, views = batch["latents"].numpy(), batch["view_latents"].numpy()
    assert (views != latents).any(axis=0).nonzero()[0].tolist() == [3, 4, 5]
    assert torch.equal(pairs.batch(np.arange(14), generator_for(0))["view"], batch["view"])


def test_images_of_another_renderer_are_not_paired_with_the_rasters(tmp_path):
    render(tmp_path / "set", recipe(14, 0))
    images = Causal3DIdent(tmp_path / "set")
    with pytest.raises(InputError, match="was rendered by fake, views would look different"):
        LatentViews(images, "hues", source="raster")
    assert "was rendered by fake" in LatentViews(images, "hues").fallback


@pytest.mark.parametrize(
    ("change", "source", "message"),
    [
        ("hue", "auto", "did you mean 'hues'"),
        ("hues", "rastr", "did you mean 'raster'"),
        ("positions", "rendered", "no counterfactuals of the change 'positions' .it has hues"),
        ("positions", "raster", "has no manifest.json"),
    ],
)
def test_what_is_not_there_is_refused(published, change, source, message):
    with pytest.raises(InputError, match=message):
        LatentViews(Causal3DIdent(published), change, source=source)
