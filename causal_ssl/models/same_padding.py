"""ResNets padded as TensorFlow, JAX and Haiku pad with "SAME", for weights trained there.

torchvision pads an image of even size by the same number of pixels at every side. "SAME" pads no
more than it must, and an odd number by one pixel more at the bottom and at the right: where a
layer has stride 2, its windows lie elsewhere. The same weights give other features then.

timm has such layers too, but as an optional package that takes seconds to import.
"""

from math import inf

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import models


def padded_as_same(images: Tensor, *, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """Images with what "SAME" adds before a window is moved over them.

    Args:
        images: (n, channels, h, w).
        kernel, stride: of the window, in pixels; the result has ceil(h / stride) windows down.
        value: of the pixels that are added.

    Examples:
        >>> import torch
        >>> padded_as_same(torch.ones(1, 1, 2, 3), kernel=3, stride=2)[0, 0].int().tolist()
        [[0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    """
    height, width = (_added(size, kernel, stride) for size in images.shape[2:])
    return F.pad(images, (*width, *height), value=value)


def _added(size: int, kernel: int, stride: int) -> tuple[int, int]:
    windows = -(-size // stride)
    pixels = max((windows - 1) * stride + kernel - size, 0)
    return pixels // 2, pixels - pixels // 2


class SameConv2d(nn.Conv2d):
    """A convolution with square kernel and stride, padded by "SAME"."""

    def forward(self, images: Tensor) -> Tensor:
        """(n, in, h, w) -> (n, out, ceil(h / stride), ceil(w / stride))."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        padded = padded_as_same(images, kernel=kernel, stride=stride)
        return F.conv2d(padded, self.weight, self.bias, self.stride)


class SameMaxPool2d(nn.Module):
    """The maximum of 3 x 3 pixels at every second one, padded by "SAME"."""

    def forward(self, images: Tensor) -> Tensor:
        """(n, channels, h, w) -> (n, channels, ceil(h / 2), ceil(w / 2))."""
        padded = padded_as_same(images, kernel=3, stride=2, value=-inf)
        return F.max_pool2d(padded, kernel_size=3, stride=2)


def haiku_resnet50(weights: None = None) -> models.ResNet:
    """torchvision's ResNet-50, with its weights' names, that computes what Haiku's does.

    Both have the stride of a block in its 3 x 3 convolution, batch norm with epsilon 1e-5, and a
    projection in each group's first block; the padding is all that differs.

    Args:
        weights: none, as torchvision's constructors take them.
    """
    network = models.resnet50(weights=weights)
    network.conv1 = _same(network.conv1)
    network.maxpool = SameMaxPool2d()
    for layer in (network.layer2, network.layer3, network.layer4):
        layer[0].conv2 = _same(layer[0].conv2)
    return network


def _same(layer: nn.Conv2d) -> SameConv2d:
    kernel, stride = layer.kernel_size[0], layer.stride[0]
    same = SameConv2d(layer.in_channels, layer.out_channels, kernel, stride, bias=False)
    same.weight = layer.weight
    return same
