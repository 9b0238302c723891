"""Image augmentations as interventions do(S = s): drawn for each sample, batched, on record.

    from causal_ssl.views.augmentations import CAUSAL3DIDENT, stacks

    stack = stacks.get("crop_small_colour_distortion").then("normalise", CAUSAL3DIDENT)
    (first, second), record = stack(images, generator=generator_for(seed, "views", step))

    stack = stacks.get("relic").at_size(224)        # of images resized to 256 x 256, say
    views, record = stack(images, generator=generator, aspect=width_over_height_before)

Not imported by `causal_ssl.views`: it brings torchvision.
"""

from causal_ssl.views.augmentations import stacks
from causal_ssl.views.augmentations.augmentation import Augmentation
from causal_ssl.views.augmentations.blur import GaussianBlur
from causal_ssl.views.augmentations.colour import ColourJitter
from causal_ssl.views.augmentations.crop import RandomResizedCrop
from causal_ssl.views.augmentations.frame import Frame
from causal_ssl.views.augmentations.parameters import Parameters
from causal_ssl.views.augmentations.rotation import HorizontalFlip, Rotation
from causal_ssl.views.augmentations.stack import Record, Stack, Views
from causal_ssl.views.augmentations.tone import (
    CAUSAL3DIDENT,
    IMAGENET,
    Greyscale,
    Normalise,
    Solarise,
)

__all__ = [
    "CAUSAL3DIDENT",
    "IMAGENET",
    "Augmentation",
    "ColourJitter",
    "Frame",
    "GaussianBlur",
    "Greyscale",
    "HorizontalFlip",
    "Normalise",
    "Parameters",
    "RandomResizedCrop",
    "Record",
    "Rotation",
    "Solarise",
    "Stack",
    "Views",
    "stacks",
]
