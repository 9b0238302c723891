"""A latent model: a structural causal model over the scene, and what of it is content.

model = causal3dident()
world = model.sample(1000, seed=0)
classes, raw = model.raw(world)  # (1000,), (1000, 10): what is rendered and written
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from causal_ssl.datasets.causal3dident.latents import (
    CLASSES,
    GROUPS,
    Classes,
    RawLatents,
    checked,
)
from causal_ssl.errors import InputError, unknown_name
from causal_ssl.randomness import generator_for
from causal_ssl.scm import StructuralCausalModel, World
from causal_ssl.scm.equations import Equation, Fixed, Mechanism
from causal_ssl.scm.state import equations_state

SCENE_VARIABLES = ("object_class", *GROUPS)
"""Variables of the causal graph of a scene."""

TRIAL = 256
"""Samples that are drawn of a new model to see that its values are of the scene."""


@dataclass(frozen=True, eq=False)
class LatentModel:
    """A structural causal model over the seven scene variables; some are content, the rest style.

    Any graph and any mechanisms over `SCENE_VARIABLES`: object_class is (n,) integers in 0..6,
    every other variable (n, number of its columns) in [-1, 1].

    Attributes:
        scm: the model.
        content: scene variables that are content; all others are style.
        name: for manifests and tables.

    Raises:
        InputError: a scene variable missing, or another variable; an unknown content variable; of
            256 samples drawn on trial, values of another shape or out of range.

    Examples:
        A graph of one's own: the class decides on where the object is, and all else is chance.

        >>> from causal_ssl.datasets.causal3dident.mechanisms import *
        >>> def to_one_side(object_class):
        ...     return (object_class[:, None] - 3) / 3
        >>> mechanisms = {
        ...     "object_class": UniformClass(),
        ...     "object_position": TruncatedNormal(to_one_side, scale=0.5),
        ... }
        >>> mechanisms = {variable: Uniform() for variable in GROUPS} | mechanisms
        >>> noise = {v: uniform_noise(len(columns)) for v, columns in GROUPS.items()}
        >>> scm = StructuralCausalModel({"object_class": uniform_noise(), **noise}, mechanisms)
        >>> model = LatentModel(scm, content={"object_class", "object_position"})
        >>> classes, raw = model.raw(model.sample(10_000, seed=0))
        >>> [float(raw[classes == k, 0].mean().round(1)) for k in (0, 6)]
        [-0.6, 0.6]
    """

    scm: StructuralCausalModel
    content: Collection[str] = ("object_class",)
    name: str = "custom"

    def __post_init__(self) -> None:
        for variable in self.scm.variables:
            if variable not in SCENE_VARIABLES:
                raise unknown_name("scene variable", variable, SCENE_VARIABLES)
        if missing := [v for v in SCENE_VARIABLES if v not in self.scm.variables]:
            raise InputError(
                f"the model lacks the scene variable {', '.join(missing)}: give each a mechanism"
            )
        if isinstance(self.content, str):
            raise InputError(f"content={self.content!r}: expected a collection of names")
        for variable in self.content:
            if variable not in SCENE_VARIABLES:
                raise unknown_name("content variable", variable, SCENE_VARIABLES)
        self.raw(self.sample(TRIAL, seed=0))

    @property
    def style(self) -> tuple[str, ...]:
        """Scene variables that are not content."""
        return tuple(v for v in SCENE_VARIABLES if v not in self.content)

    def sample(self, n: int, *, seed: int) -> World:
        """n independent scenes, with the noise behind them.

        Args:
            n: at least 1.
            seed: the scenes are a function of the model, n and the seed.
        """
        generator = generator_for(seed, "latents", device=self.scm.device)
        return self.scm.sample(n, generator=generator)

    def raw(self, world: World) -> tuple[Classes, RawLatents]:
        """The scenes of a world as they are rendered and written: (n,) and (n, 10) numbers.

        Raises:
            InputError: values of another shape or out of range.
        """
        parts = [_columns(variable, world[variable]) for variable in GROUPS]
        latents = checked(np.concatenate(parts, axis=1), "a world's latents")
        return checked_classes(world["object_class"].cpu().numpy(), len(latents)), latents

    def abduct(self, classes: object, raw: object) -> World:
        """The world behind scenes of which only the latents are at hand, such as published ones.

        Exact up to rounding (about 1e-15 in the noise); of the class, whose noise is not determined
        by its value, the middle of what is possible.

        Args:
            classes: (n,), integers in 0..6.
            raw: (n, 10), in [-1, 1].

        Raises:
            InputError: latents out of range; a class that this model never draws; a mechanism
                without `abduct(value, **parents)`, which those of `mechanisms` have.

        Examples:
            >>> from causal_ssl.datasets.causal3dident.presets import causal3dident
            >>> model = causal3dident()
            >>> world = model.sample(100, seed=0)
            >>> again = model.abduct(*model.raw(world))
            >>> torch.allclose(again.noise["object_hue"], world.noise["object_hue"])
            True
        """
        latents = torch.from_numpy(checked(raw))
        values = {v: latents[:, list(columns)] for v, columns in GROUPS.items()}
        values["object_class"] = torch.from_numpy(checked_classes(classes, len(latents)))
        noise = {}
        for variable in self.scm.variables:
            abduct, parents = self._abduction(variable)
            noise[variable] = abduct(values[variable], **{p: values[p] for p in parents})
        return World(values, noise)

    def record(self) -> dict[str, Any]:
        """What the latents' law depends on, for a manifest: names, graph and all parameters.

        Mechanisms that are functions, and soft interventions, are recorded by name alone.
        """
        equations = self.scm.equations
        own = {v: e for v, e in equations.items() if isinstance(e, Mechanism)}
        parameters = {name: tensor.tolist() for name, tensor in equations_state(own).items()}
        return {
            "name": self.name,
            "content": [v for v in SCENE_VARIABLES if v in self.content],
            "style": list(self.style),
            "graph": [list(edge) for edge in self.scm.graph.edges],
            "mechanisms": {v: _described(equations[v]) for v in SCENE_VARIABLES},
            "parameters": parameters,
        }

    def _abduction(self, variable: str) -> tuple[Callable[..., Tensor], tuple[str, ...]]:
        equation = self.scm.equations[variable]
        abduct = getattr(getattr(equation, "function", None), "abduct", None)
        if not isinstance(equation, Mechanism) or abduct is None:
            raise InputError(
                f"the mechanism of {variable!r} has no `abduct`, so that the noise behind given "
                "latents is not known: use one of causal3dident.mechanisms, or keep the world"
            )
        return abduct, equation.parents


def checked_classes(classes: object, n: int) -> Classes:
    """Classes as int64, if they are (n,) integers in 0..6.

    Raises:
        InputError: another shape or kind, or a class that is not there.

    Examples:
        >>> checked_classes([0, 7], 2)
        Traceback (most recent call last):
        ...
        causal_ssl.errors.InputError: class 7 of row 1: expected 0 to 6
    """
    values = np.asarray(classes)
    if values.shape != (n,) or not np.issubdtype(values.dtype, np.integer):
        raise InputError(
            f"classes of shape {values.shape} and type {values.dtype}: expected ({n},) integers"
        )
    bad = np.flatnonzero((values < 0) | (values >= len(CLASSES)))
    if len(bad):
        raise InputError(
            f"class {values[bad[0]]} of row {bad[0]}: expected 0 to {len(CLASSES) - 1}"
        )
    return values.astype(np.int64)


def _described(equation: Equation) -> str:
    if isinstance(equation, Fixed):
        return f"do({equation.value.tolist()})"
    if isinstance(equation, Mechanism):
        return getattr(equation.function, "__name__", type(equation.function).__name__)
    return "soft intervention"


def _columns(variable: str, value: Tensor) -> NDArray[np.float64]:
    width = len(GROUPS[variable])
    if value.dim() != 2 or value.shape[1] != width:
        raise InputError(
            f"{variable!r} has shape {tuple(value.shape)}: expected (n, {width}), a column a number"
        )
    return value.double().cpu().numpy()
