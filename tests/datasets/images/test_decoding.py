"""A file gives the pixels that torchvision's ImageFolder would give, whatever its name says."""

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import picture
from PIL import Image

from causal_ssl.datasets.images import decoding
from causal_ssl.datasets.images.decoding import decode, defect, resized
from causal_ssl.errors import InputError

TURNED = Image.Exif()
TURNED[0x0112] = 6  # orientation: turn by a quarter


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        encoded(picture(0)),
        encoded(picture(0), progressive=True),
        encoded(picture(0).convert("L")),
        encoded(picture(0).convert("CMYK")),
        encoded(picture(0), exif=TURNED),
        encoded(picture(0), "PNG"),
        encoded(picture(0).convert("RGBA"), "PNG"),
        encoded(picture(0).convert("P"), "PNG"),
        encoded(picture(0), "WEBP"),
        encoded(picture(0), "BMP"),
    ],
    ids=["plain", "progressive", "grey", "cmyk", "turned", "png", "rgba", "palette", "webp", "bmp"],
)
@pytest.mark.parametrize("torchvision", [True, False])
def test_pixels_are_those_of_pillow(
    tmp_path: Path, content: bytes, torchvision: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not torchvision:
        monkeypatch.setattr(decoding, "decode_jpeg", None)
    path = tmp_path / "image.JPEG"
    path.write_bytes(content)
    expected = np.array(Image.open(path).convert("RGB"))
    assert defect(path) is None
    np.testing.assert_array_equal(decode(path).permute(1, 2, 0), expected)


@pytest.mark.parametrize("shape", [(40, 30), (30, 40), (400, 90), (5, 5), (16, 16)])
def test_resizing_is_antialiased_as_pillow_does(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)  # noise, in which aliasing would show
    image = Image.fromarray(rng.integers(0, 256, (*shape[::-1], 3), dtype=np.uint8))
    expected = np.array(image.resize((16, 16), Image.Resampling.BILINEAR)).astype(int)
    found = resized(torch.from_numpy(np.array(image)).permute(2, 0, 1), 16).permute(1, 2, 0).numpy()
    assert np.abs(found.astype(int) - expected).max() <= 1  # rounding
    assert found.flags.c_contiguous  # in memory, channels are last


@pytest.mark.parametrize(
    "content",
    [
        encoded(picture(0))[:400],
        encoded(picture(0))[:-2][:-100],
        encoded(picture(0), "PNG")[:-60],
        b"",
        b"no image",
        b"\xff\xd8\xff nothing more",
    ],
    ids=["head", "truncated", "png", "empty", "text", "marker"],
)
def test_what_is_no_whole_image_is_named_with_the_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "n01440764_1.JPEG"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"n01440764_1.JPEG cannot be decoded \(.+\): restore it"):
        decode(path)
    reason = defect(path)
    assert reason
    with pytest.raises(InputError, match=re.escape(f"({reason})")):
        decode(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone.JPEG cannot be decoded \(No such file"):
        decode(tmp_path / "gone.JPEG")
