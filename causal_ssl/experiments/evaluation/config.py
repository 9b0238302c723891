"""What every `causal-ssl evaluate NAME` may be told.

No torch here: help must not wait for it.
"""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.experiments.options import check, option
from causal_ssl.parser import flag

INTERPOLATIONS = ("bilinear", "bicubic")
NETWORKS = ("resnet18", "resnet50", "haiku_resnet50")
CORRUPTIONS = (
    *("gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur"),
    *("motion_blur", "zoom_blur", "snow", "frost", "fog", "brightness", "contrast"),
    *("elastic_transform", "pixelate", "jpeg_compression", "speckle_noise", "gaussian_blur"),
    *("spatter", "saturate"),
)
"""Names for help alone; tests hold them to what there is."""


@dataclass(frozen=True)
class Evaluation:
    """What evaluations share: the encoder, the images, and what they are computed with.

    Attributes:
        name: of the evaluation.
    """

    name: ClassVar[str] = ""

    checkpoint: str = option(
        "", "the encoder: a run of pretrain, its encoder.pt, a weights file", metavar="FILE"
    )
    network: str | None = option(
        None, "what a weights file is of; left out: what it looks like", choices=NETWORKS
    )
    prefix: str | None = option(
        None, "before the weights' names in a file of several networks, such as 'encoder_k.'"
    )
    data_root: str = option(
        "", "folder of the images: train/CLASS/*.jpg and val/CLASS/*.jpg, ...", metavar="DIR"
    )
    size: int | None = option(
        None, "pixels a side that are seen; left out: 224, or those that images have", at_least=16
    )
    interpolation: str = option("bilinear", "how images are resized", choices=INTERPOLATIONS)
    at_once: int = option(256, "images at a time through the encoder", at_least=1)
    workers: int = option(2, "processes that read images", at_least=0)
    device: str = option("auto", "where to compute", choices=("auto", "cpu", "cuda"))

    def __post_init__(self) -> None:
        check(self, spelt=lambda name: f"--{flag(name)}")


@dataclass(frozen=True)
class OnFeatures(Evaluation):
    """Those that leave the encoder as it is: what it makes of images is computed once and kept."""

    features: str = option(
        "", "folder that keeps features, to share; empty: in the run's own", metavar="DIR"
    )


@dataclass(frozen=True)
class OnSplits(Evaluation):
    """Those that learn from training images and are scored on validation images.

    Images in class folders are seen as torchvision's evaluation shows them: the shorter side
    resized to `resize`, the centre of `size` x `size` pixels cut out. IDX files and Causal3DIdent
    have one size and are taken as they are. Packed copies have been squeezed to squares: their
    centre is cut out in true proportions, of the pixels that were kept.
    """

    subset: str = option(
        "", "file that lists the training images to use; empty: all", metavar="FILE"
    )
    on_corrupt: str = option(
        "error",
        "an image that cannot be read; skip: those that `data check` listed",
        choices=("error", "skip"),
    )
    resize: int | None = option(
        None, "pixels of the shorter side before; left out: 256 / 224 of size", at_least=16
    )


ELSEWHERE = (
    *("checkpoint", "network", "prefix", "data_root", "suite_root", "probe", "features"),
    *("at_once", "workers", "device", "beside"),
    *("checkpoint_every", "on_corrupt"),
)
"""Options with which an evaluation may be continued at another value.

What some of them name is told by its digest: other weights, or other images, as where some are left
out, are another evaluation.
"""
