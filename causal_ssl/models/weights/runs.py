"""The files of a training run: encoder.pt, checkpoints, and their directory."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from causal_ssl import files
from causal_ssl.errors import InputError
from causal_ssl.models.heads import Head
from causal_ssl.models.image_encoders import EncoderConfig, ImageEncoder, image_encoder
from causal_ssl.models.weights.fit import load_weights

ENCODER = "encoder.pt"
CHECKPOINTS = "checkpoints"

RUN = "causal_ssl"
"""The key of checkpoints and encoders' files under which stands what run they are of."""


def encoder_description(encoder: ImageEncoder) -> dict[str, Any]:
    """What `load_encoder` builds the encoder from, beside its weights."""
    return {"config": asdict(encoder.config), "output": encoder.output}


def save_encoder(path: Path, encoder: ImageEncoder, identity: Mapping[str, Any]) -> None:
    """Write an encoder with its weights; `load_encoder` reads it.

    Args:
        path: of the file.
        encoder: that was trained.
        identity: of the run that it is from.
    """
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
    file = file_in(path) if path.is_dir() else path
    remedy = "give a run's directory, its encoder.pt or one of its checkpoints"
    return encoder_state(load(file, what="an encoder of train_images", remedy=remedy))


def encoder_state(state: dict[str, Any]) -> dict[str, Any]:
    """The same of what is in an encoder's file, or in a checkpoint."""
    if "weights" in state:
        return state
    weights = {
        name.removeprefix("encoder."): weight
        for name, weight in state["state_dict"].items()
        if name.startswith("encoder.")
    }
    return {RUN: state[RUN], "weights": weights}


def encoder_of(state: dict[str, Any]) -> ImageEncoder:
    """The encoder of what `read_encoder` has read.

    Raises:
        InputError: the weights are not those of the encoder that the file describes.
    """
    description = state[RUN]["encoder"]
    config = dict(description["config"])
    if isinstance(head := config["head"], dict):
        config["head"] = Head(**head)
    encoder = image_encoder(EncoderConfig(**config), output=description["output"], seed=0)
    load_weights(encoder, state["weights"], name=encoder.config.name)
    return encoder.eval()


def file_in(directory: Path) -> Path:
    """The file to read of a run's directory.

    Raises:
        InputError: there is none.
    """
    if (finished := directory / ENCODER).exists():
        return finished
    kept = checkpoints_in(directory / CHECKPOINTS)
    if not kept:
        raise InputError(
            f"no encoder in {directory}: neither {ENCODER} nor a checkpoint; train one there"
        )
    return kept[-1]


def checkpoints_in(folder: Path) -> list[Path]:
    """The checkpoints step-N.ckpt of a folder, the last one last."""
    return sorted(folder.glob("step-*.ckpt"))


def load(path: Path, *, what: str, remedy: str) -> dict[str, Any]:
    """What a file of this trainer holds, onto the CPU; nothing in it is executed.

    Args:
        path: of a checkpoint, or of a trained encoder.
        what, remedy: see `files.load_tensors`.

    Raises:
        InputError: the file is damaged, or no file of this trainer.
    """
    state = files.load_tensors(path, what=what, remedy=remedy)
    if RUN not in state:
        raise InputError(f"cannot load {path}: not {what}: {remedy}")
    return state
