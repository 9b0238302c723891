"""Views by latent transformation (LT): counterfactuals under a change of some scene variables.

change = LatentTransformation("hues")  # or "positions", "rotations+hues", "spotlight_position", ...
change.check(model)                    # before long work
view = change.view(model, world, generator=generator_for(0, "views"))
classes, raw = model.raw(view)         # to be rendered: the exact counterfactual

The chosen latents are drawn anew around their factual values. What happens to all others:

- held (the default): a joint do() of the chosen latents and of all others at their factual values,
  as in the paper. Nothing else moves, whatever the graph.
- propagate=True: the model's own counterfactual. Descendants follow, computed from their own noise:
  a spotlight that moves takes the object along.

Content is what two views share. So a content variable cannot be chosen, and with propagate a style
variable that is an ancestor of a content variable is refused, unless content_may_follow says that
this is wanted.
"""

from dataclasses import dataclass
from types import MappingProxyType

import networkx as nx
import numpy as np
import torch
from scipy.special import gammainc, gammaincinv
from torch import Tensor

from causal_ssl.datasets.causal3dident.latents import GROUPS
from causal_ssl.datasets.causal3dident.mechanisms import uniform_noise
from causal_ssl.datasets.causal3dident.model import SCENE_VARIABLES, LatentModel
from causal_ssl.errors import InputError, in_range, unknown_name
from causal_ssl.scm import Soft, World, soft
from causal_ssl.scm.structural import Intervention

CHANGES = MappingProxyType(
    {
        "hues": ("object_hue", "spotlight_hue", "background_hue"),
        "positions": ("object_position", "spotlight_position"),
        "rotations": ("object_rotation",),
        "all": tuple(GROUPS),
        **{variable: (variable,) for variable in GROUPS},
    }
)
"""Name of a change -> scene variables that it draws anew: the paper's sets, and single ones."""


@dataclass(frozen=True)
class Redraw:
    """How a latent is drawn anew: p(new | z) ~ exp(-rate |new - z|^alpha) on [-1, 1].

    Coordinates are independent. The default is the published Normal(z, 1), truncated. On uniform
    latents this is the conditional of the inversion theorem on a box, matched by the similarity
    -|u - v|^alpha at temperature 1 / rate; its claim, latents up to permutation, sign and scale, is
    for alpha other than 2.

    Attributes:
        alpha: at least 1; 1 is Laplace's law, 2 the normal one.
        rate: above 0; a larger one keeps closer.

    Raises:
        InputError: a value out of range.

    References:
        von Kuegelgen et al. (2021), arXiv 2106.04619, appendix B (alpha 2, rate 1/2);
        Zimmermann et al. (2021), arXiv 2102.08850, Theorem 6.

    Examples:
        >>> Redraw.laplace(scale=0.1)(torch.zeros(3), torch.tensor([0.0, 0.25, 1.0]))
        tensor([-1.0000, -0.0693,  1.0000])
    """

    alpha: float = 2.0
    rate: float = 0.5

    def __post_init__(self) -> None:
        in_range("alpha", self.alpha, at_least=1)
        in_range("rate", self.rate, above=0)

    @classmethod
    def normal(cls, scale: float = 1.0) -> "Redraw":
        """Normal(z, scale^2), truncated."""
        return cls(2.0, 0.5 / in_range("scale", scale, above=0) ** 2)

    @classmethod
    def laplace(cls, scale: float = 1.0) -> "Redraw":
        """Laplace(z, scale), truncated."""
        return cls(1.0, 1 / in_range("scale", scale, above=0))

    def __call__(self, factual: Tensor, draw: Tensor) -> Tensor:
        """New values (n, d) in [-1, 1], increasing in the draw.

        Args:
            factual: (n, d), in [-1, 1].
            draw: (n, d), U(0, 1).
        """
        z, u = (t.double().cpu().numpy() for t in (factual, draw))
        low, high = self._within(-1 - z), self._within(1 - z)
        mass = low + u * (high - low)
        # A mass that rounds to 1 lies at infinity, and rounding may leave the box.
        away = (gammaincinv(1 / self.alpha, np.abs(mass)) / self.rate) ** (1 / self.alpha)
        return torch.from_numpy((z + np.sign(mass) * away).clip(-1, 1)).to(factual)

    def _within(self, distance: np.ndarray) -> np.ndarray:
        """Untruncated mass within a distance, with the distance's sign: its CDF is (1 + this)/2."""
        power = self.rate * np.abs(distance) ** self.alpha
        return np.sign(distance) * gammainc(1 / self.alpha, power)

    def intervention(self, variable: str) -> Soft:
        """The redrawing of a scene variable; its draw is on record as noise "variable.draw"."""
        return soft(
            lambda factual, draw: self(factual, draw), draw=uniform_noise(len(GROUPS[variable]))
        )


@dataclass(frozen=True)
class LatentTransformation:
    """A change of some scene variables, as a law of counterfactual views.

    Attributes:
        change: names of `CHANGES` joined by "+": "positions+hues".
        redraw: how the chosen latents are drawn anew.
        propagate: whether descendants follow; otherwise all that is not chosen is held.
        content_may_follow: whether these may be content.

    Raises:
        InputError: an unknown change; the class, which has no such law.

    Examples:
        >>> from causal_ssl.datasets.causal3dident.presets import causal3dident
        >>> from causal_ssl.randomness import generator_for
        >>> model = causal3dident()
        >>> world = model.sample(5, seed=0)
        >>> view = LatentTransformation("hues").view(model, world, generator=generator_for(0))
        >>> torch.equal(view["object_position"], world["object_position"])
        True
        >>> bool((view["object_hue"] != world["object_hue"]).all())
        True
    """

    change: str
    redraw: Redraw = Redraw()
    propagate: bool = False
    content_may_follow: bool = False

    def __post_init__(self) -> None:
        for name in self.change.split("+"):
            if name == "object_class":
                raise InputError(
                    "the change object_class: a class has no nearby values to draw from; "
                    "intervene with model.scm.do(object_class=...)"
                )
            if name not in CHANGES:
                raise unknown_name("change", name, CHANGES)

    @property
    def variables(self) -> tuple[str, ...]:
        """The scene variables that are drawn anew, in the order of `GROUPS`."""
        chosen = {variable for name in self.change.split("+") for variable in CHANGES[name]}
        return tuple(variable for variable in GROUPS if variable in chosen)

    def check(self, model: LatentModel) -> None:
        """Refuse what would change content; `view` does so too.

        Raises:
            InputError: a chosen variable is content, or, with propagate, an ancestor of content.
        """
        for variable in self.variables:
            if variable in model.content:
                raise InputError(
                    f"the change {self.change} draws {variable} anew, which is content in this "
                    "model: views change style alone; declare it style or choose another change"
                )
            below = nx.descendants(model.scm.graph, variable).intersection(model.content)
            if self.propagate and below and not self.content_may_follow:
                raise InputError(
                    f"the change {self.change} with propagate: {variable} is style and an ancestor "
                    f"of the content {', '.join(sorted(below))}, which would follow it, so that "
                    "views no longer share content; hold it (no propagate), declare it style, or "
                    "ask for it with content_may_follow"
                )

    def view(self, model: LatentModel, world: World, *, generator: torch.Generator) -> World:
        """The same scenes after the change.

        Args:
            model: of which `world` is drawn.
            world: factual; n scenes.
            generator: the draws depend on its state and on nothing else.

        Returns:
            The counterfactual world. What was drawn is on record as its noise "variable.draw".

        Raises:
            InputError: see `check`; with propagate, a world that is a view already, as descendants
                are computed from the factual world's noise.
        """
        self.check(model)
        if self.propagate and (drawn := sorted(set(world.noise) - set(model.scm.noise))):
            raise InputError(
                f"the world is a view already (noise {', '.join(drawn)}), which mechanisms would "
                "forget: propagate from the factual world"
            )
        changed = {v: self.redraw.intervention(v) for v in self.variables}
        held: dict[str, Intervention] = {}
        if not self.propagate:
            held = {v: world[v] for v in SCENE_VARIABLES if v not in changed}
        return model.scm.counterfactual(world, generator=generator, **changed, **held)
