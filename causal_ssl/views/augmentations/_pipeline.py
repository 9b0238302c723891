"""Images through a row of augmentations: checked once, copied once, in float32, in small chunks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.views.augmentations.parameters import Parameters

if TYPE_CHECKING:
    from causal_ssl.views.augmentations.augmentation import Augmentation

# Values a chunk on the CPU, 130 images of 64 x 64. Of the sizes tried it is the fastest for jitter:
# a quarter of it costs a fifth of the speed in calls, a batch of 512 at 128 x 128 whole a quarter
# in cache misses.
CHUNK = 1_600_000

# Beyond [0, 1] in float images: what an antialiasing resize makes of white is 1 up to rounding.
ROUNDING = 1e-5


def run(images: Tensor, steps: Sequence[tuple["Augmentation", Parameters]]) -> Tensor:
    """Images (n, 3, h, w) after all steps, each with its own record; see `Augmentation.apply`."""
    check_images(images)
    for augmentation, parameters in steps:
        parameters.require(augmentation.names, len(images))
    n, per_chunk = len(images), _per_chunk(images, steps)
    if n <= per_chunk:
        return _chunk_through(images, steps)
    parts = []
    for start in range(0, n, per_chunk):
        rows = slice(start, start + per_chunk)
        parts.append(_chunk_through(images[rows], [(a, p.rows(rows)) for a, p in steps]))
    return torch.cat(parts)


def _chunk_through(images: Tensor, steps: Sequence[tuple["Augmentation", Parameters]]) -> Tensor:
    x = images
    for augmentation, parameters in steps:
        if not augmentation.moves_pixels and (x is images or x.dtype == torch.uint8):
            x = _float_copy(x)
        x = augmentation.transform(x, parameters)
    if x is images:
        return images.clone()
    still_images = all(augmentation.gives_images for augmentation, _ in steps)
    if images.dtype == torch.uint8 and x.dtype != torch.uint8 and still_images:
        return to_levels(x)
    return x


def _per_chunk(images: Tensor, steps: Sequence[tuple["Augmentation", Parameters]]) -> int:
    """Images a chunk: all of them on a GPU, and where no step has temporaries."""
    if images.device.type != "cpu" or all(augmentation.moves_pixels for augmentation, _ in steps):
        return max(1, len(images))
    return max(1, CHUNK // max(1, images[:1].numel()))


def _float_copy(images: Tensor) -> Tensor:
    if images.dtype == torch.uint8:
        return images.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
    return images.clone(memory_format=torch.contiguous_format)


def to_levels(images: Tensor) -> Tensor:
    """float32 in [0, 1] to the nearest of 256 levels; overwrites its input."""
    return images.mul_(255).round_().to(torch.uint8)


def changed_where(mask: Tensor, images: Tensor) -> Tensor | None:
    """The rows where a CPU mask (n,) holds, as an index on the images' device; None: no rows.

    Found on the CPU: nothing waits for the device.
    """
    rows = mask.nonzero()[:, 0]
    return rows.to(images.device, non_blocking=True) if len(rows) else None


def check_images(images: Tensor) -> None:
    """Check shape, type and range. Floats cost one pass, and on a GPU a wait; uint8 nothing.

    Raises:
        InputError: what is wrong and what to do.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise InputError(
            f"images of shape {tuple(images.shape)}: expected (n, 3, height, width); "
            "add a batch dimension, or move channels with .permute(0, 3, 1, 2)"
        )
    if images.dtype not in (torch.uint8, torch.float32):
        raise InputError(
            f"images of type {images.dtype}: expected uint8 in [0, 255] or float32 in [0, 1]"
        )
    if images.dtype == torch.float32 and images.numel():
        low, high = (bound.item() for bound in images.aminmax())
        if not (low >= -ROUNDING and high <= 1 + ROUNDING):
            raise InputError(
                f"float images with values in [{low:g}, {high:g}]: expected [0, 1]; divide by 255, "
                "and normalise after augmenting"
            )
