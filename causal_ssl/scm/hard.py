"""Hard interventions: a variable set to a value."""

import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.scm.checks import check_intervention
from causal_ssl.scm.equations import Equation, Fixed


def fixed(variable: str, base: Equation, value: Tensor | float, like: Tensor) -> Fixed:
    """The equation of `variable` under do(variable = value).

    Args:
        variable: its name.
        base: the equation that is replaced.
        value: a number, (*event), or (n, *event) for a value a sample.
        like: samples of the variable, (any, *event), for shape, precision and device.

    Raises:
        InputError: neither number nor tensor, NaN, or another shape.
    """
    if not isinstance(value, Tensor | float | int):
        raise InputError(
            f"do({variable}=...) is a {type(value).__name__}: "
            "expected a number, a tensor or soft(...)"
        )
    event = like.shape[1:]
    tensor = torch.as_tensor(value)
    check_intervention(variable, tensor, event)
    # A copy: the model must not change when the caller reuses the tensor.
    tensor = tensor.to(like, copy=True)
    tensor = tensor.expand(event) if tensor.dim() == 0 else tensor
    return Fixed(variable, tensor, len(event), base.noise)
