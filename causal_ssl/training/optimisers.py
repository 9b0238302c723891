"""Optimisers of image encoders, and which parameters they decay and adapt."""

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import cycle
from typing import Any

import torch
from torch.nn import Parameter

from causal_ssl.methods import Optimiser

TRUST = 1e-3
"""LARS's eta: the norm of a tensor's step, before the learning rate, by that of the tensor."""
FACTOR = "factor"
"""The key of a group under which stands its learning rate by the optimiser's; 1 if left out."""


def make_optimiser(
    optimiser: Optimiser,
    parameters: Iterable[tuple[str, Parameter]],
    *,
    factors: Mapping[str, float] | None = None,
) -> torch.optim.Optimizer:
    """The optimiser that a value says, for the two groups of `parameter_groups`.

    - "adam": with betas (0.9, 0.999); its weight decay is decoupled from the gradient (AdamW).
    - "sgd": buffer <- momentum buffer + g + decay w, then w <- w - rate buffer.
    - "nesterov": the same, then w <- w - rate (g + decay w + momentum buffer).
    - "lars": "sgd" with q (g + decay w) in place of g + decay w, for each tensor of weights as a
      whole: q = eta |w| / (|g| + decay |w|), or 1 if |w| or |g| is 0. Biases and the parameters
      of norms are not adapted (q = 1).

    Args:
        optimiser: its learning rate is that of all groups; the trainer sets it anew at each step.
        parameters: names and parameters, as `named_parameters` gives them.
        factors: how the names of some of them begin -> their learning rate by the others'; these
            are two further groups each, with the factor under `FACTOR`.

    References:
        LARS: You et al. 2017, arXiv 1708.03888; the groups: BYOL, arXiv 2006.07733, appendix C.

    Examples:
        >>> layer = torch.nn.Linear(2, 1)
        >>> lars = make_optimiser(Optimiser("lars", 0.3), layer.named_parameters())
        >>> [group["always_adapt"] for group in lars.param_groups]
        [True, False]
    """
    rate, momentum = optimiser.learning_rate, optimiser.momentum
    groups = _groups(optimiser, list(parameters), factors or {})
    if optimiser.name == "adam":
        return torch.optim.Adam(groups, lr=rate, decoupled_weight_decay=True, fused=True)
    if optimiser.name in ("sgd", "nesterov"):
        nesterov = optimiser.name == "nesterov"
        return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=nesterov, fused=True)
    from timm.optim.lars import Lars

    for group, adapted in zip(groups, cycle((True, False)), strict=False):
        # Left alone, timm's adapts whatever it decays: without decay, nothing.
        group["always_adapt"] = adapted
    return Lars(groups, lr=rate, momentum=momentum, trust_coeff=TRUST)


def _groups(
    optimiser: Optimiser,
    parameters: list[tuple[str, Parameter]],
    factors: Mapping[str, float],
) -> list[dict[str, Any]]:
    """The two groups of those with no factor, then of those with each."""
    split = partial(
        parameter_groups,
        weight_decay=optimiser.weight_decay,
        decay_all=optimiser.decay_all,
        plain_factor=optimiser.plain_factor,
    )
    groups = []
    for start, factor in factors.items():
        part = [(name, parameter) for name, parameter in parameters if name.startswith(start)]
        parameters = [(name, p) for name, p in parameters if not name.startswith(start)]
        groups += [{**group, FACTOR: factor * group.get(FACTOR, 1.0)} for group in split(part)]
    return split(parameters) + groups


def parameter_groups(
    parameters: Iterable[tuple[str, Parameter]],
    *,
    weight_decay: float,
    decay_all: bool = False,
    plain_factor: float = 1.0,
) -> list[dict[str, Any]]:
    """Two groups: the weights; and biases and the parameters of norms, without decay.

    The second group has the tensors of one dimension at most, whatever their names.

    Args:
        parameters: names and parameters.
        weight_decay: of the first group; with `decay_all` of both.
        plain_factor: learning rate of the second group by that of the first.

    Examples:
        >>> network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
        >>> groups = parameter_groups(network.named_parameters(), weight_decay=0.1)
        >>> [(len(group["params"]), group["weight_decay"]) for group in groups]
        [(1, 0.1), (3, 0.0)]
    """
    both = [parameter for _, parameter in parameters]
    weights = [parameter for parameter in both if parameter.ndim > 1]
    others = [parameter for parameter in both if parameter.ndim <= 1]
    rate = {} if plain_factor == 1 else {FACTOR: plain_factor}
    return [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": weight_decay if decay_all else 0.0} | rate,
    ]
