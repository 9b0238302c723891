"""The images of the robustness study, and how encoders of them are trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from causal_ssl.datasets.images import Images
from causal_ssl.experiments import image_plans
from causal_ssl.experiments.image_splits import Splits, splits
from causal_ssl.experiments.image_study import RANDOM
from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.experiments.pretraining.monitor import Centres, centres
from causal_ssl.experiments.pretraining.plan import Plan, asked_for
from causal_ssl.experiments.robustness.config import BASELINE, FASHION_MNIST, RobustnessStudy
from causal_ssl.experiments.robustness.plan import Cell


@dataclass(frozen=True)
class DataSet:
    """Images that the study knows.

    Attributes:
        title: for the reader.
        preset: of `causal-ssl pretrain`: encoder, heads, views and optimiser, shared by all
            methods.
    """

    title: str
    preset: str


KNOWN: Mapping[str, DataSet] = MappingProxyType(
    {FASHION_MNIST: DataSet("Fashion-MNIST", "fashion-small")}
)


def images_of(config: RobustnessStudy, dataset: str) -> Splits:
    """Both splits.

    Raises:
        InputError: see `splits`.
    """
    size = asked(config, Cell(BASELINE, 0, dataset)).working_size
    return splits(config.budget(dataset).data_root, size=size)


def fitted_and_scored(config: RobustnessStudy, dataset: str) -> tuple[Centres, Centres]:
    """Training images that classifiers are fitted on, and test images; the same for all encoders.

    Raises:
        InputError: see `splits`.
    """
    images, budget = images_of(config, dataset), config.budget(dataset)
    size = asked(config, Cell(BASELINE, 0, dataset)).size
    train = centres(images.train, budget.n_linear, size=size, seed=0)
    test = centres(images.test, budget.n_test, size=size, seed=0, classes=images.train.classes)
    return train, test


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


def planned(config: RobustnessStudy, cell: Cell, images: Images) -> Plan:
    """The run that trains a cell's encoder.

    Raises:
        InputError: see `image_plans.planned`.
    """
    return image_plans.planned(method_of(cell), asked(config, cell), images)


def method_of(cell: Cell) -> str:
    """Of the registry."""
    return BASELINE if cell.method == RANDOM else cell.method
