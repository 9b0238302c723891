"""Weights into a network, all of them or none: what does not fit is said by name and shape."""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn

from causal_ssl.errors import InputError

COUNTER = "num_batches_tracked"
"""A batch norm's count of batches, which eval mode does not read and older files do not have."""


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], *, name: str) -> None:
    """Load weights into a network.

    Args:
        network: whose weights are replaced.
        weights: name -> tensor, every weight of the network and no other, counts of batches apart.
        name: of the network, for the error.

    Raises:
        InputError: a weight is missing, unexpected, of another shape or not finite; the first of
            each is named with its shape, and nothing is loaded.

    Examples:
        >>> load_weights(nn.Linear(3, 2), {"weight": torch.ones(4, 3)}, name="layer")
        Traceback (most recent call last):
        ...
        causal_ssl.errors.InputError: the weights do not fit layer: 1 missing, the first
            bias (2,); 1 of another shape, the first weight (4, 3) where layer has (2, 3)
    """
    wanted = network.state_dict()
    shapes = {key: tuple(tensor.shape) for key, tensor in wanted.items()}
    found = {key: tuple(tensor.shape) for key, tensor in weights.items()}
    missing = [key for key in shapes if key not in found and not key.endswith(COUNTER)]
    unexpected = [key for key in found if key not in shapes]
    other = [key for key in shapes if key in found and found[key] != shapes[key]]
    problems = [
        *_named("missing", missing, shapes),
        *_named("unexpected", unexpected, found),
        *_named("of another shape", other, found, f" where {name} has ", shapes),
    ]
    if problems:
        raise InputError(f"the weights do not fit {name}: {'; '.join(problems)}")
    for key, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise InputError(
                f"{key} has values that are not finite: its training diverged or it is damaged"
            )
    network.load_state_dict(wanted | dict(weights))


def _named(
    what: str,
    keys: Collection[str],
    shapes: Mapping[str, tuple[int, ...]],
    where: str = "",
    others: Mapping[str, tuple[int, ...]] | None = None,
) -> list[str]:
    if not keys:
        return []
    first = next(iter(keys))
    expected = f"{where}{others[first]}" if others else ""
    return [f"{len(keys)} {what}, the first {first} {shapes[first]}{expected}"]
