"""Every kind of file gives the encoder that it has, or one error that names what is wrong."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from helpers import Malicious
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision import models

from causal_ssl.errors import InputError
from causal_ssl.models.heads import Head
from causal_ssl.models.image_encoders import EncoderConfig, image_encoder
from causal_ssl.models.weights import load_encoder, open_encoder
from causal_ssl.models.weights.opening import IMAGENET_MEAN, IMAGENET_STD
from causal_ssl.models.weights.runs import save_encoder
from causal_ssl.training.images import export_resnet

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
STANDARDISED = (IMAGES - torch.tensor(IMAGENET_MEAN).view(3, 1, 1)) / torch.tensor(
    IMAGENET_STD
).view(3, 1, 1)


def used(network: nn.Module) -> nn.Module:
    """The network, its batch norms having seen something, in eval mode."""
    with torch.no_grad():
        network.train()(STANDARDISED)
    return network.eval()


@pytest.fixture(scope="module")
def resnet18() -> models.ResNet:
    torch.manual_seed(0)
    return used(models.resnet18(num_classes=5))


def prefixed(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in weights.items()}


@torch.no_grad()
def assert_same(opened: Any, network: nn.Module) -> None:
    """The network's logits for IMAGES are what was opened gives."""
    final, intermediate = opened.encoder(IMAGES)
    logits = network(STANDARDISED)
    torch.testing.assert_close(final, logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(opened.classifier(intermediate), logits, rtol=1e-4, atol=1e-4)
    assert not opened.encoder.training


@pytest.mark.parametrize("zipped", [True, False])
def test_torchvisions(tmp_path: Path, resnet18: models.ResNet, zipped: bool) -> None:
    path = tmp_path / "weights.of.any.name"
    torch.save(resnet18.state_dict(), path, _use_new_zipfile_serialization=zipped)
    assert_same(open_encoder(path), resnet18)


def test_timms_resnet50(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = used(timm.create_model("resnet50", num_classes=4))
    torch.save({"state_dict": network.state_dict(), "epoch": 3}, tmp_path / "timm.pth")
    opened = open_encoder(tmp_path / "timm.pth")
    assert_same(opened, network)
    assert opened.encoder.config.name == "resnet50"


def test_safetensors(tmp_path: Path, resnet18: models.ResNet) -> None:
    save_file(resnet18.state_dict(), path := tmp_path / "weights.bin")
    assert_same(open_encoder(path), resnet18)


@torch.no_grad()
def test_an_exported_trunk_keeps_its_mean_and_std(tmp_path: Path) -> None:
    options = {"mean": (0.4, 0.5, 0.6), "std": (0.2, 0.25, 0.3)}
    encoder = image_encoder("resnet18", seed=1, **options).eval()
    export_resnet(path := tmp_path / "trunk.safetensors", encoder)
    opened = open_encoder(path)
    assert opened.classifier is None
    final, intermediate = opened.encoder(IMAGES)
    torch.testing.assert_close(intermediate, encoder(IMAGES).intermediate)
    torch.testing.assert_close(final, intermediate)  # the head changes nothing
    other = open_encoder(path, mean=(0.0, 0.0, 0.0))
    assert (other.encoder.config.mean, other.encoder.config.std) == ((0, 0, 0), options["std"])


@pytest.mark.parametrize(
    ("wrap", "source"),
    [
        (lambda w: prefixed(w, "module."), "under 'module.', classifier of 5 classes"),
        (lambda w: {"epoch": 1, "model": prefixed(w, "backbone.")}, "under 'backbone.'"),
        (lambda w: {"state_dict": {"model": w}}, "resnet18, classifier of 5 classes"),
        (lambda w: prefixed(w, "encoder.trunk."), "under 'encoder.trunk.'"),
        (
            lambda w: prefixed(w, "net.") | {"net.projector.0.weight": torch.ones(1)},
            "without net.projector",
        ),
        (
            lambda w: prefixed(w, "backbone.") | prefixed(w, "momentum_backbone."),
            "under 'backbone.', classifier of 5 classes, without momentum_backbone",
        ),
    ],
)
def test_wrappers_and_prefixes(tmp_path: Path, resnet18: Any, wrap: Any, source: str) -> None:
    torch.save(wrap(resnet18.state_dict()), path := tmp_path / "weights.pth")
    opened = open_encoder(path)
    assert_same(opened, resnet18)
    assert source in opened.source


def test_mocos_head_is_no_classifier(tmp_path: Path, resnet18: models.ResNet) -> None:
    weights = resnet18.state_dict()
    other = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    both = prefixed(weights, "module.encoder_q.") | prefixed(other, "module.encoder_k.")
    torch.save({"state_dict": both, "arch": "resnet18"}, path := tmp_path / "moco.pth.tar")
    opened = open_encoder(path)
    assert opened.classifier is None
    assert torch.equal(opened.encoder.trunk.conv1.weight, weights["conv1.weight"])
    assert "under 'module.encoder_q.', without" in opened.source


def test_a_head_of_two_layers_is_no_classifier(tmp_path: Path, resnet18: models.ResNet) -> None:
    weights = {n: t for n, t in resnet18.state_dict().items() if not n.startswith("fc.")}
    head = {"fc.0.weight": torch.ones(3, 512), "fc.2.weight": torch.ones(2, 3)}
    torch.save(weights | head, path := tmp_path / "weights.pth")
    assert open_encoder(path).classifier is None


def test_several_networks(tmp_path: Path, resnet18: models.ResNet) -> None:
    both = prefixed(resnet18.state_dict(), "a.") | prefixed(resnet18.state_dict(), "b.")
    torch.save(both, path := tmp_path / "weights.pth")
    with pytest.raises(InputError, match=r"2 networks in it, under 'a\.', 'b\.': give one"):
        open_encoder(path)
    assert "under 'b.'" in open_encoder(path, prefix="b.").source
    says = r"no weight's name begins with the prefix 'X\.': "
    with pytest.raises(InputError, match=rf"{says}give one of 'a\.', 'b\.'; there are a\.conv1"):
        open_encoder(path, prefix="X.")
    torch.save(resnet18.state_dict(), path)
    with pytest.raises(InputError, match=f"{says}leave it out; there are conv1"):
        open_encoder(path, prefix="X.")


@torch.no_grad()
def test_the_small_stem(tmp_path: Path) -> None:
    encoder = image_encoder("resnet18", stem="3x3", seed=0).eval()
    torch.save(encoder.trunk.state_dict(), path := tmp_path / "weights.pth")
    opened = open_encoder(path, mean=(0, 0, 0), std=(1, 1, 1))
    small = IMAGES[..., :16, :16]
    torch.testing.assert_close(opened.encoder(small).intermediate, encoder(small).intermediate)
    assert "stem 3x3, taken to have no pooling" in opened.source


def test_files_of_old_without_counts_of_batches(tmp_path: Path, resnet18: models.ResNet) -> None:
    old = {n: t for n, t in resnet18.state_dict().items() if "num_batches" not in n}
    torch.save(old, path := tmp_path / "weights.pth")
    assert_same(open_encoder(path), resnet18)


def test_runs_of_ours(tmp_path: Path) -> None:
    config = EncoderConfig("conv4", head=Head(), n_outputs=3, mean=(0.1, 0.2, 0.3))
    encoder = image_encoder(config, seed=0).eval()
    for method, labelled in (("relic", False), ("supervised", True)):
        run = tmp_path / method
        save_encoder(run / "encoder.pt", encoder, {"config": {"method": method}})
        for path in (run, run / "encoder.pt"):
            opened = open_encoder(path)
            assert opened.encoder.config == config
            torch.testing.assert_close(opened.encoder(IMAGES).final, encoder(IMAGES).final)
            assert opened.classifier is (opened.encoder.head if labelled else None)
            assert opened.source.endswith(f"encoder.pt: conv4, trained here with {method}")
    with pytest.raises(InputError, match="an encoder of ours, which has its own mean: give none"):
        open_encoder(run, mean=(0, 0, 0))


def test_a_converted_network_is_saved_as_what_it_is(tmp_path: Path) -> None:
    encoder = image_encoder("haiku_resnet50", seed=0).eval()
    save_encoder(tmp_path / "encoder.pt", encoder, {})
    assert torch.equal(load_encoder(tmp_path)(IMAGES).intermediate, encoder(IMAGES).intermediate)
    with pytest.raises(InputError, match="torchvision has no such network"):
        export_resnet(tmp_path / "trunk.safetensors", encoder)


def test_a_checkpoint_of_other_shapes(tmp_path: Path) -> None:
    encoder = image_encoder("conv4", seed=0)
    encoder.trunk[0] = nn.Conv2d(3, 7, 3)
    save_encoder(tmp_path / "encoder.pt", encoder, {})
    with pytest.raises(InputError, match=r"trunk\.0\.weight \(7, 3, 3, 3\) where conv4 has"):
        open_encoder(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer1.0.bn1.weight": None}, r"1 missing, the first layer1\.0\.bn1\.weight \(64,\)"),
        ({"layer1.0.se.weight": (2,)}, r"1 unexpected, the first layer1\.0\.se\.weight \(2,\)"),
        ({"layer2.0.conv1.weight": (9, 8)}, r"layer2\.0\.conv1\.weight \(9, 8\) where resnet18"),
        ({"fc.weight": (5, 8)}, r"weight \(5, 8\) where a classifier on resnet18 has \(5, 512\)"),
        ({"layer1.2.conv1.weight": (1,)}, r"ResNet with \(3, 2, 2, 2\) basic blocks is not known"),
        ({"layer1.0.conv1.weight": None}, "no ResNet in it"),
    ],
)
def test_weights_that_do_not_fit(
    tmp_path: Path, resnet18: models.ResNet, change: dict[str, Any], message: str
) -> None:
    weights = dict(resnet18.state_dict())
    for name, shape in change.items():
        weights.pop(name, None)
        if shape is not None:
            weights[name] = torch.zeros(shape)
    torch.save(weights, path := tmp_path / "weights.pth")
    with pytest.raises(InputError, match=message) as raised:
        open_encoder(path)
    assert str(path) in str(raised.value)


def test_weights_that_are_not_finite(tmp_path: Path, resnet18: models.ResNet) -> None:
    weights = resnet18.state_dict()
    torch.save(weights | {"bn1.bias": weights["bn1.bias"] * torch.nan}, path := tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"bn1\.bias has values that are not finite"):
        open_encoder(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_torchs_files_is_not_run(tmp_path: Path, zipped: bool) -> None:
    trace, path = tmp_path / "trace", tmp_path / "weights.pth"
    content = {"state_dict": {"conv1.weight": torch.ones(1)}, "more": [Malicious(trace)]}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=r"weights\.pth: it asks for \w+\.system, and"):
        open_encoder(path)
    assert not trace.exists()
    torch.load(path, weights_only=False)
    assert trace.exists()  # it would have


def test_objects_in_torchs_files_are_named(tmp_path: Path) -> None:
    torch.save({"args": Namespace(a=1)}, path := tmp_path / "weights.pth")
    with pytest.raises(InputError, match=r"asks for argparse\.Namespace.* its state_dict alone"):
        open_encoder(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty, get the file again"),
        (b"\x1f\x8b compressed", "neither of torch nor safetensors nor a pickle"),
        (b"PK\x03\x04 no archive", "not weights that torch has saved"),
        (b"\x10\0\0\0\0\0\0\0{ no header", "damaged, or no safetensors"),
        (b"\x80\x04\x8c", "damaged, or no pickle"),
        (b"\x80\x04]\x94.", "no parameters and state of Haiku in it: found list"),
    ],
)
def test_files_of_something_else(tmp_path: Path, content: bytes, message: str) -> None:
    (path := tmp_path / "weights.pth").write_bytes(content)
    with pytest.raises(InputError, match=message) as raised:
        open_encoder(path)
    assert str(path) in str(raised.value)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.pth: No such file"):
        open_encoder(tmp_path / "gone.pth")
    with pytest.raises(InputError, match=r"neither encoder\.pt nor a checkpoint"):
        open_encoder(tmp_path)
    with pytest.raises(InputError, match=r"unknown network 'resnet5': did you mean 'resnet50'"):
        open_encoder(tmp_path / "gone.pth", network="resnet5")
    torch.save({"epoch": 1}, path := tmp_path / "weights.pth")
    with pytest.raises(InputError, match="no weights in it: its keys are epoch"):
        open_encoder(path)
