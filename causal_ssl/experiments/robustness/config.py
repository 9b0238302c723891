"""What the robustness study runs: which encoders, on which images, under which corruptions."""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.errors import InputError, one_of
from causal_ssl.experiments import method_names, options
from causal_ssl.experiments.causal3dident.render import BACKENDS
from causal_ssl.experiments.evaluation.config import CORRUPTIONS
from causal_ssl.experiments.image_study.config import (
    FASHION_MNIST_ROOT,
    RANDOM,
    WARMUP,
    ImageStudy,
)
from causal_ssl.experiments.options import option

VALIDATION = CORRUPTIONS[15:]
"""Those that enter no mean; a test holds this to it."""
FASHION_MNIST, CAUSAL3DIDENT = "fashion_mnist", "causal3dident"
DATASETS = (FASHION_MNIST, CAUSAL3DIDENT)
STYLES = (
    "object_position", "object_rotation", "spotlight_position", "object_hue", "spotlight_hue",
    "background_hue",
)  # fmt: skip
"""Scene variables but the class; a test holds this to them."""
SWEPT, BASELINE = "relic", "supervised"
"""The method that is trained at every alpha, and the one that errors are divided by."""
ENOUGH = 5
"""Paired seeds from which on the study answers its question."""


@dataclass(frozen=True)
class Budget:
    """How all encoders of a data set are trained and scored.

    Raises:
        InputError: a value out of range.
    """

    data_root: str = option(FASHION_MNIST_ROOT, "folder of the images: IDX files", metavar="DIR")
    epochs: float = option(1.0, "passes over the training images", at_least=WARMUP)
    batch_size: int = option(256, "images of a step", at_least=2)
    learning_rate: float = option(0.005, "of Adam, at its peak", above=0)
    n_linear: int = option(
        20_000, "training images that linear classifiers are fitted on, at most", at_least=2
    )
    n_test: int = option(
        2000, "test images that are scored clean and under every corruption, at most", at_least=1
    )

    def __post_init__(self) -> None:
        options.check(self)


@dataclass(frozen=True)
class Rendered(Budget):
    """The same of Causal3DIdent, which is rendered for the study, with its style interventions.

    Raises:
        InputError: a value out of range.
    """

    data_root: str = option(
        "", "folder of the images, rendered or published; empty: render some", metavar="DIR"
    )
    epochs: float = option(20.0, "passes over the training images", at_least=WARMUP)
    batch_size: int = option(128, "images of a step", at_least=2)
    learning_rate: float = option(0.001, "of Adam, at its peak", above=0)

    n_train: int = option(8000, "images rendered to train on", at_least=2)
    object_scale: float = option(3.0, "size of the objects; the published one is 1.5", above=0)
    backend: str = option("auto", "what renders: raster needs EGL", choices=BACKENDS)
    data_seed: int = option(0, "of the rendered images", at_least=0)
    styles: tuple[str, ...] = option(
        STYLES,
        "scene variables that are intervened on",
        choices=STYLES,
        singular="style",
        distinct=True,
    )
    values: tuple[float, ...] = option(
        (-0.8, 0.0, 0.8),
        "that each is set to, all its coordinates",
        at_least=-1,
        at_most=1,
        distinct=True,
    )
    n_style: int = option(1000, "test images rendered under each intervention", at_least=1)


@dataclass(frozen=True)
class RobustnessStudy(ImageStudy):
    """`causal-ssl study robustness`: whether ReLIC's invariance penalty buys robustness.

    The defaults are the quick preset. Every field is described where it is declared.

    Raises:
        InputError: a value out of range; no supervised encoder to divide by; ReLIC without alpha 0
            to compare with; validation corruptions alone, before anything starts.

    Examples:
        >>> RobustnessStudy(alphas=(0.0, 10.0)).seeds
        2
    """

    name: ClassVar[str] = "robustness"

    datasets: tuple[str, ...] = option(
        (FASHION_MNIST,),
        f"images: {', '.join(DATASETS)}",
        choices=DATASETS,
        singular="data set",
        distinct=True,
    )
    methods: tuple[str, ...] = option(
        ("relic", "simclr", "supervised"),
        f"methods to compare: {method_names.PRETRAINING}",
        distinct=True,
    )
    alphas: tuple[float, ...] = option(
        (0.0, 1.0),
        "weights of ReLIC's invariance term; 0 is what the others are compared with",
        at_least=0,
        distinct=True,
    )
    seeds: int = option(2, "encoders of every method and alpha, paired by seed", at_least=1)
    corruptions: tuple[str, ...] = option(
        ("gaussian_noise", "motion_blur", "fog", "contrast", "pixelate"),
        "corruptions of ImageNet-C",
        choices=CORRUPTIONS,
        singular="corruption",
        distinct=True,
    )
    severities: tuple[int, ...] = option(
        (1, 2, 3, 4, 5), "severities of each", at_least=1, at_most=5, distinct=True
    )

    fashion_mnist: Budget = Budget()
    causal3dident: Rendered = Rendered()
    checkpoint_every: int = option(100, "steps between checkpoints", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if RANDOM in self.methods:
            raise InputError(
                f"methods {' '.join(self.methods)}: leave out {RANDOM}, encoders before training, "
                "which are always among them"
            )
        for method in self.methods:
            one_of("method", method, method_names.ALL)
        if set(self.corruptions) <= set(VALIDATION):
            raise InputError(
                f"corruptions {' '.join(self.corruptions)} are for validation and enter no mean: "
                f"add one that does, such as {CORRUPTIONS[0]}"
            )
        if BASELINE not in self.methods:
            raise InputError(
                f"methods {' '.join(self.methods)}: add {BASELINE}, by whose errors those of all "
                "others are divided"
            )
        if SWEPT in self.methods and 0 not in self.alphas:
            raise InputError(
                f"alphas {' '.join(f'{alpha:g}' for alpha in self.alphas)}: add 0, the same "
                "training without the penalty, or what it buys cannot be told"
            )

    def budget(self, dataset: str) -> Budget:
        """That of a data set."""
        found: Budget = getattr(self, dataset)
        return found
