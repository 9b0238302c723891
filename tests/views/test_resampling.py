"""The batched resampling by matrices, which a GPU takes, against torchvision on one image."""

from typing import get_args

import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as reference

from causal_ssl.randomness import generator_for
from causal_ssl.views.augmentations import RandomResizedCrop
from causal_ssl.views.augmentations._resampling import Interpolation, _by_matrices


@pytest.mark.parametrize("interpolation", get_args(Interpolation))
@pytest.mark.parametrize("target", [(7, 9), (20, 28), (33, 50)])
def test_matrices_make_torchvisions_crops(
    interpolation: Interpolation, target: tuple[int, int]
) -> None:
    images = torch.rand(30, 3, 20, 28, generator=generator_for("images"))
    record = RandomResizedCrop((0.01, 1.0)).draw(30, generator=generator_for(0), size=(20, 28))
    boxes = torch.stack(list(record.values.values()), dim=1)
    found = _by_matrices(images, boxes, target, interpolation)
    mode = InterpolationMode(interpolation)
    expected = [
        reference.resized_crop(image, *box, list(target), interpolation=mode).clamp(0, 1)
        for image, box in zip(images, boxes.tolist(), strict=True)
    ]
    torch.testing.assert_close(found, torch.stack(expected), atol=1e-5, rtol=0)
