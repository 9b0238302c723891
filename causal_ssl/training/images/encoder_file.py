"""A trained encoder as a file: its config, its weights, and the run that they are from."""

from pathlib import Path

from causal_ssl import files
from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.models.weights.runs import (
    CHECKPOINTS,
    ENCODER,
    RUN,
    encoder_description,
    encoder_of,
    load_encoder,
    read_encoder,
)
from causal_ssl.training.checkpoint import Identity

__all__ = [
    "CHECKPOINTS",
    "ENCODER",
    "encoder_description",
    "encoder_of",
    "load_encoder",
    "read_encoder",
    "save_encoder",
]


def save_encoder(path: Path, encoder: ImageEncoder, identity: Identity) -> None:
    """Write an encoder with its weights and the run that it is from; `load_encoder` reads it."""
    description = {"identity": identity, "encoder": encoder_description(encoder)}
    files.save_tensors(path, {RUN: description, "weights": encoder.state_dict()})
