"""What is said of a step's gradient: its norm, and where it stopped being finite."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import Parameter


class GradientWatch:
    """Looks at the gradients of every step, without waiting for the device.

    Examples:
        >>> weight, bias = Parameter(torch.zeros(2)), Parameter(torch.zeros(1))
        >>> weight.grad, bias.grad = torch.tensor([3.0, 4.0]), torch.tensor([12.0])
        >>> watch = GradientWatch()
        >>> watch.norm({"weight": weight, "bias": bias}).item(), watch.suspect
        (13.0, None)
        >>> bias.grad = torch.tensor([torch.inf])
        >>> watch.norm({"weight": weight, "bias": bias}).item(), watch.suspect
        (inf, 'bias')
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._suspect: Tensor | None = None

    def norm(self, parameters: Mapping[str, Parameter]) -> Tensor:
        """Norm of the gradient with respect to all of them together, a scalar."""
        gradients = {name: p.grad for name, p in parameters.items() if p.grad is not None}
        self._names = list(gradients)
        norms = torch.stack(torch._foreach_norm(list(gradients.values())))
        bad = ~norms.isfinite()
        first = torch.where(bad.any(), bad.int().argmax(), -1)
        known = self._suspect
        self._suspect = first if known is None else torch.where(known < 0, first, known)
        return torch.linalg.vector_norm(norms)

    @property
    def suspect(self) -> str | None:
        """The first parameter with a gradient that is not finite, in the first step with one."""
        index = -1 if self._suspect is None else int(self._suspect)
        return None if index < 0 else self._names[index]
