"""Encoders of images: a convolutional trunk and a head, built from a name and a seed.

encoder = image_encoder("resnet18", seed=0)       # the paper's for Causal3DIdent
encoder = image_encoder("conv4", seed=0)          # 48 px on a CPU
representation, trunk = encoder(images)           # (n, 8), (n, 512)
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torchvision import models

from causal_ssl.errors import InputError, in_range, one_of
from causal_ssl.models.heads import Head
from causal_ssl.models.mlp import Output
from causal_ssl.models.same_padding import haiku_resnet50
from causal_ssl.randomness import generator_for, global_randomness_from

Stem = Literal["7x7", "3x3"]


class Features(NamedTuple):
    """What an encoder makes of n images.

    Attributes:
        final: the head's output, (n, n_outputs).
        intermediate: the trunk's output, (n, width).
    """

    final: Tensor
    intermediate: Tensor


@dataclass(frozen=True)
class EncoderConfig:
    """Which encoder, as one value.

    Args:
        name: of the trunk, see `TRUNKS` and `CONVERTED`.
        stem: of a ResNet: "7x7", a convolution of stride 2 and a max-pooling (ImageNet's), or
            "3x3", one of stride 1 and no pooling, for images below about 64 px. None: "7x7" for
            ResNets; other trunks have no choice.
        head: from the trunk's features to the outputs that objectives compare: one of `HEADS`, or
            any other `Head`.
        n_outputs: dimension of the head's output.
        mean, std: of the channels, for pixels in [0, 1]: inputs are standardised with them.

    Raises:
        InputError: an unknown name, a stem where there is no choice, a value out of range.
    """

    name: str = "resnet18"
    stem: Stem | None = None
    head: str | Head = "causal3dident"
    n_outputs: int = 8
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        one_of("image encoder", self.name, TRUNKS | CONVERTED)
        if isinstance(self.head, str):
            one_of("head", self.head, HEADS)
        in_range("n_outputs", self.n_outputs, at_least=1)
        for name in ("mean", "std"):
            channels = tuple(getattr(self, name))
            if len(channels) != 3:
                raise InputError(f"{name} {channels}: give one value for each of R, G and B")
            object.__setattr__(self, name, channels)
        for deviation in self.std:
            in_range("std", deviation, above=0)
        if self.stem is None:
            return
        one_of("stem", self.stem, get_args(Stem))
        if not self.name.startswith("resnet"):
            raise InputError(f"stem {self.stem!r}: {self.name} has but one, leave the stem out")


class ImageEncoder(nn.Module):
    """Images -> `Features`, in channels-last memory order.

    Takes (n, 3, h, w) images, uint8 or floats in [0, 1], and standardises them itself: whoever has
    the encoder can not forget to.

    Args:
        config: which encoder.
        output: range of the final layer: "linear", R^d, or "sigmoid", (0, 1)^d.

    Attributes:
        config, output: as given.
        width: of the trunk's output.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: EncoderConfig, *, output: Output = "linear") -> None:
        super().__init__()
        self.config = config
        self.output = one_of("output", output, get_args(Output))
        self.trunk, self.width = (TRUNKS | CONVERTED)[config.name](config)
        head = HEADS[config.head] if isinstance(config.head, str) else config.head
        self.head = head.make(self.width, config.n_outputs)
        # Not persistent: they are the config's, and a checkpoint has that.
        self.register_buffer("mean", torch.tensor(config.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).view(3, 1, 1), persistent=False)
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Features:
        """Final and intermediate layer of (n, 3, h, w) images.

        Raises:
            InputError: another shape.
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise InputError(f"images of shape {tuple(images.shape)}: expected (n, 3, h, w)")
        if images.dtype == torch.uint8:
            images = images.to(self.mean.dtype) / 255
        images = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        intermediate = self.trunk(images)
        final = self.head(intermediate)
        return Features(torch.sigmoid(final) if self.output == "sigmoid" else final, intermediate)


def image_encoder(
    name: str | EncoderConfig = "resnet18",
    *,
    seed: int,
    output: Output = "linear",
    **options: Any,
) -> ImageEncoder:
    """An encoder with fresh weights, which depend on the seed and on nothing else.

    Args:
        name: of the trunk, or the whole config.
        seed: of the weights.
        output: range of the final layer, as `Method.output` says.
        **options: of `EncoderConfig`, where `name` is none.

    Raises:
        InputError: see `EncoderConfig`.

    Examples:
        >>> encoder = image_encoder("conv4", n_outputs=5, seed=0)
        >>> final, intermediate = encoder(torch.zeros(2, 3, 48, 48))
        >>> final.shape, intermediate.shape
        (torch.Size([2, 5]), torch.Size([2, 256]))
        >>> sum(p.numel() for p in image_encoder("resnet18", seed=0).trunk.parameters())
        11176512
    """
    config = name if isinstance(name, EncoderConfig) else EncoderConfig(name, **options)
    # torchvision and torch initialise from the global state.
    with global_randomness_from(generator_for(seed, "encoder")):
        return ImageEncoder(config, output=output)


def _resnet(make: Callable[..., models.ResNet]) -> Callable[[EncoderConfig], tuple[nn.Module, int]]:
    def trunk(config: EncoderConfig) -> tuple[nn.Module, int]:
        network = make(weights=None)
        width = network.fc.in_features
        network.fc = nn.Identity()
        if config.stem == "3x3":
            network.conv1 = nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False)
            nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
            network.maxpool = nn.Identity()
        return network, width

    return trunk


def _conv4(config: EncoderConfig) -> tuple[nn.Module, int]:
    channels = (3, 32, 64, 128, 256)
    layers: list[nn.Module] = []
    for d_in, d_out in pairwise(channels):
        convolution = nn.Conv2d(d_in, d_out, kernel_size=3, stride=2, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(d_out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), channels[-1]


TRUNKS: dict[str, Callable[[EncoderConfig], tuple[nn.Module, int]]] = {
    "resnet18": _resnet(models.resnet18),
    "resnet50": _resnet(models.resnet50),
    "conv4": _conv4,
}
"""Name -> what makes a trunk (n, 3, h, w) -> (n, width), and its width.

`resnet18` and `resnet50` are torchvision's without the last layer; `conv4` has four 3 x 3
convolutions of stride 2 (32, 64, 128, 256 channels) with batch norm, and averages over positions.
"""


CONVERTED: dict[str, Callable[[EncoderConfig], tuple[nn.Module, int]]] = {
    "haiku_resnet50": _resnet(haiku_resnet50),
}
"""The same for networks that weights of other libraries need; training is not offered with them."""


HEADS: dict[str, Head] = {
    "causal3dident": Head(hidden=(100,), slope=0.01),
    "linear": Head(),
}
"""Name -> head.

`causal3dident` has 100 hidden units with LeakyReLU(0.01), as in von Kuegelgen et al. (2021), arXiv
2106.04619, appendix D.2; `linear` is one affine map.
"""
