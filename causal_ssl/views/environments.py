"""Environments: labelled interventions on style, hard or soft, under which samples are drawn."""

from dataclasses import dataclass
from math import cos, pi, sin

import torch
from pyro.distributions import Normal
from torch import Tensor

from causal_ssl.errors import in_range
from causal_ssl.scm import Soft, soft


@dataclass(frozen=True)
class StyleIntervention:
    """do(S = mean), or S ~ N(mean, scale^2 I) whatever its causes: a model's style is replaced.

    Attributes:
        label: names the environment; different interventions have different ones.
        mean: (n_style,).
        scale: standard deviation of each coordinate; 0 is the hard intervention do(S = mean).

    Examples:
        >>> from causal_ssl.scm import StructuralCausalModel
        >>> law = Normal(torch.zeros(2), 1.0).to_event(1)
        >>> scm = StructuralCausalModel({"style": law}, {"style": lambda noise: noise})
        >>> there = StyleIntervention("right", mean=(3.0, 0.0), scale=0.5)
        >>> g = torch.Generator().manual_seed(0)
        >>> world = scm.do(style=there.value()).sample(1000, generator=g)
        >>> world["style"].mean(0).round().abs().tolist()
        [3.0, 0.0]
    """

    label: str
    mean: tuple[float, ...]
    scale: float = 0.0

    def __post_init__(self) -> None:
        in_range("scale", self.scale, at_least=0)

    def value(self, device: torch.device | str = "cpu") -> Tensor | Soft:
        """What `StructuralCausalModel.do(style=...)` and `.counterfactual` take."""
        mean = torch.tensor(self.mean, device=device)
        if self.scale == 0:
            return mean
        return soft(lambda draw: draw, draw=Normal(mean, self.scale).to_event(1))


def style_ring(
    n: int, n_style: int, *, radius: float, scale: float = 0.0
) -> tuple[StyleIntervention, ...]:
    """n interventions whose means lie evenly on a circle in the first two style coordinates.

    The first lies at 45 degrees for n = 4, so that signs of both coordinates differ between them;
    neighbours on the circle overlap more than those across it. With a single style coordinate the
    means lie evenly between -radius and radius instead.

    Args:
        n: environments, at least 1.
        n_style: style dimensions, at least 1.
        radius: of the circle, in units of style, at least 0.
        scale: see `StyleIntervention`.

    Raises:
        InputError: a value out of range.

    Examples:
        >>> [i.label for i in style_ring(2, 3, radius=1.0)]
        ['s0', 's1']
        >>> [[round(x, 2) for x in i.mean] for i in style_ring(4, 2, radius=1.0)][:2]
        [[0.71, 0.71], [-0.71, 0.71]]
    """
    in_range("n", n, at_least=1)
    in_range("n_style", n_style, at_least=1)
    in_range("radius", radius, at_least=0)
    return tuple(StyleIntervention(f"s{k}", _place(k, n, n_style, radius), scale) for k in range(n))


def _place(k: int, n: int, n_style: int, radius: float) -> tuple[float, ...]:
    if n_style == 1:
        return (radius * (2 * k / max(n - 1, 1) - 1),)
    angle = 2 * pi * (k + 0.5) / n
    return (radius * cos(angle), radius * sin(angle), *([0.0] * (n_style - 2)))
