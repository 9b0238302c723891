"""One image: to the bytes of a PNG and back, and made smaller."""

from io import BytesIO
from pathlib import Path

import numpy as np

from causal_ssl.datasets.causal3dident.layout import REMEDY
from causal_ssl.datasets.causal3dident.rendering.renderer import Image
from causal_ssl.errors import InputError

try:
    from PIL import Image as pillow
except ImportError as error:
    raise InputError("images need Pillow: pip install 'causal-ssl[images]'") from error

COMPRESSION = 3
"""zlib's level. At 224 px: 3.7 ms an image; level 6 takes 8.2 ms for files a sixth smaller."""


def encode(image: Image) -> bytes:
    """A PNG without metadata: a function of the pixels alone.

    Args:
        image: (size, size, 3) uint8.

    Examples:
        >>> encode(np.zeros((8, 8, 3), np.uint8))[1:4]
        b'PNG'
    """
    buffer = BytesIO()
    pillow.fromarray(image).save(buffer, "PNG", compress_level=COMPRESSION)
    return buffer.getvalue()


def read(path: Path) -> Image:
    """The pixels of an image file, (height, width, 3) uint8.

    Raises:
        InputError: it is missing, truncated or no image.
    """
    try:
        with pillow.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: {REMEDY}") from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow's readers raise
        raise InputError(f"{path} is damaged ({error}): delete it and {REMEDY}") from error


def shrink(image: Image, size: int) -> Image:
    """The image at (size, size), each pixel the mean of the area that it covers.

    Means are of sRGB values, not of light, as in image data sets at large.

    Raises:
        InputError: the image is smaller, or not square.

    Examples:
        >>> shrink(np.array([[[0] * 3, [10] * 3]] * 2, np.uint8), 1).tolist()
        [[[5, 5, 5]]]
    """
    height, width, _ = image.shape
    if height != width or size > width:
        raise InputError(
            f"an image of {width} x {height} pixels cannot be shrunk to {size} x {size}"
        )
    return np.asarray(pillow.fromarray(image).resize((size, size), pillow.Resampling.BOX))
