"""Luma blends and hue shifts of images in [0, 1], with coefficients for each sample."""

import torch
from torch import Tensor

# ITU-R BT.601, as PIL and torchvision have it.
_LUMA = (0.2989, 0.587, 0.114)


def blended_(images: Tensor, *, keep: Tensor, luma: Tensor, mean_luma: Tensor) -> None:
    """keep x + luma L(x) + mean_luma mean(L(x)), cut to [0, 1], in place.

    Args:
        images: (n, 3, h, w).
        keep: (n,) coefficient of the image itself.
        luma: (n,) of each pixel's luma.
        mean_luma: (n,) of the image's mean luma.
    """
    keep, luma, mean_luma = torch.stack([keep, luma, mean_luma]).to(images.device)
    red, green, blue = images.unbind(dim=1)
    grey = (red * _LUMA[0]).add_(green, alpha=_LUMA[1]).add_(blue, alpha=_LUMA[2])
    constant = mean_luma * grey.mean(dim=(1, 2))
    grey.mul_(_a_sample(luma, grey)).add_(_a_sample(constant, grey))
    torch.addcmul(grey[:, None], images, _a_sample(keep, images), out=images).clamp_(0, 1)


def hue_shifted_(images: Tensor, turns: Tensor) -> None:
    """Moved along the hue circle of HSV by a part of a turn, in place.

    Value and chroma stay. In sixths of a turn, a channel is full within 1 of its own hue (red 0,
    green 2, blue -2), empty beyond 2 and linear between.

    Args:
        images: (n, 3, h, w).
        turns: (n,) in [-0.5, 0.5].
    """
    least = images[:, 0].minimum(images[:, 1]).minimum(images[:, 2])
    chroma = images[:, 0].maximum(images[:, 1]).maximum(images[:, 2]).sub_(least)
    hue = _hue(images, least, chroma).add_(_a_sample(6 * turns.to(images.device), chroma))
    hue.sub_(hue.div(6).round_().mul_(6))
    for channel, own_hue in enumerate((0, 2, -2)):
        # 2 - distance on the circle, for distances on the line up to 6.
        part = (hue - own_hue).abs_().sub_(3).abs_().sub_(1).clamp_(0, 1)
        torch.addcmul(least, chroma, part, out=images[:, channel])


def _hue(images: Tensor, least: Tensor, chroma: Tensor) -> Tensor:
    """In sixths of a turn, in [-3, 3]; of no meaning where there is no chroma.

    Its distance from red is 1 + green + blue - red, of channels rescaled to [0, 1] by the least and
    the chroma: as one sees in each of the six sectors. The side is that of green or of blue. On a
    CPU, choosing by the largest channel (`torch.where`) costs more than all the rest of a shift.
    """
    red, green, blue = images.unbind(dim=1)
    per_chroma = chroma.clamp(min=torch.finfo(chroma.dtype).tiny).reciprocal_()
    from_red = (green + blue).sub_(red).sub_(least).mul_(per_chroma).add_(1)
    return from_red.copysign_(green - blue)


def _a_sample(coefficient: Tensor, images: Tensor) -> Tensor:
    return coefficient.view(-1, *[1] * (images.ndim - 1))
