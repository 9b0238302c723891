"""The two renderers draw the same scene: raster's light is in closed form, Cycles' is sampled."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from causal_ssl.datasets.causal3dident.latents import CLASSES, LATENTS
from causal_ssl.datasets.causal3dident.rendering import blender, raster
from causal_ssl.datasets.causal3dident.rendering.choose import open_renderer
from causal_ssl.datasets.causal3dident.rendering.renderer import RenderSettings
from causal_ssl.datasets.causal3dident.scene import Scene
from causal_ssl.datasets.causal3dident.shapes import meshes
from causal_ssl.errors import InputError


def missing() -> str | None:
    if (reason := raster.available()) is not None:
        return reason
    try:
        blender.find()
    except InputError as error:
        return str(error)
    return None


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_both_draw_every_class_alike(tmp_path):
    """To the figures that are promised: SSIM 0.985, mean absolute error 1/255, on the mean."""
    classes = np.arange(len(CLASSES))
    raw = np.random.default_rng(11).uniform(-1, 1, (len(CLASSES), len(LATENTS)))
    frames, shapes = Scene().frames(raw), meshes(cache=tmp_path)
    drawn = {}
    for backend in ("raster", "cycles"):
        with open_renderer(backend, shapes, RenderSettings(128)) as renderer:
            drawn[backend] = np.stack(list(renderer.render(classes, frames)))
    ours, theirs = drawn["raster"], drawn["cycles"]
    error = np.abs(ours.astype(float) - theirs).mean(axis=(1, 2, 3))
    alike = [structural_similarity(a, b, channel_axis=2) for a, b in zip(ours, theirs, strict=True)]
    assert error.mean() <= 1.0, error
    assert np.mean(alike) >= 0.985, alike
    # Another class's image in its place is told apart at once.
    other = np.abs(np.roll(ours, 1, axis=0).astype(float) - theirs).mean(axis=(1, 2, 3))
    assert other.min() > 3 * error.max()
