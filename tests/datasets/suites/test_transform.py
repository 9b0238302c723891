"""Pixels are those of torchvision's transforms on Pillow's images, to the last bit."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from causal_ssl.datasets.suites.transform import Transform
from causal_ssl.errors import InputError

MODES = {
    "bilinear": transforms.InterpolationMode.BILINEAR,
    "bicubic": transforms.InterpolationMode.BICUBIC,
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("border", [0, 2])
@pytest.mark.parametrize("size", [(50, 37), (37, 51), (21, 80), (32, 32), (36, 36)])
def test_it_is_torchvisions_on_pillow(size: tuple[int, int], border: int, mode: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    cut = picture.crop((border, border, size[0] - border, size[1] - border))
    made = transforms.CenterCrop(27)(transforms.Resize(32, MODES[mode])(cut))
    ours = Transform(crop=27, resize=32, border=border, interpolation=mode)(
        torch.from_numpy(pixels).permute(2, 0, 1)
    )
    np.testing.assert_array_equal(ours.permute(1, 2, 0).numpy(), np.asarray(made))


def test_without_resizing_the_middle_is_cut_out() -> None:
    image = torch.arange(75, dtype=torch.uint8).reshape(3, 5, 5)
    assert torch.equal(Transform(crop=5, resize=None)(image), image)
    assert torch.equal(Transform(crop=3, resize=None)(image), image[:, 1:4, 1:4])


def test_it_says_what_it_does() -> None:
    assert str(Transform(border=2)) == (
        "2 pixels of border cut off, shorter side to 256 (bilinear), centre crop 224"
    )
    assert str(Transform(resize=None)) == "centre crop 224"


def test_bad_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="a crop of 224 pixels needs at least as many, resize is"):
        Transform(resize=223)
    with pytest.raises(InputError, match="unknown interpolation 'cubic'"):
        Transform(interpolation="cubic")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="64 x 32 pixels are too few for centre crop 48"):
        Transform(crop=48, resize=None)(torch.zeros(3, 32, 64, dtype=torch.uint8))
    with pytest.raises(InputError, match="4 x 9 pixels are too few"):
        Transform(border=2)(torch.zeros(3, 9, 4, dtype=torch.uint8))
