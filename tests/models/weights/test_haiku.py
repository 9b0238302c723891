"""Haiku's parameters become a network that computes what Haiku's does."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from causal_ssl.errors import InputError
from causal_ssl.models.weights import open_encoder
from causal_ssl.models.weights.haiku import parameters_and_state, torchvision_weights
from causal_ssl.models.weights.opening import IMAGENET_MEAN, IMAGENET_STD
from tests.models.weights.haiku_forward import Modules, features, random_resnet50


@pytest.fixture(scope="module")
def network() -> tuple[Modules, Modules]:
    return random_resnet50(0)


@pytest.fixture(scope="module")
def file(network: tuple[Modules, Modules], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As ReLICv2's: dicts, protocol 2, and an axis of devices before each array."""

    def replicated(modules: Modules) -> Modules:
        return {
            module: {name: np.stack([array, 0 * array]) for name, array in arrays.items()}
            for module, arrays in modules.items()
        }

    parameters, state = map(replicated, network)
    experiment = {"online_params": parameters, "online_state": state, "target_params": {}}
    path = tmp_path_factory.mktemp("haiku") / "relicv2.pkl"
    path.write_bytes(pickle.dumps({"experiment_state": experiment, "step": 3}, 2))
    return path


@torch.no_grad()
def test_features_are_haikus(network: tuple[Modules, Modules], file: Path) -> None:
    opened = open_encoder(file)
    same_size = []
    symmetric = open_encoder(file, network="resnet50").encoder
    for size in (64, 65):
        images = np.random.default_rng(size).random((1, size, size, 3), dtype=np.float32)
        standardised = ((images - IMAGENET_MEAN) / IMAGENET_STD).astype(np.float32)
        expected = torch.tensor(features(*network, standardised))
        pixels = torch.tensor(images).permute(0, 3, 1, 2)
        final, intermediate = opened.encoder(pixels)
        torch.testing.assert_close(intermediate, expected, rtol=1e-4, atol=1e-4)
        head = network[0]["classifier"]
        logits = expected @ torch.tensor(head["w"]) + torch.tensor(head["b"])
        torch.testing.assert_close(final, logits, rtol=1e-4, atol=1e-3)
        difference = symmetric(pixels).intermediate - expected
        same_size.append(float(difference.norm() / expected.norm()))
    # torchvision's padding is another one at even sizes, and the same at this odd one
    assert same_size[0] > 0.1
    assert same_size[1] < 1e-4
    assert opened.classifier is opened.encoder.head
    assert opened.source == (
        "relicv2.pkl, Haiku's: haiku_resnet50, classifier of 7 classes, without projector"
    )


def test_layers_have_torchvisions_shapes(network: tuple[Modules, Modules]) -> None:
    weights, left_out = torchvision_weights(*network)
    shapes = {name: tuple(weights[name].shape) for name in weights}
    assert left_out == ["projector"]
    assert shapes["conv1.weight"] == (64, 3, 7, 7)
    assert shapes["layer2.0.conv2.weight"] == (128, 128, 3, 3)
    assert shapes["layer2.0.downsample.0.weight"] == (512, 256, 1, 1)
    assert shapes["layer4.2.bn3.running_var"] == (2048,)
    assert shapes["fc.weight"] == (7, 2048)
    assert torch.equal(
        weights["layer2.0.conv2.weight"][5, 3],
        torch.tensor(network[0]["res_net50/~/block_group_1/~/block_0/~/conv_1"]["w"][:, :, 3, 5]),
    )


def changed(network: tuple[Modules, Modules], **changes: Any) -> tuple[Modules, Modules]:
    parameters = dict(network[0])
    for name, module in changes.items():
        at = f"res_net50/~/{name}"
        parameters.pop(at, None)
        if module is not None:
            parameters[at] = module
    return parameters, network[1]


def test_networks_that_do_not_fit(network: tuple[Modules, Modules], tmp_path: Path) -> None:
    block = "block_group_0/~/block_1/~/conv_1"
    w = np.zeros((7, 7, 3, 128), np.float32)
    for changes, message in (
        ({block: None}, r"1 missing, the first layer1\.1\.conv2\.weight \(64, 64, 3, 3\)"),
        ({"initial_conv": {"w": w}}, r"conv1\.weight \(128, 3, 7, 7\) where haiku_resnet50 has"),
        ({"final_batchnorm": {}}, "a ResNet of version 2"),
        ({"initial_conv": None}, "0 networks that begin with initial_conv"),
        ({"block_group_0/~/block_3/~/conv_0": {"w": w}}, r"ResNet with \(4, 4, 6, 3\) bottleneck"),
        ({"initial_conv": {"w": "x"}}, "a str where Haiku has an array"),
    ):
        path = tmp_path / "byol.pkl"
        path.write_bytes(pickle.dumps(changed(network, **changes), 4))
        with pytest.raises(InputError, match=message) as raised:
            open_encoder(path)
        assert str(path) in str(raised.value)


def test_arrays_of_a_foreign_byte_order_are_read(network: tuple[Modules, Modules]) -> None:
    swapped = [
        {name: {k: v.astype(">f4") for k, v in arrays.items()} for name, arrays in modules.items()}
        for modules in network
    ]
    expected, found = torchvision_weights(*network)[0], torchvision_weights(*swapped)[0]
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


STEM = "res_net50/~/initial_conv"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {STEM: {"w": np.zeros((0, 7, 7, 3, 64))}},
            r"initial_conv, w of shape \(0, 7, 7, 3, 64\): exp",
        ),
        (
            {STEM: {"w": np.zeros((2, 7, 7, 3, 64))}, "res_net50/~/logits": {"b": np.zeros(())}},
            r"logits, b of shape \(\): expected an axis of devices",
        ),
    ],
)
def test_arrays_without_devices_where_others_have_them(parameters: Modules, message: str) -> None:
    with pytest.raises(InputError, match=message):
        torchvision_weights(parameters, {})


def test_a_file_that_calls_one_array_by_many_names_takes_no_memory() -> None:
    shared = np.zeros(1000, np.uint8)
    more = {f"res_net50/~/block_group_0/~/block_{k}/~/conv_0": {"w": shared} for k in range(9)}
    parameters = {STEM: {"w": np.zeros((7, 7, 3, 64))}, **more}
    with pytest.raises(InputError, match="block_1/~/conv_0, w is the array of another name too"):
        torchvision_weights(parameters, {})


def test_numbers_that_no_network_has_are_no_numbers(network: tuple[Modules, Modules]) -> None:
    odd = f"res_net50/~/block_group_{'9' * 5000}/~/block_1/~/conv_0"
    weights, _ = torchvision_weights({**network[0], odd: {"w": np.ones((1, 1))}}, {})
    assert any("9999" in name for name in weights)  # which loading them refuses


def test_layouts() -> None:
    modules = {"net/conv": {"w": 1}}, {"net/bn/~/mean_ema": {"average": 2}}
    online = {"online_params": modules[0], "online_state": modules[1], "target_params": {}}
    plain = {"params": modules[0], "state": modules[1]}
    for layout in ({"experiment_state": online, "step": 1}, online, plain, modules):
        assert parameters_and_state(layout) == modules
    with pytest.raises(InputError, match=r"found \['step'\]; expected online_params"):
        parameters_and_state({"step": 3})
