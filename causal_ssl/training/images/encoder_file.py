"""A trained encoder as a file: its config, its weights, and the run that they are from."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from causal_ssl import files
from causal_ssl.errors import InputError
from causal_ssl.models.heads import Head
from causal_ssl.models.image_encoders import EncoderConfig, ImageEncoder, image_encoder
from causal_ssl.training.checkpoint import Identity
from causal_ssl.training.images.checkpoints import RUN, Checkpoints, load

ENCODER = "encoder.pt"
CHECKPOINTS = "checkpoints"


def encoder_description(encoder: ImageEncoder) -> dict[str, Any]:
    """What `load_encoder` builds the encoder from, beside its weights."""
    return {"config": asdict(encoder.config), "output": encoder.output}


def save_encoder(path: Path, encoder: ImageEncoder, identity: Identity) -> None:
    """Write an encoder with its weights and the run that it is from."""
    description = {"identity": identity, "encoder": encoder_description(encoder)}
    files.save_tensors(path, {RUN: description, "weights": encoder.state_dict()})


def load_encoder(path: Path | str) -> ImageEncoder:
    """An encoder of `train_images`, on the CPU, in eval mode; nothing in the file is executed.

    Args:
        path: the run's directory (of an unfinished run: its last checkpoint is read), its
            `encoder.pt`, or a checkpoint.

    Raises:
        InputError: there is none, or the file is damaged or something else.
    """
    return encoder_of(read_encoder(Path(path)))


def read_encoder(path: Path) -> dict[str, Any]:
    """What the file holds: under "causal_ssl" the run's description, under "weights" the weights.

    Raises:
        InputError: as `load_encoder`.
    """
    file = _encoder_in(path) if path.is_dir() else path
    remedy = "give a run's directory, its encoder.pt or one of its checkpoints"
    state = load(file, what="an encoder of train_images", remedy=remedy)
    if "weights" in state:
        return state
    weights = {
        name.removeprefix("encoder."): weight
        for name, weight in state["state_dict"].items()
        if name.startswith("encoder.")
    }
    return {RUN: state[RUN], "weights": weights}


def encoder_of(state: dict[str, Any]) -> ImageEncoder:
    """The encoder of what `read_encoder` has read."""
    description = state[RUN]["encoder"]
    config = dict(description["config"])
    if isinstance(head := config["head"], dict):
        config["head"] = Head(**head)
    encoder = image_encoder(EncoderConfig(**config), output=description["output"], seed=0)
    encoder.load_state_dict(state["weights"])
    return encoder.eval()


def _encoder_in(directory: Path) -> Path:
    if (finished := directory / ENCODER).exists():
        return finished
    last = Checkpoints(directory / CHECKPOINTS).last()
    if last is None:
        raise InputError(
            f"no encoder in {directory}: neither {ENCODER} nor a checkpoint; train one there"
        )
    return last
