"""What representations are tested on: samples of a world under each intervention on style."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from causal_ssl.datasets.content_style import ContentStyle, ContentStyleConfig, Sample
from causal_ssl.datasets.tasks import ContentTasks
from causal_ssl.experiments.invariance.config import InvarianceStudy
from causal_ssl.randomness import generator_for
from causal_ssl.scm import World
from causal_ssl.views import StyleIntervention, style_ring

Ring = tuple[StyleIntervention, ...]
Representation = Callable[[Sample], Tensor]
"""From samples (latents may be read by controls alone) to (n, d_f)."""


@dataclass(frozen=True, eq=False)
class Environments:
    """Samples drawn under interventions: each environment has samples of its own.

    Attributes:
        sample: n = environments times samples each, one environment after the other.
        environment: (n,), index of the intervention.
    """

    sample: Sample
    environment: Tensor


def world_config(config: InvarianceStudy, world: str) -> ContentStyleConfig:
    """The worlds of a kind."""
    return ContentStyleConfig(
        n_content=config.n_content,
        n_style=config.n_style,
        p_change=config.p_change,
        causal=world == "causal",
        mixing_layers=config.mixing_layers,
        mixing_candidates=config.mixing_candidates,
    )


def ring_of(config: InvarianceStudy, kind: str) -> Ring:
    """The interventions of a kind, "soft" or "hard"."""
    scale = config.scale if kind == "soft" else 0.0
    return style_ring(config.n_environments, config.n_style, radius=config.radius, scale=scale)


def ladder(world: ContentStyle) -> ContentTasks:
    """The tasks of a world: content's cells, at several granularities."""
    return ContentTasks(world.content_cov)


def draw(world: ContentStyle, ring: Ring, n_each: int, *, purpose: str) -> Environments:
    """n_each independent samples under each intervention.

    Args:
        purpose: the draws are a function of the world's seed, this name and the intervention.
    """
    worlds = [
        world.scm.do(style=each.value()).sample(
            n_each, generator=generator_for(world.seed, purpose, each.label)
        )
        for each in ring
    ]
    environment = torch.arange(len(ring)).repeat_interleave(n_each)
    return Environments(_joined([_sample(w) for w in worlds]), environment)


def draw_units(world: ContentStyle, ring: Ring, n: int, *, purpose: str) -> list[Sample]:
    """n units, each seen once under every intervention: counterfactuals of one another.

    Returns:
        One `Sample` an intervention; rows i are the same unit, with the same content.
    """
    factual = world.scm.sample(n, generator=generator_for(world.seed, "units"))
    return [
        _sample(
            world.scm.counterfactual(
                factual,
                style=each.value(),
                generator=generator_for(world.seed, purpose, each.label),
            )
        )
        for each in ring
    ]


def draw_bank(world: ContentStyle, ring: Ring, n: int) -> Sample:
    """The units of `draw_units`, each under an intervention drawn for it alone.

    A bank under one style would hide style from the proxy: it adds a constant to every logit.
    """
    views = draw_units(world, ring, n, purpose="bank")
    chosen = torch.randint(len(ring), (n,), generator=generator_for(world.seed, "bank"))
    rows = torch.arange(n)

    def pick(values: list[Tensor]) -> Tensor:
        return torch.stack(values)[chosen, rows]

    return Sample(
        x=pick([view.x for view in views]),
        content=pick([view.content for view in views]),
        style=pick([view.style for view in views]),
    )


def control(name: str) -> Representation:
    """A representation made of the true latents.

    - `oracle`: f = c, invariant and accurate;
    - `style_only`: f = s, invariant, since interventions cut content -> style, and useless;
    - `separate`: f = (c, s), invariant, on disjoint supports vacuously;
    - `entangled`: f = sign(s_1) c, accurate within an environment that fixes the sign, not
      invariant, with full overlap: the continuous c xor s;
    - `identity`: f = x, invariant since x determines c, though a simple probe may not see it.
    """
    made: dict[str, Representation] = {
        "oracle": lambda sample: sample.content,
        "style_only": lambda sample: sample.style,
        "separate": lambda sample: torch.cat([sample.content, sample.style], dim=1),
        "entangled": lambda sample: sample.content * sample.style[:, :1].sign(),
        "identity": lambda sample: sample.x,
    }
    return made[name]


def content_of(config: InvarianceStudy) -> Callable[[Tensor], Tensor]:
    """The critic that keeps the content of `separate`, (n, n_c + n_s) to (n, n_c)."""
    return lambda separate: separate[:, : config.n_content]


def of_encoder(encoder: Callable[[Tensor], Tensor]) -> Representation:
    """The representation that an encoder gives of x."""
    return partial(_encoded, encoder)


@torch.no_grad()
def _encoded(encoder: Callable[[Tensor], Tensor], sample: Sample) -> Tensor:
    return torch.cat([encoder(part) for part in sample.x.split(8192)])


def _sample(world: World) -> Sample:
    return Sample(world["x"], world["content"], world["style"])


def _joined(samples: list[Sample]) -> Sample:
    return Sample(
        x=torch.cat([each.x for each in samples]),
        content=torch.cat([each.content for each in samples]),
        style=torch.cat([each.style for each in samples]),
    )
