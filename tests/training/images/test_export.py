"""The exported trunk is torchvision's network with the same weights."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from torchvision import models

from causal_ssl.errors import InputError
from causal_ssl.models.image_encoders import EncoderConfig, ImageEncoder, image_encoder
from causal_ssl.training.images import export_resnet

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def used(name: str) -> tuple[ImageEncoder, torch.Tensor]:
    """An encoder whose batch norms have seen something, and images."""
    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    encoder = image_encoder(EncoderConfig(name, mean=MEAN, std=STD), seed=1)
    with torch.no_grad():
        encoder(images)
    return encoder.eval(), images


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
@torch.no_grad()
def test_torchvisions_network_gives_the_same_features(name: str, tmp_path: Path) -> None:
    encoder, images = used(name)
    export_resnet(path := tmp_path / "trunk.safetensors", encoder)
    network = getattr(models, name)(weights=None)
    left = network.load_state_dict(load_file(path), strict=False)
    assert left.missing_keys == ["fc.weight", "fc.bias"]
    assert left.unexpected_keys == []
    network.fc = nn.Identity()
    standardised = (images - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    ours, theirs = encoder(images).intermediate, network.eval()(standardised)
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(network(images), ours, rtol=1e-2)
    with safe_open(path, "pt") as file:
        assert file.metadata()["mean"] == "0.4 0.5 0.6"
        assert file.metadata()["network"] == f"torchvision.models.{name}"


def test_what_torchvision_has_not_is_refused(tmp_path: Path) -> None:
    for options, message in (
        ({"name": "conv4"}, "conv4 can not be exported: torchvision has no such network"),
        ({"name": "resnet18", "stem": "3x3"}, "begins with a 7x7"),
    ):
        with pytest.raises(InputError, match=message):
            export_resnet(tmp_path / "trunk.safetensors", image_encoder(**options, seed=0))
    assert not list(tmp_path.iterdir())
