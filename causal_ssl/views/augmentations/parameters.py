"""The record of an augmentation: what was done to each of n images, the s of do(S = s)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from causal_ssl.errors import InputError


@dataclass(frozen=True, eq=False)
class Parameters:
    """Named values, one row a sample: applied again, they give the same view again.

    Values lie on the CPU whatever the images' device. Rows may be taken, repeated and reordered:
    `parameters.rows([3] * n)` does to all of n images what was done to sample 3.

    Args:
        values: name -> (n, ...); the names of a stack's are "step.name".
        n: samples; needed only where there are no values.

    Raises:
        InputError: values of different lengths.

    Examples:
        >>> record = Parameters({"turns": torch.tensor([0, 3, 1])})
        >>> record["turns"].tolist(), record.rows([1, 1])["turns"].tolist()
        ([0, 3, 1], [3, 3])
    """

    values: Mapping[str, Tensor]
    n: int = -1

    def __post_init__(self) -> None:
        lengths = {name: len(value) for name, value in self.values.items()}
        n = self.n if self.n >= 0 else next(iter(lengths.values()), 0)
        for name, length in lengths.items():
            if length != n:
                raise InputError(f"{name} has {length} rows: expected {n}, one a sample")
        object.__setattr__(self, "n", n)
        object.__setattr__(self, "values", {k: v.cpu() for k, v in self.values.items()})

    def __getitem__(self, name: str) -> Tensor:
        return self.values[name]

    def rows(self, index: slice | Sequence[int] | Tensor) -> "Parameters":
        """Those of some of the samples, in the order of the index."""
        if not isinstance(index, slice):
            index = torch.as_tensor(index, dtype=torch.long)
        n = len(torch.arange(self.n)[index])
        return Parameters({name: value[index] for name, value in self.values.items()}, n)

    def of_step(self, step: str) -> "Parameters":
        """Those of one step of a stack, under the names that its augmentation knows."""
        prefix = f"{step}."
        own = {k.removeprefix(prefix): v for k, v in self.values.items() if k.startswith(prefix)}
        return Parameters(own, self.n)

    @staticmethod
    def of_steps(steps: Mapping[str, "Parameters"], n: int) -> "Parameters":
        """One record from those of the steps of a stack."""
        return Parameters(
            {f"{s}.{name}": v for s, part in steps.items() for name, v in part.values.items()}, n
        )

    def require(self, names: Iterable[str], n: int) -> None:
        """Check that this is the record of n images under an augmentation with these names.

        Raises:
            InputError: other names, or another number of samples.
        """
        expected = sorted(names)
        if sorted(self.values) != expected:
            raise InputError(
                f"parameters {', '.join(sorted(self.values)) or 'without values'}: "
                f"expected {', '.join(expected) or 'none'}; apply what this augmentation drew"
            )
        if self.n != n:
            raise InputError(
                f"parameters of {self.n} samples for {n} images: take one row an image"
            )
