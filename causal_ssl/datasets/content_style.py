"""The numerical content/style process: Gaussian latents, style changed between views, mixing.

world = ContentStyle.draw(ContentStyleConfig(p_change=0.75, statistical=True), seed=0)
views = world.sample_views(6144, generator=generator_for(0, "train", 0))
views.x1, views.x2  # (6144, 10): same content, changed style
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property, lru_cache
from os import PathLike
from typing import Any

import torch
from torch import Tensor

from causal_ssl.datasets.content_style_config import ContentStyleConfig
from causal_ssl.errors import InputError, unknown_name
from causal_ssl.randomness import generator_for
from causal_ssl.scm import (
    Affine,
    InvertibleMLP,
    Rn,
    Soft,
    StructuralCausalModel,
    draw_mixing,
    wishart_covariance,
)
from causal_ssl.scm.state import read_state, write_state
from causal_ssl.views import style_change

__all__ = ["ContentStyle", "ContentStyleConfig", "Sample", "Views"]

CPU = torch.device("cpu")
PARAMETERS = ("content_cov", "style_cov", "change_cov", "offset", "weight")


@dataclass(frozen=True, eq=False)
class Sample:
    """n observations and the latents behind them.

    Attributes:
        x: observations (n, n_content + n_style).
        content: (n, n_content).
        style: (n, n_style).
    """

    x: Tensor
    content: Tensor
    style: Tensor


@dataclass(frozen=True, eq=False)
class Views:
    """n pairs of views: same content, style changed by intervention.

    Attributes:
        x1: first view (n, n_content + n_style).
        x2: second view: the counterfactual of the first under the style change.
        content: (n, n_content), shared.
        style1: (n, n_style).
        style2: (n, n_style).
        changed: (n, n_style) bool, which style dimensions were intervened on.
    """

    x1: Tensor
    x2: Tensor
    content: Tensor
    style1: Tensor
    style2: Tensor
    changed: Tensor


@dataclass(frozen=True, eq=False)
class ContentStyle:
    """One world of the process: all parameters drawn, ready to be sampled.

        content ~ N(0, content_cov)
        style | content ~ N(offset + weight content, style_cov)
        x = mixing([content, style])
        second view: style_A ~ N(style_A, change_cov restricted to A), A drawn with p_change

    Parameters are float64 on the CPU, whatever the device; samples are float32 on `device`. Make
    one with `draw`, or with parameters of your own.

    Attributes:
        config: see `ContentStyleConfig`.
        seed: what the parameters were drawn from.
        content_cov: (n_content, n_content).
        style_cov: (n_style, n_style), of style given content.
        change_cov: (n_style, n_style), of a change of all style dimensions.
        offset: (n_style,).
        weight: (n_style, n_content).
        mixing: latents (n, d) -> observations (n, d), d = n_content + n_style.
        device: where samples are drawn.

    References:
        von Kuegelgen et al. (2021), arXiv 2106.04619, section 5.1 and appendix D.

    Examples:
        >>> config = ContentStyleConfig(p_change=0.75, causal=True, mixing_candidates=100)
        >>> world = ContentStyle.draw(config, seed=0)
        >>> views = world.sample_views(1000, generator=generator_for(0, "views"))
        >>> views.x1.shape, round(views.changed.float().mean().item(), 1)
        (torch.Size([1000, 10]), 0.8)
    """

    config: ContentStyleConfig
    seed: int
    content_cov: Tensor
    style_cov: Tensor
    change_cov: Tensor
    offset: Tensor
    weight: Tensor
    mixing: InvertibleMLP
    device: torch.device = CPU

    def __post_init__(self) -> None:
        n_c, n_s = self.config.n_content, self.config.n_style
        shapes = ((n_c, n_c), (n_s, n_s), (n_s, n_s), (n_s,), (n_s, n_c))
        for name, shape in zip(PARAMETERS, shapes, strict=True):
            if getattr(self, name).shape != shape:
                raise InputError(
                    f"{name} has shape {tuple(getattr(self, name).shape)}: expected {shape}"
                )
        if self.mixing.dim != n_c + n_s:
            raise InputError(f"mixing of {self.mixing.dim} dimensions: expected {n_c + n_s}")

    @classmethod
    def draw(cls, config: ContentStyleConfig, *, seed: int) -> "ContentStyle":
        """The world of a seed. Each parameter is a function of (seed, its name) alone.

        So worlds of one seed and different settings share what they have in common: the mixing (as
        long as its dimension is the same; searched once a process), the covariances, the weights.
        """
        n_c, n_s = config.n_content, config.n_style

        def covariance(name: str, dim: int) -> Tensor:
            if config.statistical:
                return wishart_covariance(dim, generator_for(seed, name))
            return torch.eye(dim, dtype=torch.float64)

        def dependence(name: str, *shape: int) -> Tensor:
            if config.causal:
                return torch.randn(shape, generator=generator_for(seed, name), dtype=torch.float64)
            return torch.zeros(shape, dtype=torch.float64)

        sizes = (config.mixing_layers, config.mixing_candidates, config.mixing_rank)
        return cls(
            config,
            seed,
            content_cov=covariance("content_cov", n_c),
            style_cov=covariance("style_cov", n_s),
            change_cov=covariance("change_cov", n_s),
            offset=dependence("offset", n_s),
            weight=dependence("weight", n_s, n_c),
            mixing=InvertibleMLP(_mixing_weights(seed, n_c + n_s, *sizes), config.mixing_slope),
        )

    # -- sampling -----------------------------------------------------------------------------

    @cached_property
    def scm(self) -> StructuralCausalModel:
        """The structural causal model over content, style and x."""
        content, style = Rn(self.config.n_content), Rn(self.config.n_style)
        return StructuralCausalModel(
            noise={
                "content": content.normal(self.content_cov, device=self.device),
                "style": style.normal(self.style_cov, device=self.device),
            },
            mechanisms={
                "content": lambda noise: noise,
                "style": Affine(self.offset, content=self.weight).to(self.device),
                "x": lambda content, style: self.mixing(torch.cat([content, style], dim=-1)),
            },
        )

    @cached_property
    def style_change(self) -> Soft:
        """The soft intervention on style that makes the second view."""
        return style_change(self.config.p_change, self.change_cov, device=self.device)

    def sample(self, n: int, *, generator: torch.Generator) -> Sample:
        """n independent observations, with their latents.

        Args:
            n: at least 1.
            generator: on `device`; the result depends on its state and on nothing else.
        """
        world = self.scm.sample(n, generator=generator)
        return Sample(world["x"], world["content"], world["style"])

    def sample_views(self, n: int, *, generator: torch.Generator) -> Views:
        """n independent pairs of views, with their latents: the factual and the counterfactual.

        Args:
            n: at least 1.
            generator: on `device`; the result depends on its state and on nothing else.
        """
        first = self.scm.sample(n, generator=generator)
        second = self.scm.counterfactual(first, style=self.style_change, generator=generator)
        return Views(
            x1=first["x"],
            x2=second["x"],
            content=first["content"],
            style1=first["style"],
            style2=second["style"],
            changed=second.noise["style.changed"].bool(),
        )

    # -- what is known in closed form -----------------------------------------------------------

    @property
    def latent_cov(self) -> Tensor:
        """Covariance of the latents, content then style: (n, n) with n = n_content + n_style."""
        cross = self.weight @ self.content_cov
        content = torch.cat([self.content_cov, cross.mT], dim=1)
        style = torch.cat([cross, cross @ self.weight.mT + self.style_cov], dim=1)
        return torch.cat([content, style])

    @property
    def total_style_cov(self) -> Tensor:
        """Covariance of style, content not given: B Sigma_c B^T + Sigma_s, (n_style, n_style)."""
        return self.latent_cov[self.config.n_content :, self.config.n_content :]

    def style_r2_from_content_per_coordinate(self) -> Tensor:
        """R2 of the best prediction of each style coordinate from true content, (n_style,).

        1 - style_cov_jj / total_style_cov_jj, in [0, 1); 0 without causal dependence. The best
        predictor, E[style | content], is affine here.
        """
        return 1 - self.style_cov.diagonal() / self.total_style_cov.diagonal()

    def style_r2_from_content(self) -> float:
        """R2 of style predicted from true content, mean over style coordinates, in [0, 1).

        What a perfect content representation scores on style: the reference, not a ceiling, for
        the style R2 of a learnt one. 0 without causal dependence.

        Examples:
            >>> config = ContentStyleConfig(mixing_candidates=100)
            >>> ContentStyle.draw(config, seed=0).style_r2_from_content()
            0.0
        """
        return float(self.style_r2_from_content_per_coordinate().mean())

    # -- moving and keeping -----------------------------------------------------------------------

    def to(self, device: torch.device | str) -> "ContentStyle":
        """The same world, sampled on another device."""
        mixing = InvertibleMLP(self.mixing.weights, self.mixing.slope).to(device)
        return replace(self, mixing=mixing, device=torch.device(device))

    def state_dict(self) -> dict[str, Any]:
        """The whole world as tensors, numbers and names."""
        return {
            "config": asdict(self.config),
            "seed": self.seed,
            **{name: getattr(self, name) for name in PARAMETERS},
            "mixing_weights": self.mixing.weights.cpu(),
        }

    @classmethod
    def from_state_dict(
        cls, state: Mapping[str, Any], device: torch.device | str = CPU
    ) -> "ContentStyle":
        """The world of a `state_dict`.

        Raises:
            InputError: an entry missing, unknown or of the wrong shape.
        """
        expected = {"config", "seed", "mixing_weights", *PARAMETERS}
        if missing := expected - state.keys():
            raise InputError(f"not a saved world: it lacks {', '.join(sorted(missing))}")
        for name in state.keys() - expected:
            raise unknown_name("entry of a saved world", name, expected)
        known = {field.name for field in fields(ContentStyleConfig)}
        for name in state["config"].keys() - known:
            raise unknown_name("option of a saved world", name, known)
        config = ContentStyleConfig(**state["config"])
        parameters = {name: state[name] for name in PARAMETERS}
        mixing = InvertibleMLP(state["mixing_weights"], config.mixing_slope)
        return cls(config, state["seed"], **parameters, mixing=mixing).to(device)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the whole world, mixing included; a crash leaves the old file or the new one."""
        write_state(self.state_dict(), path)

    def __reduce__(self) -> tuple[Any, ...]:
        # The model's mechanisms are functions, which do not travel to worker processes.
        return ContentStyle.from_state_dict, (self.state_dict(), self.device)

    @classmethod
    def load(cls, path: str | PathLike[str], device: torch.device | str = CPU) -> "ContentStyle":
        """Read a world that `save` wrote.

        Raises:
            InputError: no such file, or not a world.
        """
        return cls.from_state_dict(read_state(path), device)


@lru_cache(maxsize=256)
def _mixing_weights(seed: int, dim: int, layers: int, candidates: int, rank: int) -> Tensor:
    """Weights of the mixing of a seed. Cached: the search takes a fraction of a second or more."""
    generator = generator_for(seed, "mixing")
    mixing = draw_mixing(dim, layers=layers, candidates=candidates, rank=rank, generator=generator)
    return mixing.weights
