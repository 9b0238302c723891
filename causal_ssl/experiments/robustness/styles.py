"""Causal3DIdent under interventions on its style, rendered into the run's directory.

Encoders and classifiers see scenes of the model's own law. Under do(S = s) every scene has the
style s, whatever its class and lights; what the style causes follows.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

from causal_ssl._numbers import exactly
from causal_ssl.datasets.causal3dident.latents import GROUPS
from causal_ssl.datasets.causal3dident.presets import causal3dident
from causal_ssl.datasets.causal3dident.recipe import Recipe
from causal_ssl.datasets.images import open_images
from causal_ssl.datasets.images.centres import centres
from causal_ssl.experiments.causal3dident import render
from causal_ssl.experiments.robustness.config import Rendered
from causal_ssl.experiments.robustness.evaluation import Scored
from causal_ssl.randomness import derived_seed

Style = tuple[str, float]
"""A scene variable and the value s of all its coordinates, in [-1, 1]."""


def styles(rendered: Rendered) -> Iterator[Style]:
    """Every intervention that images are rendered under."""
    return ((variable, s) for variable in rendered.styles for s in rendered.values)


def check(rendered: Rendered, size: int) -> None:
    """Refuse what cannot be rendered.

    Raises:
        InputError: see `Recipe`.
    """
    render.recipe_of(_options(rendered, Path("data"), size))
    for style in styles(rendered):
        recipe_of(rendered, style)


def prepare(root: Path, rendered: Rendered, size: int, console: Console) -> None:
    """Render the images, or what is missing of them, of the law itself and under interventions.

    Args:
        root: the run's directory.
        rendered: says which.
        size: pixels a side.
        console: where progress goes.
    """
    if not rendered.data_root:
        render.run(_options(rendered, root / "data", size), console=console)
    for style in styles(rendered):
        options = _options(rendered, folder(root, style), size)
        render.run(options, console=console, recipe=recipe_of(rendered, style))


def recipe_of(rendered: Rendered, style: Style) -> Recipe:
    """The scenes under an intervention, a test split alone."""
    variable, s = style
    law = causal3dident()
    value = torch.full((len(GROUPS[variable]),), s, dtype=torch.float64)
    name = f"{law.name}, do({variable} = {exactly(s)})"
    model = replace(law, scm=law.scm.do(**{variable: value}), name=name)
    seed = derived_seed(rendered.data_seed, "style", variable, exactly(s))
    return Recipe(model, train=0, test=rendered.n_style, seed=seed)


def scored(root: Path, rendered: Rendered, size: int) -> dict[Style, Scored]:
    """The images under every intervention."""
    return {style: _scored(folder(root, style), rendered, size) for style in styles(rendered)}


def _scored(where: Path, rendered: Rendered, size: int) -> Scored:
    images = open_images(where, "test", size=size)
    return Scored.of(centres(images, rendered.n_style, size=size, seed=0))


def folder(root: Path, style: Style) -> Path:
    """Where the images under an intervention are, in the run's directory."""
    variable, s = style
    return root / "styles" / f"{variable}={exactly(s)}"


def _options(rendered: Rendered, out: Path, size: int) -> render.RenderOptions:
    return render.RenderOptions(
        n_train=rendered.n_train,
        n_test=rendered.n_test,
        seed=rendered.data_seed,
        out=str(out),
        size=size,
        backend=rendered.backend,
        object_scale=rendered.object_scale,
        packed=size,
    )
