"""How a paper pretrains on images with a method, as plain values that a trainer reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, get_args

from causal_ssl.errors import InputError, in_range, one_of
from causal_ssl.models.heads import Head

OptimiserName = Literal["adam", "sgd", "nesterov", "lars"]
RateRule = Literal["linear", "fixed"]
TargetSchedule = Literal["cosine", "constant"]


@dataclass(frozen=True)
class Optimiser:
    """What takes the steps, in recipes and in trainings: `training.optimisers` makes it.

    Args:
        name: `lars`, `sgd`, `nesterov` or `adam`.
        learning_rate: at its peak; a recipe's may be for another batch size, see `ImageRecipe`.
        weight_decay: of weights, not of biases and the parameters of norms.
        momentum: of lars, sgd and nesterov, which needs some.
        decay_all: of sgd alone: biases and norms decay too (MoCo v2).
        plain_factor: learning rate of biases and the parameters of norms, by that of weights.

    Raises:
        InputError: a value out of range, an unknown name, nesterov without momentum, or `decay_all`
            of another than sgd.
    """

    name: OptimiserName
    learning_rate: float
    weight_decay: float = 0.0
    momentum: float = 0.9
    decay_all: bool = False
    plain_factor: float = 1.0

    def __post_init__(self) -> None:
        one_of("optimiser", self.name, get_args(OptimiserName))
        in_range("learning_rate", self.learning_rate, above=0)
        in_range("weight_decay", self.weight_decay, at_least=0)
        in_range("momentum", self.momentum, at_least=0, at_most=1)
        in_range("plain_factor", self.plain_factor, above=0)
        if self.name == "nesterov":
            in_range("momentum", self.momentum, above=0)
        if self.decay_all and self.name != "sgd":
            raise InputError(f"decay_all with {self.name}: it is sgd's, leave it out")


@dataclass(frozen=True)
class Published:
    """A published result: linear evaluation on ImageNet with ResNet-50.

    Args:
        top1: accuracy in per cent.
        epochs: of pretraining.
        source: where it is written.
    """

    top1: float
    epochs: int
    source: str


@dataclass(frozen=True)
class ImageRecipe:
    """How ResNet-50 is pretrained on ImageNet with a method; smaller presets change parts of it.

    Args:
        critic: head g from the representation to the outputs that the objective compares.
        n_outputs: the critic's; None: the number of classes.
        views: name of a stack of augmentations.
        optimiser: with its base learning rate.
        batch_size: samples per optimiser step, over all devices.
        epochs: passes over the data.
        rate_rule: `linear`, the base learning rate is for 256 samples a step; `fixed`, it is the
            learning rate.
        warmup_epochs: with a rising learning rate.
        objective: the objective's arguments where they differ from its class's own.
        predictor: a further head on the online side alone.
        target_decay: of the target network's moving average, at the start.
        target_schedule: `cosine`, it rises to 1; `constant`.
        queue: past target outputs that serve as negatives.
        published: the number to reach; None if there is none for this recipe.
        source: of the recipe.
        notes: what the source leaves open, or where this differs from it.
    """

    critic: Head
    n_outputs: int | None
    views: str
    optimiser: Optimiser
    batch_size: int
    epochs: int
    source: str
    rate_rule: RateRule = "linear"
    warmup_epochs: float = 10
    objective: Mapping[str, Any] = field(default_factory=dict)
    predictor: Head | None = None
    target_decay: float = 0.996
    target_schedule: TargetSchedule = "cosine"
    queue: int = 0
    published: Published | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "objective", MappingProxyType(dict(self.objective)))

    @property
    def scaled_optimiser(self) -> Optimiser:
        """With the peak learning rate of steps on `batch_size` samples.

        Micro-batches of one step count together: accumulation does not change the rate.

        Examples:
            >>> from causal_ssl import methods
            >>> methods.get("relic").image_recipe().scaled_optimiser.learning_rate
            4.8
        """
        scale = self.batch_size / 256 if self.rate_rule == "linear" else 1
        return replace(self.optimiser, learning_rate=self.optimiser.learning_rate * scale)
