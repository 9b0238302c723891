"""Haiku's ResNets, as DeepMind published BYOL's and ReLICv2's, under torchvision's names.

A file holds parameters and the batch norms' state, each a dict of modules, each a dict of arrays:

    res_net50/~/block_group_0/~/block_1/~/conv_0                 {"w": (1, 1, 256, 64)}
    res_net50/~/block_group_0/~/block_1/~/batchnorm_0            {"scale", "offset": (1, 1, 1, 64)}
    res_net50/~/block_group_0/~/block_1/~/batchnorm_0/~/mean_ema {"average", ...: (1, 1, 1, 64)}

become layer1.1.conv1.weight, layer1.1.bn1.weight, .bias and layer1.1.bn1.running_mean.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.models.weights.pickles import PickledArray

Modules = Mapping[str, Mapping[str, Any]]
"""Name of a module -> name of a parameter -> array, numpy's or a pickle's."""

RENAMED = (
    (r"initial_conv", r"conv1"),
    (r"initial_batchnorm", r"bn1"),
    (r"block_group_(\d)/block_(\d\d?)/shortcut_conv", r"layer{0}.{1}.downsample.0"),
    (r"block_group_(\d)/block_(\d\d?)/shortcut_batchnorm", r"layer{0}.{1}.downsample.1"),
    (r"block_group_(\d)/block_(\d\d?)/conv_(\d)", r"layer{0}.{1}.conv{2}"),
    (r"block_group_(\d)/block_(\d\d?)/batchnorm_(\d)", r"layer{0}.{1}.bn{2}"),
    (r"logits", r"fc"),
)
"""A module below the network's name -> torchvision's; groups, convolutions and batch norms count
from 0 there, from 1 here, and blocks from 0 in both."""

PARAMETERS = {"w": "weight", "b": "bias", "scale": "weight", "offset": "bias"}
STATISTICS = {"mean_ema": "running_mean", "var_ema": "running_var"}

CLASSIFIER = "classifier"
"""BYOL's module that is trained beside the network, on features that it does not change."""


def parameters_and_state(content: Any) -> tuple[Modules, Modules]:
    """The two dicts of what a pickle holds: of the online network, where there is a target too.

    Args:
        content: {"experiment_state": {"online_params", "online_state", ...}, ...}, BYOL's and
            ReLICv2's layout, with or without the outer dict; or {"params", "state"}, or these two
            as a pair.

    Raises:
        InputError: another layout; says what is there.
    """
    inner = content.get("experiment_state", content) if isinstance(content, dict) else content
    if isinstance(inner, dict):
        for names in (("online_params", "online_state"), ("params", "state")):
            if all(name in inner for name in names):
                inner = tuple(inner[name] for name in names)
                break
    if isinstance(inner, tuple | list) and len(inner) == 2 and all(map(_is_modules, inner)):
        return inner[0], inner[1]
    found = type(inner).__name__
    if isinstance(inner, dict):
        found = str(sorted(name for name in inner if isinstance(name, str)))
    raise InputError(
        f"no parameters and state of Haiku in it: found {found}; expected online_params and "
        "online_state, or params and state, of modules with arrays"
    )


def torchvision_weights(parameters: Modules, state: Modules) -> tuple[dict[str, Tensor], list[str]]:
    """Weights under torchvision's names, in its memory order, and the modules that were left out.

    Args:
        parameters, state: as Haiku has them, convolutions as (h, w, in, out) and matrices as
            (in, out); or with an axis of devices before these, of which the first is taken.

    Returns:
        Name -> tensor in float32 of any ResNet v1, with `fc` where the network has `logits` or
        BYOL's classifier stands beside it; and the names of other modules.

    Raises:
        InputError: no ResNet, more than one, or version 2, which torchvision has not.

    Examples:
        >>> import numpy as np
        >>> parameters = {"res_net50/~/initial_conv": {"w": np.zeros((7, 7, 3, 64), np.float32)}}
        >>> weights, _ = torchvision_weights(parameters, {})
        >>> {name: tuple(tensor.shape) for name, tensor in weights.items()}
        {'conv1.weight': (64, 3, 7, 7)}
    """
    root = _network(parameters)
    read = _Reader(_values(parameters[f"{root}initial_conv"]["w"]).ndim == 5)
    weights: dict[str, Tensor] = {}
    left_out: set[str] = set()
    for module, arrays in parameters.items():
        if (ours := _renamed(module, root)) is None:
            left_out.add(module.split("/")[0])
            continue
        for name, array in arrays.items():
            values = read.tensor(array, f"{module}, {name}")
            weights[f"{ours}.{PARAMETERS.get(name, name)}"] = (
                _transposed(values) if name == "w" else values.flatten()
            )
    for module, arrays in state.items():
        normalisation, _, statistic = module.rpartition("/~/")
        ours = _renamed(normalisation, root)
        if ours and statistic in STATISTICS and "average" in arrays:
            values = read.tensor(arrays["average"], f"{module}, average")
            weights[f"{ours}.{STATISTICS[statistic]}"] = values.flatten()
    return weights, sorted(left_out)


def _network(parameters: Modules) -> str:
    stems = [
        module
        for module, arrays in parameters.items()
        if module.split("/")[-1] == "initial_conv" and "w" in arrays
    ]
    if len(stems) != 1:
        found = ", ".join(sorted({module.split("/")[0] for module in parameters}))
        raise InputError(
            f"{len(stems)} networks that begin with initial_conv, expected one ResNet of Haiku; "
            f"its modules: {found}"
        )
    root = stems[0].removesuffix("initial_conv")
    if f"{root}final_batchnorm" in parameters:
        raise InputError("a ResNet of version 2, where version 1 is read: it has final_batchnorm")
    return root


def _renamed(module: str, root: str) -> str | None:
    if module == CLASSIFIER:
        return "fc"
    if not module.startswith(root):
        return None
    below = module.removeprefix(root).replace("/~/", "/")
    for pattern, ours in RENAMED:
        if match := re.fullmatch(pattern, below):
            counted = zip(match.groups(), (1, 0, 1), strict=False)
            return ours.format(*(int(number) + first for number, first in counted))
    return below  # a name that no network has, which loading the weights will say


class _Reader:
    """Reads arrays, each once: a file may call one by many names, which a tensor each would be.

    Args:
        replicated: whether arrays have an axis of devices before the others.
    """

    def __init__(self, replicated: bool) -> None:
        self._replicated, self._seen = replicated, set[int]()

    def tensor(self, array: Any, name: str) -> Tensor:
        """In float32, of the first device."""
        values = _values(array)
        if self._replicated:
            if not values.ndim or not len(values):
                raise InputError(
                    f"{name} of shape {values.shape}: expected an axis of devices, as others have"
                )
            values = values[0]
        address = values.__array_interface__["data"][0]
        if values.size and address in self._seen:
            raise InputError(f"{name} is the array of another name too, which no ResNet has")
        self._seen.add(address)
        return torch.from_numpy(np.array(values, np.float32))


def _transposed(weight: Tensor) -> Tensor:
    axes = (3, 2, 0, 1) if weight.ndim == 4 else range(weight.ndim)[::-1]
    return weight.permute(*axes).contiguous()


def _values(array: Any) -> np.ndarray:
    values = array.numpy() if isinstance(array, PickledArray) else array
    if not isinstance(values, np.ndarray):
        raise InputError(f"a {type(values).__name__} where Haiku has an array of weights")
    return values


def _is_modules(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(module, dict) for name, module in value.items()
    )
