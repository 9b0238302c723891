"""The images of the robustness study, and how encoders of them are trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rich.console import Console

from causal_ssl.datasets.causal3dident.latents import CLASSES
from causal_ssl.datasets.images.centres import Centres, centres
from causal_ssl.experiments.image_study import plans as image_plans
from causal_ssl.experiments.image_study.config import RANDOM
from causal_ssl.experiments.image_study.splits import FASHION_MNIST_REMEDY, Splits, splits
from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.experiments.pretraining.plan import Plan, asked_for
from causal_ssl.experiments.robustness import styles
from causal_ssl.experiments.robustness.config import (
    BASELINE,
    CAUSAL3DIDENT,
    FASHION_MNIST,
    Rendered,
    RobustnessStudy,
)
from causal_ssl.experiments.robustness.evaluation import Scored
from causal_ssl.experiments.robustness.plan import Cell


@dataclass(frozen=True)
class DataSet:
    """Images that the study knows.

    Attributes:
        title: for the reader.
        preset: of `causal-ssl pretrain`: trunk, views and optimiser, shared by all methods, and
            the width of heads.
        remedy: what to do where there is no folder of it.
    """

    title: str
    preset: str
    remedy: str


KNOWN: Mapping[str, DataSet] = MappingProxyType(
    {
        FASHION_MNIST: DataSet("Fashion-MNIST", "fashion-small", FASHION_MNIST_REMEDY),
        CAUSAL3DIDENT: DataSet(
            "Causal3DIdent",
            "causal3dident-small",
            "name that of a Causal3DIdent set, rendered or published (causal3dident.data_root), or "
            "leave it out: images are rendered then",
        ),
    }
)


@dataclass(frozen=True)
class Material:
    """Images of a data set that classifiers see, the same for all encoders.

    Attributes:
        train: what they are fitted on.
        test: what they are scored on, clean and corrupted.
        styles: (variable, s) -> images under do(variable = s).
    """

    train: Centres
    test: Scored
    styles: Mapping[styles.Style, Scored]


def check(config: RobustnessStudy, dataset: str) -> tuple[int, int]:
    """Number of training images and of classes, of images that may be still to be rendered.

    Raises:
        InputError: see `splits` and `styles.check`.
    """
    budget = config.budget(dataset)
    if isinstance(budget, Rendered):
        styles.check(budget, _pretraining(config, dataset).working_size)
        if not budget.data_root:
            return budget.n_train, len(CLASSES)
    train = images_of(Path(), config, dataset).train
    return len(train), len(train.classes)


def prepare(root: Path, config: RobustnessStudy, console: Console) -> None:
    """Render what is to be rendered, into the run's directory."""
    for dataset in config.datasets:
        budget = config.budget(dataset)
        if isinstance(budget, Rendered):
            styles.prepare(root, budget, _pretraining(config, dataset).working_size, console)


def images_of(root: Path, config: RobustnessStudy, dataset: str) -> Splits:
    """Both splits.

    Args:
        root: the run's directory, in which rendered images are.
        config, dataset: say which.

    Raises:
        InputError: see `splits`.
    """
    folder = config.budget(dataset).data_root or str(root / "data")
    size = _pretraining(config, dataset).working_size
    return splits(folder, size=size, remedy=KNOWN[dataset].remedy)


def material_of(root: Path, config: RobustnessStudy, dataset: str) -> Material:
    """What classifiers of a data set see; arguments as of `images_of`.

    Raises:
        InputError: see `splits`.
    """
    images, budget = images_of(root, config, dataset), config.budget(dataset)
    size = _pretraining(config, dataset).size
    train = centres(images.train, budget.n_linear, size=size, seed=0)
    test = centres(images.test, budget.n_test, size=size, seed=0, classes=images.train.classes)
    rendered = styles.scored(root, budget, size) if isinstance(budget, Rendered) else {}
    return Material(train, Scored.of(test), rendered)


def planned(config: RobustnessStudy, cell: Cell, *, n_images: int, n_classes: int) -> Plan:
    """The run that trains a cell's encoder.

    Raises:
        InputError: see `image_plans.planned`.
    """
    what = asked(config, cell)
    return image_plans.planned(method_of(cell), what, n_images=n_images, n_classes=n_classes)


def asked(config: RobustnessStudy, cell: Cell) -> Pretraining:
    """What `causal-ssl pretrain` is asked for a cell's encoder: the same but for method and alpha.

    The untrained encoder is the supervised one before training: the trunk comes first and has the
    same weights under every head.
    """
    budget = config.budget(cell.dataset)
    alpha = {} if cell.alpha is None else {"alpha": cell.alpha}
    return asked_for(
        method_of(cell),
        KNOWN[cell.dataset].preset,
        data_root=budget.data_root,
        epochs=budget.epochs,
        batch_size=budget.batch_size,
        learning_rate=budget.learning_rate,
        checkpoint_every=config.checkpoint_every,
        device=config.device,
        workers=config.loader_workers,
        seed=cell.seed,
        **alpha,
    )


def method_of(cell: Cell) -> str:
    """Of the registry."""
    return BASELINE if cell.method == RANDOM else cell.method


def _pretraining(config: RobustnessStudy, dataset: str) -> Pretraining:
    """Of any cell of a data set: sizes are the same for all."""
    return asked(config, Cell(BASELINE, 0, dataset))
