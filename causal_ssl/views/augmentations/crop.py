"""Random resized crops: a window of random area, aspect ratio and place, resized to one size."""

from dataclasses import dataclass
from math import log
from typing import get_args

import torch
from torch import Tensor

from causal_ssl.errors import InputError, in_range, one_of
from causal_ssl.views.augmentations._resampling import Interpolation, resized_crops
from causal_ssl.views.augmentations.augmentation import Augmentation, between
from causal_ssl.views.augmentations.frame import Frame
from causal_ssl.views.augmentations.parameters import Parameters

_ATTEMPTS = 10


@dataclass(frozen=True)
class RandomResizedCrop(Augmentation):
    """A window with area U(scale) of the image and aspect ratio log-uniform in `ratio`, resized.

    The law is torchvision's: of ten proposals the first that fits into the image, else the largest
    central window within `ratio`. A proposal's place is uniform. Resized with antialiasing.

    Images that were resized to one size whatever their shape (say 500 x 375 to 256 x 256) come with
    the originals' `aspect`. The law is then that on the originals: in the resized image areas are
    the same fractions and ratios are divided by the aspect of a pixel, so a window of ratio 1 shows
    its content in true proportions.

    Parameters: `top`, `left`, `height`, `width`, (n,) int64, in pixels.

    Args:
        scale: least and largest fraction of the area, in (0, 1].
        ratio: least and largest width / height, above 0.
        size: height and width of the result in pixels; None: those of the images.
        interpolation: bilinear or bicubic.

    Raises:
        InputError: a value out of range; a box of a record that is not within the image.

    Examples:
        >>> from causal_ssl.randomness import generator_for
        >>> crop = RandomResizedCrop(scale=(0.8, 1.0))
        >>> record = crop.draw(1000, generator=generator_for(0), size=(64, 64))
        >>> area = record["height"] * record["width"] / 64**2
        >>> area.min() > 0.78, area.max() <= 1
        (tensor(True), tensor(True))
    """

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    size: int | None = None
    interpolation: Interpolation = "bilinear"

    names = ("top", "left", "height", "width")
    n_uniforms = 2 * _ATTEMPTS + 2
    moves_pixels = True

    def __post_init__(self) -> None:
        for name, (low, high) in (("scale", self.scale), ("ratio", self.ratio)):
            in_range(f"{name}[0]", low, above=0)
            in_range(f"{name}[1]", high, at_least=low)
        in_range("scale[1]", self.scale[1], at_most=1)
        if self.size is not None:
            in_range("size", self.size, at_least=1)
        one_of("interpolation", self.interpolation, get_args(Interpolation))

    def frame_after(self, frame: Frame) -> Frame:
        size = frame.size if self.size is None else (self.size, self.size)
        return Frame(*size)

    def parameters(self, u: Tensor, frame: Frame) -> Parameters:
        height, width, fits = self._proposed(
            u[:, :_ATTEMPTS], u[:, _ATTEMPTS : 2 * _ATTEMPTS], frame
        )
        central_height, central_width = self._central(frame)
        height = torch.where(fits, height, central_height)
        width = torch.where(fits, width, central_width)
        spare_height, spare_width = frame.height - height, frame.width - width
        top = torch.where(fits, (u[:, -2] * (spare_height + 1)).long(), spare_height // 2)
        left = torch.where(fits, (u[:, -1] * (spare_width + 1)).long(), spare_width // 2)
        return Parameters({"top": top, "left": left, "height": height, "width": width})

    def _proposed(
        self, u_area: Tensor, u_ratio: Tensor, frame: Frame
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The first of a sample's proposals that fits, and whether there is one, each (n,)."""
        area = between(u_area, *self.scale) * frame.height * frame.width
        ratio = between(u_ratio, log(self.ratio[0]), log(self.ratio[1])).exp()
        ratio = ratio / frame.pixel_aspect.view(-1, 1)
        heights, widths = (area / ratio).sqrt().round(), (area * ratio).sqrt().round()
        fits = (heights >= 1) & (heights <= frame.height) & (widths >= 1) & (widths <= frame.width)
        first = fits.int().argmax(dim=1, keepdim=True)
        height, width = (side.gather(1, first)[:, 0].long() for side in (heights, widths))
        return height, width, fits.any(dim=1)

    def _central(self, frame: Frame) -> tuple[Tensor, Tensor]:
        """Height and width of the largest window within `ratio`, each (n,) or ()."""
        least, greatest = (bound / frame.pixel_aspect for bound in self.ratio)
        height = (frame.width / least).round().clamp(1, frame.height)
        width = (frame.height * greatest).round().clamp(1, frame.width)
        return height.long(), width.long()

    def transform(self, images: Tensor, parameters: Parameters) -> Tensor:
        boxes = torch.stack([parameters[name] for name in self.names], dim=1)
        frame = Frame(*images.shape[-2:])
        _require_within(boxes, *frame.size)
        return resized_crops(images, boxes, self.frame_after(frame).size, self.interpolation)


def _require_within(boxes: Tensor, height: int, width: int) -> None:
    start, length = boxes[:, :2], boxes[:, 2:]
    end = start + length
    inside = (start >= 0) & (length >= 1) & (end <= torch.tensor([height, width]))
    if not bool(inside.all()):
        box = boxes[int((~inside.all(dim=1)).nonzero()[0])].tolist()
        raise InputError(
            f"crop (top, left, height, width) = {tuple(box)} is not within an image of {height} x "
            f"{width} pixels: draw the record for that size"
        )
