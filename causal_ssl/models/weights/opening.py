"""An encoder from whatever file has one: what it is is read off its content, not off its name."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from causal_ssl.errors import InputError, one_of
from causal_ssl.models.image_encoders import EncoderConfig, ImageEncoder, Stem, image_encoder
from causal_ssl.models.weights import runs
from causal_ssl.models.weights.fit import load_weights
from causal_ssl.models.weights.haiku import parameters_and_state, torchvision_weights
from causal_ssl.models.weights.pickles import load_pickle
from causal_ssl.models.weights.state_dicts import FoundResNet, find_resnet, name_of
from causal_ssl.models.weights.tensor_files import kind_of, load_safetensors, load_torch

Channels = tuple[float, float, float]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of the channels, for pixels in [0, 1]: what published networks are trained with."""

NETWORKS = {"resnet18": 512, "resnet50": 2048, "haiku_resnet50": 2048}
"""Networks that foreign weights may be of -> width of their features."""


@dataclass(frozen=True)
class OpenedEncoder:
    """An encoder and what is known of it.

    Attributes:
        encoder: on the CPU, in eval mode. Its trunk is what is evaluated: the second output,
            (n, width). The head of a foreign network gives its logits, where the file has any, and
            otherwise repeats the trunk's output; an encoder of ours has the head of its training.
        classifier: (n, width) -> (n, n_classes) logits, the head of a network that was trained
            with labels; None: there is none.
        source: what was read, in words: for reports.
        critic: (n, width) -> (n, n_outputs), the head of an encoder of ours that an objective
            compared samples through; None: there is none.
    """

    encoder: ImageEncoder
    classifier: nn.Linear | None
    source: str
    critic: nn.Module | None = None


@dataclass(frozen=True)
class _Choices:
    network: str | None
    prefix: str | None
    mean: Channels | None
    std: Channels | None


def open_encoder(
    path: Path | str,
    *,
    network: str | None = None,
    prefix: str | None = None,
    mean: Channels | None = None,
    std: Channels | None = None,
) -> OpenedEncoder:
    """The encoder that a file has; no file is executed.

    Known are: a run of ours (its directory, encoder.pt or a checkpoint); state dicts of ResNet-18
    and -50 with the names of torchvision's, as torch saves them or as safetensors (torchvision's,
    timm's, `export_resnet`'s, MoCo's and others'); BYOL's and ReLICv2's pickles of Haiku's
    ResNet-50.

    Args:
        path: of the file, or of the directory of a run.
        network: what the weights are of, one of `NETWORKS`; None: what they look like. Weights
            that others have converted from Haiku look like "resnet50", and are "haiku_resnet50".
        prefix: before the weights' names in the file, where it has several networks.
        mean, std: of the channels, for pixels in [0, 1]; None: the file's own, or ImageNet's.

    Raises:
        InputError: there is no file, it is none of these, asks for code, or its weights do not fit
            the network; or a choice that a run of ours leaves no room for.

    Examples:
        >>> import tempfile
        >>> from torchvision.models import resnet18
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     torch.save(resnet18(num_classes=5).state_dict(), f"{folder}/weights.pth")
        ...     opened = open_encoder(f"{folder}/weights.pth")
        >>> opened.classifier
        Linear(in_features=512, out_features=5, bias=True)
        >>> opened.source
        "weights.pth, torch's: resnet18, classifier of 5 classes"
    """
    path = Path(path)
    if network is not None:
        one_of("network", network, NETWORKS)
    choices = _Choices(network, prefix, mean, std)
    try:
        return _open(path, choices)
    except InputError as error:
        if str(path) in str(error):
            raise
        raise InputError(f"cannot load {path}: {error}") from error


def _open(path: Path, choices: _Choices) -> OpenedEncoder:
    match kind_of(path):
        case "run":
            file = runs.file_in(path)
            state = runs.read_encoder(file)
            return _of_run(state, f"{path.name}/{file.relative_to(path)}", choices)
        case "torch":
            content = load_torch(path)
            if runs.RUN in content:
                return _of_run(runs.encoder_state(content), path.name, choices)
            found = find_resnet(content, prefix=choices.prefix)
            return _of_resnet(found, f"{path.name}, torch's", choices)
        case "safetensors":
            tensors, standardisation = load_safetensors(path)
            found = find_resnet(tensors, prefix=choices.prefix)
            mean = choices.mean or standardisation.get("mean")
            std = choices.std or standardisation.get("std")
            choices = replace(choices, mean=mean, std=std)
            return _of_resnet(found, f"{path.name}, safetensors", choices)
        case "pickle":
            return _of_haiku(load_pickle(path), path, choices)


def _of_run(state: dict[str, Any], name: str, choices: _Choices) -> OpenedEncoder:
    if given := [choice for choice, value in vars(choices).items() if value is not None]:
        raise InputError(f"an encoder of ours, which has its own {', '.join(given)}: give none")
    encoder = runs.encoder_of(state)
    identity = state[runs.RUN].get("identity", {})
    method = identity.get("config", {}).get("method")
    words = f"{name}: {encoder.config.name}, trained here" + (f" with {method}" if method else "")
    if "start" in identity:
        words += ", from the trunk of another encoder"
    head = encoder.head
    if method == "supervised":
        return OpenedEncoder(encoder, head if isinstance(head, nn.Linear) else None, words)
    sigmoid = [nn.Sigmoid()] if encoder.output == "sigmoid" else []
    return OpenedEncoder(encoder, None, words, nn.Sequential(head, *sigmoid).eval())


def _of_haiku(content: Any, path: Path, choices: _Choices) -> OpenedEncoder:
    if choices.prefix is not None:
        raise InputError("a pickle of Haiku's parameters has no prefix: leave it out")
    weights, left_out = torchvision_weights(*parameters_and_state(content))
    found = replace(find_resnet(weights), left_out=tuple(left_out))
    name = one_of("network of Haiku", f"haiku_{name_of(found.weights)}", NETWORKS)
    choices = replace(choices, network=choices.network or name)
    return _of_resnet(found, f"{path.name}, Haiku's", choices)


def _of_resnet(found: FoundResNet, file: str, choices: _Choices) -> OpenedEncoder:
    name = choices.network or name_of(found.weights)
    head = _head(found, NETWORKS[name])
    config = EncoderConfig(
        name,
        stem=_stem(found.weights),
        head="linear",
        n_outputs=len(head["bias"]),
        mean=choices.mean or IMAGENET_MEAN,
        std=choices.std or IMAGENET_STD,
    )
    encoder = image_encoder(config, seed=0).eval()
    load_weights(encoder.trunk, found.weights, name=name)
    load_weights(encoder.head, head, name=f"a classifier on {name}")
    classifier = encoder.head if found.classifier and isinstance(encoder.head, nn.Linear) else None
    return OpenedEncoder(encoder, classifier, f"{file}: {_in_words(found, config)}")


def _head(found: FoundResNet, width: int) -> dict[str, Tensor]:
    if found.classifier is None:
        return {"weight": torch.eye(width), "bias": torch.zeros(width)}
    weight, bias = found.classifier
    return {"weight": weight, "bias": bias}


def _stem(weights: dict[str, Tensor]) -> Stem | None:
    small = "conv1.weight" in weights and weights["conv1.weight"].shape[2:] == (3, 3)
    return "3x3" if small else None


def _in_words(found: FoundResNet, config: EncoderConfig) -> str:
    small = "stem 3x3, taken to have no pooling, which weights do not tell"
    return ", ".join(
        [
            config.name,
            *([f"under {found.prefix!r}"] if found.prefix else []),
            *([f"classifier of {config.n_outputs} classes"] if found.classifier else []),
            *([small] if config.stem == "3x3" else []),
            *([f"without {' '.join(found.left_out)}"] if found.left_out else []),
        ]
    )
