"""Gaussian blur, each sample with its own width."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from causal_ssl.errors import InputError, in_range
from causal_ssl.views.augmentations._pipeline import changed_where
from causal_ssl.views.augmentations.augmentation import Augmentation, between
from causal_ssl.views.augmentations.frame import Frame, Size
from causal_ssl.views.augmentations.parameters import Parameters


@dataclass(frozen=True)
class GaussianBlur(Augmentation):
    """A Gaussian of width sigma ~ U(sigma), cut to a kernel of odd size, with probability p.

    Borders are reflected. The kernel has 2 r + 1 pixels, r half of `kernel` times the shorter side,
    rounded down, at least 1: 23 for 224, 7 for 64, 5 for 48.

    Parameters: `applied` (n,) bool; `sigma` (n,) float32, in pixels.

    Args:
        p: in [0, 1].
        sigma: least and largest width in pixels, above 0.
        kernel: size as a fraction of the image's, in (0, 1).

    Raises:
        InputError: a value out of range; an image of a single row or column.

    References:
        Chen et al. (2020), arXiv 2002.05709, appendix A.

    Examples:
        >>> record = Parameters({"applied": torch.tensor([True]), "sigma": torch.tensor([1.0])})
        >>> point = torch.zeros(1, 3, 9, 9).index_fill_(3, torch.tensor([4]), 1.0)
        >>> GaussianBlur().apply(point, record)[0, 0, 0]
        tensor([0.0000, 0.0000, 0.0000, 0.2741, 0.4519, 0.2741, 0.0000, 0.0000, 0.0000])
    """

    p: float = 0.5
    sigma: tuple[float, float] = (0.1, 2.0)
    kernel: float = 0.1

    names = ("applied", "sigma")
    n_uniforms = 2

    def __post_init__(self) -> None:
        in_range("p", self.p, at_least=0, at_most=1)
        in_range("sigma[0]", self.sigma[0], above=0)
        in_range("sigma[1]", self.sigma[1], at_least=self.sigma[0])
        if not 0 < self.kernel < 1:
            raise InputError(f"kernel must be above 0 and below 1, got {self.kernel}")

    def radius(self, size: Size) -> int:
        """Pixels of the kernel on either side of its centre."""
        if min(size) < 2:
            raise InputError(f"an image of {size[0]} x {size[1]} pixels has no border to reflect")
        return max(1, int(self.kernel * min(size)) // 2)

    def parameters(self, u: Tensor, frame: Frame) -> Parameters:
        self.radius(frame.size)
        sigma = between(u[:, 1], *self.sigma).float()
        return Parameters({"applied": u[:, 0] < self.p, "sigma": sigma})

    def transform(self, images: Tensor, parameters: Parameters) -> Tensor:
        radius, applied = self.radius(images.shape[-2:]), parameters["applied"]
        if (rows := changed_where(applied, images)) is not None:
            taps = _taps(parameters["sigma"][applied], radius).to(images.device)
            images[rows] = _convolved(images[rows], taps)
        return images


def _taps(sigma: Tensor, radius: int) -> Tensor:
    """(n, 2 radius + 1), rows sum to 1."""
    offsets = torch.arange(-radius, radius + 1)
    return torch.softmax(-0.5 * (offsets / sigma[:, None]) ** 2, dim=1)


def _convolved(images: Tensor, taps: Tensor) -> Tensor:
    """Rows, then columns, of images (n, 3, h, w) with each sample's own taps (n, k)."""
    n, channels, height, _ = images.shape
    radius, planes = taps.shape[1] // 2, n * channels
    padded = pad(images, [radius] * 4, mode="reflect").view(1, planes, height + 2 * radius, -1)
    kernels = taps.repeat_interleave(channels, dim=0)
    rows = conv2d(padded, kernels[:, None, None, :], groups=planes)
    return conv2d(rows, kernels[:, None, :, None], groups=planes).view_as(images)
