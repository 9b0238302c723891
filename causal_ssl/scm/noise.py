"""Exogenous noise: its Pyro sites, the order in which it is drawn, its leading dimensions."""

import pyro
import torch
from pyro.distributions.torch_distribution import TorchDistributionMixin
from torch import Tensor

from causal_ssl.scm.equations import NOISE, Laws, Tensors


def noise_site(key: str) -> str:
    """Name of the Pyro site of an exogenous noise.

    Examples:
        >>> noise_site("style"), noise_site("style.changed")
        ('style.noise', 'style.changed')
    """
    return key if "." in key else f"{key}.{NOISE}"


def in_drawing_order(laws: Laws) -> dict[str, TorchDistributionMixin]:
    """Variables' own noise by name, then the fresh noise of interventions by name.

    So a model and its `do`, soft or hard, draw the same own noise from the same random state, and
    the order of definition has no say.
    """
    return {key: laws[key] for key in sorted(laws, key=lambda key: ("." in key, key))}


def draw(laws: Laws) -> dict[str, Tensor]:
    """One draw of each law at its Pyro site, inside whatever plates and handlers are around."""
    return {key: pyro.sample(noise_site(key), law) for key, law in laws.items()}


def batched(laws: Laws, noise: Tensors, n: int | None) -> tuple[torch.Size, dict[str, Tensor]]:
    """The leading dimensions of a draw, and the draw with all of them everywhere.

    `pyro.condition` may give one event for all samples.
    """
    shapes = [noise[key].shape[: noise[key].dim() - law.event_dim] for key, law in laws.items()]
    batch = torch.broadcast_shapes(*shapes, () if n is None else (n,))
    return batch, {key: noise[key].expand(*batch, *law.event_shape) for key, law in laws.items()}
