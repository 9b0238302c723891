"""From an image of any size to the pixels that a test set is scored on, as torchvision makes them.

Published numbers are of Pillow's resizing. torch's, antialiased, is three times as fast and differs
by a level in up to one of a hundred values; here it is Pillow's, to the last bit.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from causal_ssl.errors import InputError, in_range, one_of

Interpolation = Literal["bilinear", "bicubic"]
INTERPOLATIONS: tuple[Interpolation, ...] = ("bilinear", "bicubic")


@dataclass(frozen=True)
class Transform:
    """A border is cut off, the shorter side resized, a square cut out of the middle.

    Attributes:
        crop: pixels a side of what comes out.
        resize: of the shorter side before that, at least `crop`; None: as it is.
        border: pixels cut off at every side before that.
        interpolation: of the resizing, antialiased.

    Raises:
        InputError: a size that is not positive, a crop of more than there is.

    Examples:
        >>> Transform(crop=2, resize=4)(torch.zeros(3, 6, 8, dtype=torch.uint8)).shape
        torch.Size([3, 2, 2])
    """

    crop: int = 224
    resize: int | None = 256
    border: int = 0
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        in_range("crop", self.crop, at_least=1)
        in_range("border", self.border, at_least=0)
        one_of("interpolation", self.interpolation, INTERPOLATIONS)
        if self.resize is not None and self.resize < self.crop:
            raise InputError(
                f"a crop of {self.crop} pixels needs at least as many, resize is {self.resize}"
            )

    def __call__(self, image: Tensor) -> Tensor:
        """(3, crop, crop) uint8 of an image (3, height, width) uint8.

        Raises:
            InputError: the image is smaller than what is cut off or cut out.
        """
        height, width = (side - 2 * self.border for side in image.shape[1:])
        shorter = min(height, width)
        if shorter < 1 or (self.resize is None and shorter < self.crop):
            raise InputError(
                f"{image.shape[2]} x {image.shape[1]} pixels are too few for {self}: expected the "
                "published files, or give another transform"
            )
        left = self.border
        image = image[:, left : left + height, left : left + width]
        if self.resize is not None and shorter != self.resize:
            image = _resized(image, self.resize, self.interpolation)
        from torchvision.transforms.v2.functional import center_crop

        return center_crop(image, [self.crop, self.crop])

    def __str__(self) -> str:
        steps = [f"{self.border} pixels of border cut off"] if self.border else []
        if self.resize is not None:
            steps.append(f"shorter side to {self.resize} ({self.interpolation})")
        return ", ".join([*steps, f"centre crop {self.crop}"])


def _resized(image: Tensor, shorter: int, interpolation: Interpolation) -> Tensor:
    try:
        from PIL import Image
    except ImportError as error:
        raise InputError("test images need Pillow: pip install 'causal-ssl[images]'") from error
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.v2.functional import resize

    picture = Image.fromarray(image.permute(1, 2, 0).numpy())
    made = resize(picture, [shorter], InterpolationMode(interpolation))
    return torch.from_numpy(np.array(made)).permute(2, 0, 1)
