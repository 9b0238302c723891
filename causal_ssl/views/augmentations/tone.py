"""Greyscale, solarisation, normalisation: torchvision's kernels on the samples drawn."""

from dataclasses import dataclass

from torch import Tensor
from torchvision.transforms.v2 import functional

from causal_ssl.errors import InputError, in_range
from causal_ssl.views.augmentations.augmentation import Augmentation, Occasional
from causal_ssl.views.augmentations.frame import Frame
from causal_ssl.views.augmentations.parameters import Parameters


@dataclass(frozen=True)
class Greyscale(Occasional):
    """Luma 0.2989 r + 0.587 g + 0.114 b in all three channels, with probability p.

    Parameters: `applied` (n,) bool.

    Args:
        p: in [0, 1].

    Raises:
        InputError: p out of range.

    Examples:
        >>> import torch
        >>> images = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1)
        >>> Greyscale().apply(images, Parameters({"applied": torch.tensor([True])})).ravel()
        tensor([0.5924, 0.5924, 0.5924])
    """

    p: float = 0.2

    def changed(self, images: Tensor) -> Tensor:
        return functional.rgb_to_grayscale(images, num_output_channels=3)


@dataclass(frozen=True)
class Solarise(Occasional):
    """x becomes 1 - x where it is at least the threshold, with probability p.

    Parameters: `applied` (n,) bool.

    Args:
        p: in [0, 1].
        threshold: in [0, 1]; of 256 levels, 128 is the first at or above one half.

    Raises:
        InputError: a value out of range.

    Examples:
        >>> import torch
        >>> images = torch.tensor([0.25, 0.75]).expand(1, 3, 1, 2)
        >>> Solarise().apply(images, Parameters({"applied": torch.tensor([True])}))[0, 0]
        tensor([[0.2500, 0.2500]])
    """

    p: float = 0.2
    threshold: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("threshold", self.threshold, at_least=0, at_most=1)

    def changed(self, images: Tensor) -> Tensor:
        return functional.solarize(images, self.threshold)


@dataclass(frozen=True)
class Normalise(Augmentation):
    """(x - mean) / std a channel: always the last step, its result is no image any more.

    Parameters: none.

    Args:
        mean: three numbers, of images in [0, 1].
        std: three numbers above 0.

    Raises:
        InputError: not three numbers, or a std that is not positive.

    Examples:
        >>> import torch
        >>> images = torch.full((1, 3, 1, 1), 0.5)
        >>> normalise = Normalise(mean=(0.5, 0.4, 0.3), std=(0.1, 0.1, 0.1))
        >>> normalise.apply(images, Parameters({}, n=1)).ravel().round()
        tensor([0., 1., 2.])
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    gives_images = False

    def __post_init__(self) -> None:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != 3:
                raise InputError(f"{name} has {len(values)} values: expected one a channel, 3")
        for value in self.std:
            in_range("std", value, above=0)

    def parameters(self, u: Tensor, frame: Frame) -> Parameters:
        return Parameters({}, n=len(u))

    def transform(self, images: Tensor, parameters: Parameters) -> Tensor:
        return functional.normalize(images, list(self.mean), list(self.std), inplace=True)


# Of the set published with von Kuegelgen et al. (2021), arXiv 2106.04619.
CAUSAL3DIDENT = Normalise(mean=(0.4327, 0.2689, 0.2839), std=(0.1201, 0.1457, 0.1082))
IMAGENET = Normalise(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
