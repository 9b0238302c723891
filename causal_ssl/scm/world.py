"""A world: what one draw from a structural causal model looks like, with the noise that made it."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from causal_ssl.errors import unknown_name


class World(Mapping[str, Tensor]):
    """Values of all variables of n samples, and the exogenous noise they were computed from.

    A read-only mapping from variable to tensor. Keeping the noise beside the values is what makes
    counterfactuals exact: abduction is a lookup.

    Args:
        values: variable -> tensor (n, *event).
        noise: exogenous noise -> tensor (n, *event). The key is the variable's name for its own
            noise, and "variable.argument" for the fresh noise of a soft intervention.

    Examples:
        >>> world = World({"content": torch.zeros(4, 2)}, noise={"content": torch.zeros(4, 2)})
        >>> world.n, list(world), world["content"].shape
        (4, ['content'], torch.Size([4, 2]))
    """

    __slots__ = ("_noise", "_values")

    def __init__(self, values: Mapping[str, Tensor], noise: Mapping[str, Tensor]) -> None:
        self._values = dict(values)
        self._noise = dict(noise)

    @property
    def noise(self) -> Mapping[str, Tensor]:
        """Exogenous noise, (n, *event) each."""
        return MappingProxyType(self._noise)

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(next(iter(self._values.values())))

    def to(self, device: torch.device | str) -> "World":
        """The same world on another device."""
        return World(
            {name: value.to(device) for name, value in self.items()},
            {name: value.to(device) for name, value in self.noise.items()},
        )

    def __getitem__(self, variable: str) -> Tensor:
        try:
            return self._values[variable]
        except KeyError:
            raise KeyError(str(unknown_name("variable", variable, self._values))) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}: {tuple(value.shape)}" for name, value in self.items())
        return f"World({shapes})"
