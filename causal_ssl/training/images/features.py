"""What a trained encoder makes of a data set: both layers, as arrays."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from causal_ssl.errors import InputError, in_range
from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.training.images.batches import ordered_loader


class FeatureArrays(NamedTuple):
    """Both layers of n images, float32.

    Attributes:
        final: (n, n_outputs).
        intermediate: (n, width).
    """

    final: np.ndarray
    intermediate: np.ndarray


@torch.inference_mode()
def features(
    encoder: ImageEncoder,
    images: Any,
    *,
    batch_size: int = 256,
    workers: int = 0,
    device: torch.device | str | None = None,
) -> FeatureArrays:
    """Final and intermediate layer of every image, in order, in eval mode.

    Args:
        encoder: is moved to `device`; its mode is afterwards what it was before.
        images: an array or tensor (n, 3, h, w), uint8 or floats in [0, 1], or a data set as
            `train_images` takes it, whose batches are images, or tuples that begin with them, or
            dicts that have them as "image".
        batch_size: images at a time.
        workers: processes that read a data set.
        device: where to compute; None: where the encoder is.

    Raises:
        InputError: no images, or a batch without any.

    Examples:
        >>> from causal_ssl.models.image_encoders import image_encoder
        >>> encoder = image_encoder("conv4", seed=0)
        >>> made = features(encoder, np.zeros((5, 3, 48, 48), np.uint8), batch_size=2)
        >>> made.final.shape, made.intermediate.shape, encoder.training
        ((5, 8), (5, 256), True)
    """
    in_range("batch_size", batch_size, at_least=1)
    in_range("images", len(images), at_least=1)
    if device is not None:
        encoder.to(device)
    device, training = encoder.mean.device, encoder.training
    final, intermediate = [], []
    loader = ordered_loader(
        images, batch_size=batch_size, workers=workers, pinned=device.type == "cuda"
    )
    encoder.eval()
    try:
        for batch in loader:
            layers = encoder(images_of(batch).to(device, non_blocking=True))
            final.append(layers.final.float().cpu().numpy())
            intermediate.append(layers.intermediate.float().cpu().numpy())
    finally:
        encoder.train(training)
    return FeatureArrays(np.concatenate(final), np.concatenate(intermediate))


def images_of(batch: Any) -> Tensor:
    """The images of a batch: itself, the first of a tuple, or a dict's "image".

    Raises:
        InputError: it has none.
    """
    if isinstance(batch, dict):
        batch = batch.get("image")
    elif isinstance(batch, list | tuple) and batch:
        batch = batch[0]
    if not isinstance(batch, Tensor):
        raise InputError(
            f"a batch with {type(batch).__name__} for images: expected a tensor (n, 3, h, w), a "
            'tuple that begins with one, or a dict that has one as "image"'
        )
    return batch
