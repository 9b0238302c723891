"""Which ResNet a state dict is of, and where in it: under wrappers, prefixes and beside heads.

Every file that has the names of torchvision's ResNets is read so: torchvision's, timm's, and those
of most self-supervised methods, whatever they wrap the network in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from causal_ssl.errors import InputError

WRAPPERS = ("state_dict", "model_state_dict", "model", "network", "net", "encoder", "backbone")
"""Keys under which files keep a state dict, the first that is there is read."""

FOLLOWERS = ("encoder_k", "momentum_encoder", "momentum_backbone", "target_encoder", "teacher")
"""Names of networks that follow another one, which is the one that is read."""

CONTRASTIVE = ("encoder_q", "encoder_k")
"""Names of networks, MoCo's, whose `fc` is a head of training and classifies nothing."""

FIRST_BLOCK = "layer1.0.conv1.weight"
PARTS = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4")

BLOCKS: dict[tuple[str, tuple[int, ...]], str] = {
    ("basic", (2, 2, 2, 2)): "resnet18",
    ("bottleneck", (3, 4, 6, 3)): "resnet50",
}
"""Kind and number of blocks in each layer -> name of the network."""


@dataclass(frozen=True)
class FoundResNet:
    """A ResNet's weights as they are in a file.

    Attributes:
        weights: name -> tensor, the trunk's, under torchvision's names.
        classifier: weight (n_classes, width) and bias (n_classes,) of the logits, if there are any.
        prefix: before the names in the file.
        left_out: what else the file has, by its first name: heads of training, other networks.
    """

    weights: dict[str, Tensor]
    classifier: tuple[Tensor, Tensor] | None = None
    prefix: str = ""
    left_out: tuple[str, ...] = ()


def find_resnet(content: Mapping[str, Any], *, prefix: str | None = None) -> FoundResNet:
    """The ResNet in what a file holds.

    Args:
        content: names -> tensors, or a dict that has such a dict under one of `WRAPPERS`.
        prefix: before the names of the network's weights, where there are several networks; None:
            the only one, or the one that is none of `FOLLOWERS`.

    Raises:
        InputError: no ResNet, or several; no name that begins with the prefix.

    Examples:
        >>> import torch
        >>> names = ("conv1.weight", "layer1.0.conv1.weight")
        >>> tensors = {f"module.encoder_q.{name}": torch.zeros(1) for name in names}
        >>> found = find_resnet({"epoch": 9, "state_dict": tensors | {"module.queue": tensors}})
        >>> list(found.weights), found.prefix, found.left_out
        (['conv1.weight', 'layer1.0.conv1.weight'], 'module.encoder_q.', ('module.queue',))
    """
    names = _unwrapped(content)
    prefix = _prefix(names) if prefix is None else _present(prefix, names)
    weights: dict[str, Tensor] = {}
    head: dict[str, Tensor] = {}
    left_out: dict[str, None] = {}
    for name, tensor in names.items():
        below = name.removeprefix(prefix)
        part = below.split(".")[0]
        if not name.startswith(prefix):
            left_out[".".join(name.split(".")[: prefix.count(".")])] = None
        elif part in PARTS:
            weights[below] = tensor
        elif part == "fc":
            head[below] = tensor
        else:
            left_out[prefix + part] = None
    classifier = None if _has_part(prefix, CONTRASTIVE) else _classifier(head)
    if head and classifier is None:
        left_out[f"{prefix}fc"] = None
    return FoundResNet(weights, classifier, prefix, tuple(left_out))


def name_of(weights: Mapping[str, Tensor]) -> str:
    """The network's name, from the number and kind of its blocks.

    Raises:
        InputError: none that is known.
    """
    kind = "bottleneck" if "layer1.0.conv3.weight" in weights else "basic"
    blocks = tuple(
        len({name.split(".")[1] for name in weights if name.startswith(f"layer{layer}.")})
        for layer in (1, 2, 3, 4)
    )
    if (name := BLOCKS.get((kind, blocks))) is None:
        known = ", ".join(f"{name} ({kind}, {counts})" for (kind, counts), name in BLOCKS.items())
        raise InputError(f"a ResNet with {blocks} {kind} blocks is not known, only {known}")
    return name


def _unwrapped(content: Mapping[str, Any]) -> dict[str, Any]:
    if any(isinstance(value, Tensor) for value in content.values()):
        return {str(name): value for name, value in content.items()}
    for name in WRAPPERS:
        if isinstance(inner := content.get(name), Mapping):
            return _unwrapped(inner)
    raise InputError(
        f"no weights in it: its keys are {_some(map(str, content))}; expected tensors, or a dict "
        f"of them under one of {', '.join(WRAPPERS)}"
    )


def _prefix(names: Mapping[str, Any]) -> str:
    found = [name.removesuffix(FIRST_BLOCK) for name in names if name.endswith(FIRST_BLOCK)]
    leading = [prefix for prefix in found if not _has_part(prefix, FOLLOWERS)] or found
    if not leading:
        raise InputError(
            f"no ResNet in it: no name ends in {FIRST_BLOCK}; there are {_some(names)}"
        )
    if len(leading) > 1:
        raise InputError(
            f"{len(leading)} networks in it, under {', '.join(map(repr, leading))}: give one of "
            "these as prefix"
        )
    return leading[0]


def _present(prefix: str, names: Mapping[str, Any]) -> str:
    """The prefix, if there is a name that begins with it."""
    if not any(name.startswith(prefix) for name in names):
        found = [name.removesuffix(FIRST_BLOCK) for name in names if name.endswith(FIRST_BLOCK)]
        remedy = f"give one of {', '.join(map(repr, found))}" if any(found) else "leave it out"
        raise InputError(
            f"no weight's name begins with the prefix {prefix!r}: {remedy}; there are "
            f"{_some(names)}"
        )
    return prefix


def _classifier(head: Mapping[str, Tensor]) -> tuple[Tensor, Tensor] | None:
    weight, bias = head.get("fc.weight"), head.get("fc.bias")
    if weight is None or weight.ndim != 2 or len(head) > 1 + (bias is not None):
        return None  # none, or a network of several layers: a head of training
    return weight, weight.new_zeros(len(weight)) if bias is None else bias


def _has_part(prefix: str, parts: tuple[str, ...]) -> bool:
    return not set(prefix.split(".")).isdisjoint(parts)


def _some(names: Any) -> str:
    first = list(names)
    return ", ".join(first[:5]) + (", ..." if len(first) > 5 else "")
