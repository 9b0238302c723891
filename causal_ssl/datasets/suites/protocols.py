"""How each suite is scored: its transform, which classes compete, what accuracy is a share of."""

from dataclasses import dataclass

from causal_ssl.datasets.suites.transform import Transform

TEST = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
}
"""Archive of ImageNet-C -> corruptions in it that its mean is over."""
VALIDATION = {"extra": ("speckle_noise", "gaussian_blur", "spatter", "saturate")}
"""And those for choosing hyperparameters."""
CORRUPTIONS = tuple(name for group in (TEST | VALIDATION).values() for name in group)
SEVERITIES = (1, 2, 3, 4, 5)
V2 = ("matched-frequency", "threshold-0.7", "top-images")
"""The three test sets of ImageNet-V2."""


@dataclass(frozen=True)
class Protocol:
    """How a suite is scored.

    Attributes:
        title: its name in prose.
        transform: from a file to pixels.
        masked: only the suite's own classes compete for the argmax, else all 1000.
        images: published in each partition; of ObjectNet, those of classes that ImageNet has.
        denominator: what accuracy is a share of.
        source: the paper.
    """

    title: str
    transform: Transform
    masked: bool
    images: int
    denominator: str
    source: str


PROTOCOLS = {
    "imagenet": Protocol(
        "ImageNet",
        Transform(),
        False,
        50_000,
        "the validation images, 1000 classes competing",
        "Russakovsky et al. (2015), arXiv 1409.0575",
    ),
    "imagenet-c": Protocol(
        "ImageNet-C",
        Transform(resize=None),
        False,
        50_000,
        "the validation images under one corruption at one severity, 1000 classes competing",
        "Hendrycks and Dietterich (2019), arXiv 1903.12261",
    ),
    "imagenet-r": Protocol(
        "ImageNet-R",
        Transform(),
        True,
        30_000,
        "renditions of 200 classes, which alone compete",
        "Hendrycks et al. (2021), arXiv 2006.16241",
    ),
    "imagenet-a": Protocol(
        "ImageNet-A",
        Transform(),
        True,
        7_500,
        "images that a ResNet-50 got wrong, of 200 classes, which alone compete",
        "Hendrycks et al. (2021), arXiv 1907.07174",
    ),
    "imagenet-v2": Protocol(
        "ImageNet-V2",
        Transform(),
        False,
        10_000,
        "new images drawn one of three ways, 1000 classes competing",
        "Recht et al. (2019), arXiv 1902.10811",
    ),
    "imagenet-sketch": Protocol(
        "ImageNet-Sketch",
        Transform(),
        False,
        50_889,
        "sketches, 1000 classes competing",
        "Wang et al. (2019), arXiv 1905.13549",
    ),
    "objectnet": Protocol(
        "ObjectNet",
        Transform(border=2),
        False,
        18_574,
        "images of the classes that ImageNet has, 1000 classes competing, any of several "
        "ImageNet classes right",
        "Barbu et al. (2019), Advances in Neural Information Processing Systems 32",
    ),
}
