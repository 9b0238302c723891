"""A digest of an encoder's trunk, that tells its weights from all others."""

from hashlib import sha256

from causal_ssl.models.image_encoders import ImageEncoder


def weights_digest(encoder: ImageEncoder) -> str:
    """Digest of all that an encoder's representation is computed with.

    Examples:
        >>> from causal_ssl.models.image_encoders import image_encoder
        >>> one, other = (image_encoder("conv4", seed=seed) for seed in (0, 1))
        >>> weights_digest(one) == weights_digest(other)
        False
    """
    config = encoder.config
    total = sha256(repr((config.name, config.stem, config.mean, config.std)).encode())
    for name, weight in encoder.trunk.state_dict().items():
        values = weight.detach().cpu().contiguous()
        total.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        total.update(values.numpy().tobytes())
    return total.hexdigest()
