"""Which device "auto", "cpu" and "cuda" ask for, on the machine that there is."""

import torch

from causal_ssl.errors import InputError, one_of

DEVICES = ("auto", "cpu", "cuda")


def device_of(name: str) -> str:
    """ "cpu" or "cuda".

    Args:
        name: one of these, or "auto": CUDA if there is any.

    Raises:
        InputError: another name; "cuda" where torch sees no CUDA device.

    Examples:
        >>> device_of("cpu")
        'cpu'
    """
    one_of("device", name, DEVICES)
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise InputError(
            "device cuda: torch sees no CUDA device: choose cpu or auto (see `causal-ssl doctor`)"
        )
    return "cuda" if there and name != "cpu" else "cpu"
