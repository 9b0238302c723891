"""A trained ResNet as plain torchvision weights, for those who do not have this library."""

from pathlib import Path

from causal_ssl import files
from causal_ssl.errors import InputError
from causal_ssl.models.image_encoders import ImageEncoder


def export_resnet(path: Path | str, encoder: ImageEncoder) -> None:
    """Write the trunk of a ResNet as safetensors, with the names of torchvision's weights.

        network = torchvision.models.resnet50()
        network.load_state_dict(safetensors.torch.load_file(path), strict=False)

    is then the encoder's trunk with an untrained last layer, `fc`, of which the file has none. It
    takes images standardised by the mean and std that the file's metadata name. The critic, a head
    of training alone, is left out.

    Args:
        path: of the file.
        encoder: whose trunk is a ResNet with ImageNet's stem.

    Raises:
        InputError: another trunk, the 3x3 stem, which torchvision's networks do not have, or no
            safetensors.
    """
    config = encoder.config
    if not config.name.startswith("resnet"):
        raise InputError(f"{config.name} can not be exported: torchvision has no such network")
    if config.stem == "3x3":
        raise InputError(
            f"{config.name} with stem 3x3 can not be exported: torchvision's begins with a 7x7 "
            "convolution; use `load_encoder`"
        )
    try:
        from safetensors.torch import save
    except ImportError as error:
        raise InputError(
            "exporting weights needs safetensors: pip install 'causal-ssl[images]'"
        ) from error
    metadata = {name: " ".join(map(str, getattr(config, name))) for name in ("mean", "std")}
    metadata |= {"network": f"torchvision.models.{config.name}"}
    weights = {name: tensor.contiguous() for name, tensor in encoder.trunk.state_dict().items()}
    files.write(Path(path), save(weights, metadata | {"format": "pt"}))
