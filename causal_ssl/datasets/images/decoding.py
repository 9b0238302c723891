"""One image file to pixels: torchvision for JPEGs, which is faster, Pillow for all else.

Both decode with libjpeg-turbo to the same pixels (greyscale and CMYK, too); what torchvision saves
is Pillow's packing of rows, and torch resizes faster (`benchmarks/decoding.py` has the figures). So
where torchvision has no decoder (its makers mean to drop it), Pillow alone gives the same batches.
Decoding at a fraction of the size, Pillow's `draft`, is faster only for images of twice the working
size and more, and its pixels are others.

What comes out is what torchvision's ImageFolder makes of a file, `Image.open(path).convert("RGB")`:
the format is told from the content and never from the name, and an orientation in EXIF data is
ignored, as published results on ImageNet ignore it.
"""

from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from causal_ssl.errors import InputError

try:
    from torchvision.io import ImageReadMode, decode_jpeg
except ImportError:
    decode_jpeg = None

JPEG = b"\xff\xd8"
"""How the content of a JPEG begins."""
REMEDY = (
    "restore it, or leave it out: `causal-ssl data check` lists such images, `--on-corrupt skip` "
    "skips those listed"
)
"""For an image that cannot be read."""


def decode(path: Path) -> Tensor:
    """The pixels of an image file, (3, height, width) uint8.

    Raises:
        InputError: it is missing, truncated or no image; says why.
    """
    try:
        return _pixels(path)
    except _Unreadable as error:
        raise InputError(f"{path} cannot be decoded ({error}): {REMEDY}") from error


def defect(path: Path) -> str | None:
    """Why an image file cannot be decoded, in the decoder's words; None if it can."""
    try:
        _pixels(path)
    except _Unreadable as error:
        return str(error)
    return None


def resized(image: Tensor, size: int) -> Tensor:
    """An image at (size, size), antialiased, whatever its shape.

    Args:
        image: (3, height, width) uint8.
        size: pixels a side.

    Returns:
        (3, size, size) uint8, channels last in memory.

    Examples:
        >>> resized(torch.tensor([[[0, 20]]] * 3, dtype=torch.uint8), 1).flatten().tolist()
        [10, 10, 10]
    """
    if image.shape[1:] == (size, size):
        return image
    # Channels last, which torch sees by the strides of (1, height, width, 3) and not by those of
    # image[None]: a sixth faster than planes, and a batch of them needs no transposing.
    batch = image.permute(1, 2, 0).contiguous()[None].permute(0, 3, 1, 2)
    return interpolate(batch, (size, size), mode="bilinear", antialias=True)[0]


class _Unreadable(Exception):
    """The reason alone."""


def _pixels(path: Path) -> Tensor:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _Unreadable(error.strerror) from error
    if decode_jpeg and content.startswith(JPEG):
        encoded = torch.from_numpy(np.frombuffer(bytearray(content), np.uint8))
        try:
            return decode_jpeg(encoded, ImageReadMode.RGB)
        except RuntimeError:  # Pillow has the last word, and says better what is wrong
            pass
    return _by_pillow(path, content)


def _by_pillow(path: Path, content: bytes) -> Tensor:
    try:
        from PIL import Image
    except ImportError as error:
        raise InputError(f"{path} needs Pillow: pip install 'causal-ssl[images]'") from error
    if not content:
        raise _Unreadable("the file is empty")
    try:
        with Image.open(BytesIO(content)) as image:
            pixels = np.array(image.convert("RGB"))
    # What Pillow's readers raise.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _Unreadable(str(error).split("<_io")[0].strip()) from error
    return torch.from_numpy(pixels).permute(2, 0, 1)
