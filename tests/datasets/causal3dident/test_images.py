"""A PNG holds the pixels and nothing else; a smaller image holds means of areas."""

from pathlib import Path

import numpy as np
import pytest

from causal_ssl.datasets.causal3dident.images import encode, read, shrink
from causal_ssl.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)


def test_pixels_come_back_exactly(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(encode(PIXELS))
    np.testing.assert_array_equal(read(tmp_path / "0.png"), PIXELS)


def test_a_png_holds_no_chunk_but_header_pixels_and_end() -> None:
    content, chunks, at = encode(PIXELS), set(), 8
    while at < len(content):
        chunks.add(content[at + 4 : at + 8])
        at += 12 + int.from_bytes(content[at : at + 4], "big")
    assert chunks == {b"IHDR", b"IDAT", b"IEND"}


@pytest.mark.parametrize("size", [8, 24, 3])
def test_a_smaller_image_holds_the_means_of_blocks(size: int) -> None:
    block = 24 // size
    means = PIXELS.reshape(size, block, size, block, 3).mean(axis=(1, 3))
    # Rows and columns are averaged one after the other, each rounded: by 0.5 at most.
    assert np.abs(shrink(PIXELS, size) - means).max() <= 1


def test_a_larger_image_is_refused() -> None:
    with pytest.raises(InputError, match="24 x 24 pixels cannot be shrunk to 32 x 32"):
        shrink(PIXELS, 32)
