"""What the Causal3DIdent study runs: images, views, encoders and their training."""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.errors import InputError
from causal_ssl.experiments import method_names
from causal_ssl.experiments.causal3dident.render import BACKENDS
from causal_ssl.experiments.causal3dident.settings import SETTINGS
from causal_ssl.experiments.image_study.config import ImageStudy
from causal_ssl.experiments.options import option

ENCODERS = ("conv4", "resnet18", "resnet50")
LAYERS = ("final", "intermediate")
CLASS_ALONE = "class_alone"
"""Stands for a method: a representation that is the class and nothing else."""
ALPHAS = (1.0, 0.1, 0.01, 0.001)
GAMMAS = (0.01, 0.2154434690031884, 4.641588833612779, 100.0)
"""Grids of the kernel ridge regressions, those of the paper's public code; its text has the alphas
1, 0.1, 0.001 and 0.0001."""


@dataclass(frozen=True)
class Causal3DIdentStudy(ImageStudy):
    """`causal-ssl study causal3dident`: what image encoders keep of content and style.

    The defaults are the quick preset. Every field is described where it is declared.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> Causal3DIdentStudy(settings=("lt_hues", "da_colour")).changes
        ('hues',)
    """

    name: ClassVar[str] = "causal3dident"

    settings: tuple[str, ...] = option(
        ("lt_hues", "da_crop_small_colour"),
        f"how views are made: {', '.join(SETTINGS)}",
        choices=tuple(SETTINGS),
        singular="setting",
        distinct=True,
    )
    methods: tuple[str, ...] = option(
        ("infonce", "relic"), f"methods to compare: {method_names.NUMERICAL}", distinct=True
    )
    seeds: int = option(1, "encoders of every setting and method", at_least=1)
    untrained_seeds: int = option(
        5, "untrained encoders that trained ones are compared with", at_least=1
    )

    data_root: str = option(
        "", "folder of the images, rendered or published; empty: render some", metavar="DIR"
    )
    n_train: int = option(8000, "images to train on", at_least=2)
    n_test: int = option(8000, "images to score on", at_least=4)
    size: int = option(48, "pixels a side of what encoders see", at_least=16)
    object_scale: float = option(3.0, "size of the objects; the published one is 1.5", above=0)
    backend: str = option("auto", "what renders: raster needs EGL", choices=BACKENDS)
    counterfactuals: int = option(
        1, "counterfactuals rendered of each image and change; training draws one", at_least=1
    )
    data_seed: int = option(0, "of the rendered images", at_least=0)

    encoder: str = option("conv4", "network to train", choices=ENCODERS)
    n_outputs: int = option(8, "dimensions of the representation", at_least=1)
    steps: int = option(800, "training steps", at_least=1)
    batch_size: int = option(128, "images a step, each seen in two views", at_least=2)
    learning_rate: float = option(1e-3, "of Adam", above=0)
    tau: float = option(1.0, "temperature; similarities are cosines", above=0)
    relic_alpha: float = option(1.0, "weight of ReLIC's invariance term", at_least=0)
    precision: str = option("float32", "arithmetic of the encoder", choices=("float32", "bf16"))
    checkpoint_every: int = option(200, "steps between checkpoints", at_least=1)

    n_fit: int = option(2000, "test images to fit regressions on; the others score", at_least=2)
    folds: int = option(3, "folds of the kernel ridge regression", at_least=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.folds <= self.n_fit < self.n_test:
            raise InputError(
                f"n_fit = {self.n_fit} of n_test = {self.n_test} images are for fitting in "
                f"{self.folds} folds: choose at least as many as folds, and leave some for scoring"
            )
        if self.batch_size > self.n_train:
            raise InputError(
                f"batch_size = {self.batch_size} exceeds n_train = {self.n_train}: lower it"
            )

    @property
    def changes(self) -> tuple[str, ...]:
        """Latent transformations that counterfactual images are rendered for."""
        found = (SETTINGS[name].change for name in self.settings)
        return tuple(dict.fromkeys(change for change in found if change))
