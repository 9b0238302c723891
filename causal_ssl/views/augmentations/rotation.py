"""Rotations by multiples of 90 degrees and mirror images: pixels move, none is resampled."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.views.augmentations._pipeline import changed_where
from causal_ssl.views.augmentations.augmentation import Augmentation, Occasional
from causal_ssl.views.augmentations.frame import Frame
from causal_ssl.views.augmentations.parameters import Parameters


@dataclass(frozen=True)
class Rotation(Augmentation):
    """A rotation by 0, 90, 180 or 270 degrees; in a stack, another one in every view of a sample.

    Parameters: `turns` (n,) int64 in 0..3, quarter turns counterclockwise, uniform; of two views
    of a sample uniform over the 12 ordered pairs of different ones.

    Raises:
        InputError: images or originals that are not square; more than four views.

    References:
        von Kuegelgen et al. (2021), arXiv 2106.04619, section 5.2 (DA: rotation).

    Examples:
        >>> images = torch.tensor([[[[0.1, 0.2], [0.3, 0.4]]] * 3])
        >>> Rotation().apply(images, Parameters({"turns": torch.tensor([1])}))[0, 0]
        tensor([[0.2000, 0.4000],
                [0.1000, 0.3000]])
    """

    names = ("turns",)
    n_uniforms = 1
    moves_pixels = True

    def parameters(self, u: Tensor, frame: Frame) -> Parameters:
        return self.parameters_of_views(u[:, None], [frame])[0]

    def parameters_of_views(self, u: Tensor, frames: Sequence[Frame]) -> tuple[Parameters, ...]:
        if len(frames) > 4:
            raise InputError(f"{len(frames)} views rotated: there are four rotations, so at most 4")
        left = torch.arange(4).repeat(len(u), 1)
        turns = []
        for view, frame in enumerate(frames):  # drawn without replacement
            _require_square(frame)
            pick = (u[:, view] * (4 - view)).long()
            turns.append(left.gather(1, pick))
            left = left[torch.arange(4 - view) != pick].view(len(u), 3 - view)
        return tuple(Parameters({"turns": turn[:, 0]}) for turn in turns)

    def transform(self, images: Tensor, parameters: Parameters) -> Tensor:
        _require_square(Frame(*images.shape[-2:]))
        turns = parameters["turns"] % 4
        rotated = torch.empty_like(images)
        for k in range(4):
            if (rows := changed_where(turns == k, images)) is not None:
                rotated[rows] = images[rows].rot90(k, (-2, -1))
        return rotated


def _require_square(frame: Frame) -> None:
    if frame.height != frame.width:
        raise InputError(
            f"images of {frame.height} x {frame.width} pixels: quarter turns need square ones; "
            "crop first"
        )
    if frame.aspect is not None and bool((frame.aspect != 1).any()):
        raise InputError(
            f"images up to {max(frame.aspect.max(), 1 / frame.aspect.min()):.3g} times as long as "
            "short: quarter turns need square ones; crop first"
        )


@dataclass(frozen=True)
class HorizontalFlip(Occasional):
    """Mirrors left and right with probability p.

    Parameters: `applied` (n,) bool.

    Args:
        p: in [0, 1].

    Raises:
        InputError: p out of range.

    Examples:
        >>> images = torch.tensor([[[[0.1, 0.2]]] * 3])
        >>> HorizontalFlip().apply(images, Parameters({"applied": torch.tensor([True])}))[0, 0]
        tensor([[0.2000, 0.1000]])
    """

    p: float = 0.5

    moves_pixels = True

    def changed(self, images: Tensor) -> Tensor:
        return images.flip(-1)
