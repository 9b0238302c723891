"""Views made in latent space: interventions on style with everything else held fixed."""

import torch
from pyro.distributions import Bernoulli
from torch import Tensor

from causal_ssl.errors import in_range
from causal_ssl.scm import Rn, Soft, soft


def style_change(
    p_change: float, covariance: Tensor, *, device: torch.device | str = "cpu"
) -> Soft:
    """A random subset A of style dimensions moves: style~_A ~ N(style_A, covariance_A).

    A soft intervention for `StructuralCausalModel.counterfactual` or `.do`. Each dimension is in A
    independently with probability p_change, anew for each sample. What was drawn is on record in
    the world's noise: "style.changed" (n, dim), 1 in A and 0 elsewhere, and "style.step" (n, dim).

    Args:
        p_change: probability that a dimension changes, in (0, 1].
        covariance: (dim, dim), of a change of all dimensions; the change of A has its submatrix.
        device: where the model is.

    Raises:
        InputError: p_change out of range; a covariance that is not positive definite.

    References:
        von Kuegelgen et al. (2021), arXiv 2106.04619, Assumption 3.2.

    Examples:
        >>> from pyro.distributions import MultivariateNormal
        >>> from causal_ssl.scm import StructuralCausalModel
        >>> law = MultivariateNormal(torch.zeros(2), torch.eye(2))
        >>> scm = StructuralCausalModel({"style": law}, {"style": lambda noise: noise})
        >>> g = torch.Generator().manual_seed(0)
        >>> world = scm.sample(100, generator=g)
        >>> view = scm.counterfactual(world, style=style_change(0.5, torch.eye(2)), generator=g)
        >>> moved = view["style"] != world["style"]
        >>> torch.equal(moved, view.noise["style.changed"].bool())
        True
    """
    in_range("p_change", p_change, above=0, at_most=1)
    space = Rn(len(covariance))
    # Masking a draw of the full covariance leaves exactly the submatrix covariance on A: no factor
    # a subset is needed.
    return soft(
        lambda factual, step, changed: space.displaced(factual, changed * step),
        step=space.normal(covariance, device=device),
        changed=Bernoulli(torch.full((space.dim,), p_change, device=device)).to_event(1),
    )
