"""What `causal-ssl evaluate NAME` may be told.

No torch here: help must not wait for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.errors import InputError
from causal_ssl.experiments.options import check, option
from causal_ssl.experiments.pretraining.config import OPTIMISERS

INTERPOLATIONS = ("bilinear", "bicubic")
PRECISIONS = ("float32", "tf32", "bf16")
SUITES = (
    *("imagenet-c", "imagenet-r", "imagenet-a"),
    *("imagenet-v2", "imagenet-sketch", "objectnet"),
)
METHODS = ("supervised", "simclr", "relic", "byol", "relic_t")
NETWORKS = ("resnet18", "resnet50", "haiku_resnet50")
AUGMENTATIONS = (
    *("identity", "crop", "flip", "colour_jitter"),
    *("greyscale", "blur", "solarise", "rotation"),
)
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

    checkpoint: str = option("", "the encoder: a run of pretrain, its encoder.pt, a weights file")
    network: str | None = option(
        None, "what a weights file is of; left out: what it looks like", choices=NETWORKS
    )
    prefix: str | None = option(
        None, "before the weights' names in a file of several networks, such as 'encoder_k.'"
    )
    data_root: str = option("", "folder of the images: train/CLASS/*.jpg and val/CLASS/*.jpg, ...")
    size: int | None = option(
        None, "pixels a side that are seen; left out: 224, or those that images have", at_least=16
    )
    interpolation: str = option("bilinear", "how images are resized", choices=INTERPOLATIONS)
    at_once: int = option(256, "images at a time through the encoder", at_least=1)
    features: str = option("", "folder that keeps features, to share; empty: in the run's own")
    workers: int = option(2, "processes that read images", at_least=0)
    device: str = option("auto", "where to compute", choices=("auto", "cpu", "cuda"))

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class OnSplits(Evaluation):
    """Those that learn from training images and are scored on held-out ones.

    Images in class folders are seen as torchvision's evaluation shows them: the shorter side
    resized to `resize`, the centre of `size` x `size` pixels cut out. IDX files and Causal3DIdent
    have one size and are taken as they are. Packed copies have been squeezed to squares: their
    centre is cut out in true proportions, of the pixels that were kept.
    """

    subset: str = option("", "file that lists the training images to use; empty: all")
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
    *("keep_epochs", "at_once", "workers", "device", "beside"),
    "checkpoint_every",
)
"""Options with which an evaluation may be continued at another value."""


@dataclass(frozen=True)
class Knn(OnSplits):
    """Weighted nearest neighbours among the training images.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> Knn(data_root="imagenet").k, Knn().temperature
        ((200,), (0.1,))
    """

    name: ClassVar[str] = "knn"

    k: tuple[int, ...] = option(
        (200,), "numbers of neighbours that vote, each a result", at_least=1, distinct=True
    )
    temperature: tuple[float, ...] = option(
        (0.1,), "T, each a result: a vote weighs exp(similarity / T)", above=0, distinct=True
    )


@dataclass(frozen=True)
class Linear(OnSplits):
    """A linear classifier of frozen features: a grid of trainings, one chosen without test images.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> Linear().rates, Linear(augment=True).epochs
        ((0.01, 0.05, 0.1, 0.2, 0.3, 0.4), (80,))
    """

    name: ClassVar[str] = "linear"

    rates: tuple[float, ...] = option(
        (0.01, 0.05, 0.1, 0.2, 0.3, 0.4), "learning rates to choose from", above=0, distinct=True
    )
    weight_decays: tuple[float, ...] = option(
        (0.0,), "weight decays to choose from", at_least=0, distinct=True
    )
    epochs: tuple[int, ...] = option(
        (80,), "passes to choose from, each a schedule of its own", at_least=1, distinct=True
    )
    batch_sizes: tuple[int, ...] = option(
        (1024,), "samples of an SGD step to choose from", at_least=1, distinct=True
    )
    momentum: float = option(0.9, "of SGD, as Nesterov", at_least=0)
    schedule: str = option("cosine", "of the learning rate", choices=("cosine", "constant"))
    augment: bool = option(
        False, "train on random resized crops and flips, computed anew in every epoch"
    )
    keep_epochs: bool = option(
        False, "keep features of every augmented epoch to the end; a kill loses none then"
    )
    held_out: float = option(0.1, "share of the training images to choose on", above=0, at_most=0.5)
    refit: bool = option(True, "train the chosen one again, on all training images")
    seed: int = option(0, "of the held-out slice, the order and the crops", at_least=0)


@dataclass(frozen=True)
class Robustness(Evaluation):
    """Test sets under shift, scored with one classifier of ImageNet's 1000 classes.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> Robustness(suites=("imagenet-c", "imagenet-r"), suite_root="sets").partial
        False
    """

    name: ClassVar[str] = "robustness"

    suites: tuple[str, ...] = option(
        SUITES, "test sets to score", choices=SUITES, singular="suite", distinct=True
    )
    suite_root: str = option(
        "", "folder with the test sets: imagenet-c/, imagenet-r/, ..., or what archives unpack into"
    )
    probe: str = option(
        "", "--out of an `evaluate linear`: its classifier; empty: that of the weights file"
    )
    partial: bool = option(
        False, "take test sets, and classifiers, that lack some of the classes, and say so"
    )
    beside: str = option(
        "relic_t",
        "method whose published numbers are shown beside",
        choices=METHODS,
        singular="method",
    )


@dataclass(frozen=True)
class Finetune(OnSplits):
    """The whole network trained on labelled images, from the encoder's weights.

    Batch norm is in training mode while it learns, in eval mode when it is scored. Of several
    learning rates and epochs one is chosen on held-out training images, and trained again on all.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> Finetune().rates, Finetune(head_rate=0.1).optimiser
        ((0.005, 0.01, 0.02, 0.05, 0.1), 'nesterov')
    """

    name: ClassVar[str] = "finetune"

    rates: tuple[float, ...] = option(
        (0.005, 0.01, 0.02, 0.05, 0.1), "learning rates to choose from", above=0, distinct=True
    )
    head_rate: float | None = option(
        None, "learning rate of the classifier; left out: that of the trunk", above=0
    )
    epochs: tuple[int, ...] = option(
        (30,), "passes to choose from, each a schedule of its own", at_least=1, distinct=True
    )
    batch_size: int = option(256, "images of an optimiser step", at_least=2)
    accumulate: int = option(1, "micro-batches of a step, to save memory", at_least=1)
    optimiser: str = option("nesterov", "what takes the steps", choices=OPTIMISERS)
    momentum: float = option(0.9, "of sgd, nesterov and lars", at_least=0, at_most=1)
    weight_decay: float = option(0.0, "of weights, not of biases and norms", at_least=0)
    schedule: str = option("cosine", "of the learning rate", choices=("cosine", "constant"))
    least_area: float = option(
        0.08, "least share of an image in a training crop", above=0, at_most=1
    )
    held_out: float = option(0.1, "share of the training images to choose on", above=0, at_most=0.5)
    seed: int = option(0, "of the held-out slice, the classifier, the order, the crops", at_least=0)
    precision: str = option("float32", "arithmetic of the network", choices=PRECISIONS)
    log_every: int = option(50, "steps per row of the logs", at_least=1)
    checkpoint_every: int = option(500, "steps between checkpoints", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.momentum == 1:
            raise InputError("momentum must be below 1, got 1.0: no gradient would be forgotten")
        if self.features:
            raise InputError(
                f"features = {self.features}, but {self.name} keeps none: the encoder changes in "
                "training; leave it out"
            )


@dataclass(frozen=True)
class Semi(Finetune):
    """The same on the few images of a list, such as the 1 % and 10 % published with SimCLR.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> Semi(subset="1percent.txt").name
        'semi'
    """

    name: ClassVar[str] = "semi"


@dataclass(frozen=True)
class Invariance(OnSplits):
    """How far an encoder's proxy predictions change from one augmentation to another.

    Raises:
        InputError: a value out of range or an unknown name, fewer than two augmentations, before
            anything starts.

    Examples:
        >>> Invariance(augmentations=("identity", "fog"), severity=5).images
        1000
    """

    name: ClassVar[str] = "invariance"

    augmentations: tuple[str, ...] = option(
        AUGMENTATIONS[:-1],
        f"interventions to compare: {', '.join(AUGMENTATIONS)}, or corruptions such as fog",
        choices=(*AUGMENTATIONS, *CORRUPTIONS),
        singular="augmentation",
        distinct=True,
    )
    severity: int = option(3, "of corruptions, 1 to 5", at_least=1, at_most=5)
    images: int = option(1000, "held-out images, drawn at random", at_least=2)
    tau: float = option(0.1, "temperature of the proxy, over cosine similarities", above=0)
    k: int = option(200, "training images that vote for an image's class", at_least=1)
    temperature: float = option(0.1, "T: a vote weighs exp(similarity / T)", above=0)
    probe: str = option(
        "", "--out of an `evaluate linear`: its classifier tells classes; empty: neighbours do"
    )
    seed: int = option(0, "of which images, and of what is drawn for them", at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.augmentations) < 2:
            (only,) = self.augmentations
            raise InputError(
                f"augmentations names {only} alone: a gap is between two, name another, such as "
                f"{'crop' if only == 'identity' else 'identity'}"
            )


EVALUATIONS: Mapping[str, tuple[str, type[Evaluation]]] = {
    "linear": ("accuracy of a linear classifier, chosen on held-out training images", Linear),
    "robustness": (
        "accuracy and error under shift: ImageNet-C, -R, -A, -V2, -Sketch, ObjectNet",
        Robustness,
    ),
    "knn": ("accuracy of nearest neighbours, nothing trained", Knn),
    "invariance": ("how predictions change from one augmentation to another", Invariance),
    "finetune": ("accuracy of the whole network, trained on from the encoder", Finetune),
    "semi": ("the same with few labelled images: 1 % or 10 % of ImageNet", Semi),
}
"""Name -> what it says of an encoder, and its options."""
