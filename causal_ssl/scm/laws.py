"""The tensors inside a Pyro distribution: list them, replace them."""

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import torch
from pyro.distributions.torch_distribution import TorchDistributionMixin
from torch import Tensor
from torch.distributions import Distribution, Transform


def law_tensors(law: TorchDistributionMixin) -> dict[str, Tensor]:
    """Parameters of a distribution by dotted name, those of wrapped distributions included.

    Examples:
        >>> from pyro.distributions import Normal
        >>> list(law_tensors(Normal(torch.zeros(2), 1.0).to_event(1)))
        ['base_dist.loc', 'base_dist.scale']
    """
    return dict(_walk(law, ""))


def with_tensors(
    law: TorchDistributionMixin, replace: Callable[[str, Tensor], Tensor | None]
) -> TorchDistributionMixin:
    """A copy of a distribution with each tensor replaced by replace(name, tensor); None drops it.

    Distributions cache derived parameters as attributes (`probs` beside `logits`): drop these, and
    they are derived anew from the tensors that stay.

    Examples:
        >>> from pyro.distributions import Normal
        >>> with_tensors(Normal(0.0, 1.0), lambda name, tensor: tensor + 1)
        Normal(loc: 1.0, scale: 2.0)
    """
    return _replaced(law, "", replace)


def _parts(node: Any, prefix: str) -> Iterator[tuple[Any, str, Any]]:
    """(attribute or index, dotted name, value) of everything that may hold parameters."""
    if isinstance(node, torch.Size):
        return
    for key, value in enumerate(node) if isinstance(node, list | tuple) else vars(node).items():
        if isinstance(value, Tensor | Distribution | Transform | list | tuple):
            yield key, f"{prefix}{key}", value


def _walk(node: Any, prefix: str) -> Iterator[tuple[str, Tensor]]:
    for _, name, value in _parts(node, prefix):
        if isinstance(value, Tensor):
            yield name, value
        else:
            yield from _walk(value, f"{name}.")


def _replaced(node: Any, prefix: str, replace: Callable[[str, Tensor], Tensor | None]) -> Any:
    new = {
        key: replace(name, value)
        if isinstance(value, Tensor)
        else _replaced(value, f"{name}.", replace)
        for key, name, value in _parts(node, prefix)
    }
    if isinstance(node, torch.Size):
        return node
    if isinstance(node, list | tuple):
        return type(node)(new.get(i, value) for i, value in enumerate(node))
    twin = copy(node)
    vars(twin).update(new)
    for key in [key for key, value in new.items() if value is None]:
        del vars(twin)[key]
    return twin
