"""The frame of a batch: its size in pixels, and the shape that the images had before."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from causal_ssl.errors import InputError, in_range

Size = Sequence[int]


@dataclass(frozen=True, eq=False)
class Frame:
    """Height and width of n images in pixels, and the shape of the originals resized to them.

    Attributes:
        height, width: of all images.
        aspect: width / height of each original, (n,) float64 on the CPU; None: as the pixels'.

    Examples:
        >>> frame = Frame(256, 256, torch.tensor([4 / 3]))
        >>> frame.size, frame.pixel_aspect
        ((256, 256), tensor([1.3333]))
    """

    height: int
    width: int
    aspect: Tensor | None = None

    @property
    def size(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def pixel_aspect(self) -> Tensor:
        """Width / height of what a pixel shows of each original, (n,), or () for all alike."""
        if self.aspect is None:
            return torch.tensor(1.0, dtype=torch.float64)
        return self.aspect * self.height / self.width


def checked_frame(n: int, size: Size, aspect: Tensor | None = None) -> Frame:
    """The frame of n images.

    Raises:
        InputError: the size is not two positive numbers, or the aspects not n of them.
    """
    if len(size) != 2:
        raise InputError(f"size {tuple(size)}: expected (height, width), as images.shape[-2:]")
    height = in_range("height", int(size[0]), at_least=1)
    width = in_range("width", int(size[1]), at_least=1)
    if aspect is None:
        return Frame(height, width)
    aspect = aspect.to("cpu", torch.float64)
    if aspect.shape != (n,):
        raise InputError(f"aspect of shape {tuple(aspect.shape)}: expected ({n},), one an image")
    wrong = ~(aspect.isfinite() & (aspect > 0))
    if bool(wrong.any()):
        row = int(wrong.nonzero()[0])
        raise InputError(f"aspect of image {row} is {aspect[row]:g}: expected width / height > 0")
    return Frame(height, width, aspect)
