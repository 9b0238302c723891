"""Image encoders: their shapes, their weights from a seed, what they refuse."""

import pytest
import torch
from torch import nn
from torchvision import models

from causal_ssl.errors import InputError
from causal_ssl.models.heads import Head
from causal_ssl.models.image_encoders import EncoderConfig, image_encoder

SMALL = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("options", "width"),
    [
        ({"name": "resnet18"}, 512),
        ({"name": "resnet18", "stem": "3x3"}, 512),
        ({"name": "resnet50"}, 2048),
        ({"name": "conv4", "head": "linear", "n_outputs": 3}, 256),
        ({"name": "conv4", "head": Head((7,), batch_norm=True)}, 256),
    ],
)
@torch.no_grad()
def test_both_layers(options: dict, width: int) -> None:
    encoder = image_encoder(EncoderConfig(**options), seed=0).eval()
    final, intermediate = encoder(SMALL)
    assert final.shape == (2, options.get("n_outputs", 8))
    assert intermediate.shape == (2, width) == (2, encoder.width)
    assert torch.equal(final, encoder.head(intermediate))


@torch.no_grad()
def test_resnet_is_torchvisions_without_its_last_layer() -> None:
    encoder = image_encoder("resnet18", seed=0).eval()
    reference = models.resnet18(weights=None).eval()
    reference.load_state_dict(encoder.trunk.state_dict(), strict=False)
    reference.fc = nn.Identity()
    torch.testing.assert_close(encoder(SMALL).intermediate, reference(SMALL))


def test_the_small_stem_keeps_the_resolution() -> None:
    def at_layer1(stem: str) -> tuple[int, ...]:
        shapes = []
        encoder = image_encoder("resnet18", stem=stem, seed=0).eval()
        encoder.trunk.layer1.register_forward_hook(lambda *a: shapes.append(a[2].shape[2:]))
        with torch.no_grad():
            encoder(SMALL)
        return tuple(shapes[0])

    assert at_layer1("3x3") == (32, 32)
    assert at_layer1("7x7") == (8, 8)


@pytest.mark.parametrize("name", ["resnet18", "conv4"])
def test_weights_depend_on_the_seed_alone(name: str) -> None:
    torch.manual_seed(0)
    expected = torch.randn(1)
    torch.manual_seed(0)
    a = image_encoder(name, seed=5)
    assert torch.randn(1) == expected  # the global state is not touched
    b, c = image_encoder(name, seed=5), image_encoder(name, seed=6)
    assert all(map(torch.equal, a.parameters(), b.parameters()))
    first = next(iter(a.parameters())), next(iter(c.parameters()))
    assert not torch.equal(*first)


@torch.no_grad()
def test_inputs_are_standardised_by_the_encoder() -> None:
    mean, std = (0.4, 0.3, 0.2), (0.1, 0.2, 0.3)
    plain = image_encoder("conv4", seed=0).eval()
    standardising = image_encoder("conv4", mean=mean, std=std, seed=0).eval()
    by_hand = (SMALL - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    torch.testing.assert_close(standardising(SMALL).final, plain(by_hand).final)
    pixels = (SMALL * 255).round().to(torch.uint8)
    torch.testing.assert_close(standardising(pixels).final, standardising(pixels / 255).final)


def test_memory_order_is_channels_last() -> None:
    encoder = image_encoder("conv4", seed=0)
    orders = []
    for layer in encoder.trunk:
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(
                lambda *a: orders.append(a[2].is_contiguous(memory_format=torch.channels_last))
            )
    encoder(SMALL)
    assert orders == [True] * 4


def test_a_named_head_is_the_head_of_that_value() -> None:
    named = image_encoder("conv4", head="causal3dident", seed=0)
    given = image_encoder("conv4", head=Head((100,), slope=0.01), seed=0)
    assert torch.equal(named.head(torch.ones(2, 256)), given.head(torch.ones(2, 256)))


def test_sigmoid_output() -> None:
    linear, squashed = (image_encoder("conv4", seed=0, output=o) for o in ("linear", "sigmoid"))
    a, b = linear.eval()(SMALL), squashed.eval()(SMALL)
    assert torch.equal(b.final, a.final.sigmoid())
    assert torch.equal(b.intermediate, a.intermediate)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "resnet19"}, "unknown image encoder 'resnet19': did you mean 'resnet18'"),
        ({"stem": "5x5"}, "unknown stem '5x5'"),
        ({"name": "conv4", "stem": "3x3"}, "conv4 has but one"),
        ({"head": "mlp"}, "unknown head 'mlp'"),
        ({"n_outputs": 0}, "n_outputs must be at least 1"),
        ({"mean": (0.5,)}, "one value for each of R, G and B"),
        ({"std": (0.5, 0.5, 0.0)}, "std must be above 0"),
    ],
)
def test_bad_config(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        EncoderConfig(**options)


def test_bad_images() -> None:
    encoder = image_encoder("conv4", seed=0)
    with pytest.raises(InputError, match=r"\(2, 32, 32, 3\): expected \(n, 3, h, w\)"):
        encoder(SMALL.permute(0, 2, 3, 1))
