"""How a paper pretrains on images with a method, as plain values that a trainer reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from causal_ssl.errors import in_range
from causal_ssl.models.heads import Head

Rule = Literal["linear", "fixed"]


@dataclass(frozen=True)
class Optimiser:
    """An optimiser and its learning rate.

    Args:
        name: `lars`, `sgd` or `adam`.
        learning_rate: base rate, see `rate`.
        weight_decay: on weights, not on biases and norms, unless `decay_all`.
        momentum: of `lars` and `sgd`.
        decay_all: biases and norms decay too.
        rule: `linear`, the base rate is for 256 samples a step; `fixed`, it is the rate.
        warmup_epochs: with a rising rate.

    Examples:
        >>> Optimiser("lars", 0.3).rate(4096)
        4.8
    """

    name: Literal["adam", "sgd", "lars"]
    learning_rate: float
    weight_decay: float = 0.0
    momentum: float = 0.9
    decay_all: bool = False
    rule: Rule = "linear"
    warmup_epochs: float = 10

    def rate(self, batch_size: int) -> float:
        """The peak learning rate for that many samples per optimiser step.

        Micro-batches of one step count together: accumulation does not change the rate.
        """
        in_range("batch_size", batch_size, at_least=1)
        return self.learning_rate * (batch_size / 256 if self.rule == "linear" else 1)


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
        optimiser: with its learning rate.
        batch_size: samples per optimiser step, over all devices.
        epochs: passes over the data.
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
    objective: Mapping[str, Any] = field(default_factory=dict)
    predictor: Head | None = None
    target_decay: float = 0.996
    target_schedule: Literal["cosine", "constant"] = "cosine"
    queue: int = 0
    published: Published | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "objective", MappingProxyType(dict(self.objective)))
