"""Latent models by name: the published one, and that of the benchmark before it.

causal3dident()  # von Kuegelgen et al. 2021: seven classes, latents that cause each other
threedident()    # Zimmermann et al. 2021: one class, ten independent uniform latents
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from math import pi
from types import MappingProxyType

import torch
from pyro.distributions.torch_distribution import TorchDistributionMixin
from torch import Tensor, nn

from causal_ssl.datasets.causal3dident.latents import CLASSES, GROUPS
from causal_ssl.datasets.causal3dident.mechanisms import (
    ClassMean,
    TruncatedNormal,
    Uniform,
    UniformClass,
    uniform_noise,
)
from causal_ssl.datasets.causal3dident.model import LatentModel
from causal_ssl.scm import StructuralCausalModel

SCALE = 0.5
"""Published standard deviation of a caused latent given its causes, before truncation."""

POSITION_TERMS = {"mu_x": "sin(pos_spl)", "mu_y": "cos(pos_spl)", "mu_z": None}
ROTATION_TERMS = {"mu_rot_phi": None, "mu_rot_theta": None, "mu_rot_psi": None}
HUE_TERMS = {"mu_object_hue": "(hue_bg+hue_spl)/2"}
"""Column of the published table -> what an entry may be, signed, instead of a number."""


def causal3dident() -> LatentModel:
    """The published model: the class is content, all latents are style.

    Which latents are content differs between the paper's settings: `replace(model, content=...)`.

    Examples:
        >>> world = causal3dident().sample(1000, seed=0)
        >>> world["object_position"].shape
        torch.Size([1000, 3])
    """
    return LatentModel(causal3dident_model(), content=("object_class",), name="causal3dident")


def threedident(classes: Sequence[int] = (0,)) -> LatentModel:
    """Ten independent latents, U(-1, 1) each: the model of the inversion theorems on a box.

    Its second views follow exp(-rate |difference|^alpha) around the first, on the box:
    `LatentTransformation("all", Redraw.laplace(...))` or another `Redraw`, to be matched by the
    similarity that compares representations.

    Args:
        classes: of the object, indices into `CLASSES`, equally likely; published: the teapot alone.

    Raises:
        InputError: see `UniformClass`.

    References:
        Zimmermann et al. (2021), arXiv 2102.08850, Theorem 6.

    Examples:
        >>> sorted(threedident().scm.graph.edges)
        []
    """
    scm = StructuralCausalModel(
        noise=_noise(), mechanisms={"object_class": UniformClass(classes), **_uniform(GROUPS)}
    )
    return LatentModel(scm, content=("object_class",), name="3dident")


PRESETS = MappingProxyType({"causal3dident": causal3dident, "3dident": threedident})
"""Name on the command line -> what makes the model."""


def causal3dident_model() -> StructuralCausalModel:
    """The published structural causal model over the seven scene variables.

        object_class ~ U{0..6}
        spotlight_position, spotlight_hue, background_hue ~ U(-1, 1)
        object_rotation ~ N(mu(class), 0.5^2)
        object_position ~ N(mu(class, spotlight_position), 0.5^2)
        object_hue ~ N(mu(class, spotlight_hue, background_hue), 0.5^2)

    the last three truncated to [-1, 1], with the means of `published/scm.csv`. Latents are float64,
    (n, number of columns); noise is U(0, 1).

    References:
        von Kuegelgen et al. (2021), arXiv 2106.04619, appendix B.

    Examples:
        >>> scm = causal3dident_model()
        >>> sorted(scm.graph.predecessors("object_hue"))
        ['background_hue', 'object_class', 'spotlight_hue']
    """
    means = {
        "object_rotation": ClassMean(*_terms(ROTATION_TERMS), _nothing),
        "object_position": ClassMean(*_terms(POSITION_TERMS), _direction),
        "object_hue": ClassMean(*_terms(HUE_TERMS), _mean_of_lights),
    }
    return StructuralCausalModel(
        noise=_noise(),
        mechanisms={
            "object_class": UniformClass(),
            **_uniform(("spotlight_position", "spotlight_hue", "background_hue")),
            **{variable: TruncatedNormal(mean, SCALE) for variable, mean in means.items()},
        },
    )


def _nothing() -> Tensor:
    return torch.zeros(())


def _direction(spotlight_position: Tensor) -> Tensor:
    angle = spotlight_position * pi / 2
    return torch.cat([angle.sin(), angle.cos(), torch.zeros_like(angle)], dim=1)


def _mean_of_lights(spotlight_hue: Tensor, background_hue: Tensor) -> Tensor:
    return (spotlight_hue + background_hue) / 2


def _uniform(variables: Iterable[str]) -> dict[str, nn.Module]:
    return {variable: Uniform() for variable in variables}


def _noise() -> dict[str, TorchDistributionMixin]:
    widths = {variable: uniform_noise(len(columns)) for variable, columns in GROUPS.items()}
    return {"object_class": uniform_noise(), **widths}


def _terms(columns: Mapping[str, str | None]) -> tuple[Tensor, Tensor]:
    """Constants and coefficients, (7, number of columns) each, of the published table."""
    path = resources.files("causal_ssl.datasets.causal3dident") / "published" / "scm.csv"
    with path.open() as file:
        rows = {row["object_class"]: row for row in csv.DictReader(file)}
    parsed = [
        [_entry(rows[name][column], term) for column, term in columns.items()] for name in CLASSES
    ]
    constant, coefficient = torch.tensor(parsed, dtype=torch.float64).unbind(dim=2)
    return constant, coefficient


def _entry(entry: str, term: str | None) -> tuple[float, float]:
    """An entry of the published table as (constant, coefficient of the term)."""
    if entry.lstrip("-") == term:
        return 0.0, -1.0 if entry.startswith("-") else 1.0
    return float(entry), 0.0
