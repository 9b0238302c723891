"""What representations of the methods study make of its images."""

import numpy as np

from causal_ssl.datasets.images.centres import Centres
from causal_ssl.experiments.methods.evaluation import Floats, Represented
from causal_ssl.models.image_encoders import ImageEncoder
from causal_ssl.training.images import features

SCORING_BATCH = 500


def represented(encoder: ImageEncoder | None, images: Centres, *, device: str) -> Represented:
    """Images as an encoder's trunk has them, in eval mode; as they are for None."""
    if encoder is None:
        return Represented(pixels(images), images.labels)
    made = features(encoder, images, batch_size=SCORING_BATCH, device=device)
    return Represented(made.intermediate, images.labels)


def pixels(images: Centres) -> Floats:
    """(n, channels * h * w) in [0, 1]; of grey images, whose channels are equal, one channel."""
    image = images.batch(np.arange(len(images)))["image"]
    if bool((image == image[:, :1]).all()):
        image = image[:, :1]
    return (image.flatten(1).float() / 255).numpy()
