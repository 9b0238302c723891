"""What a content/style study runs: worlds, methods, training and evaluation, all in one value."""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.errors import InputError
from causal_ssl.experiments import method_names, options
from causal_ssl.experiments.content_style.settings import SETTINGS, Setting
from causal_ssl.experiments.options import option
from causal_ssl.experiments.trained import TrainedStudy

# The published code and the published text differ in one value.
ALPHAS = {"code": (1.0, 0.1, 0.01, 0.001), "paper": (1.0, 0.1, 0.001, 0.0001)}
GAMMAS = (0.01, 10 ** (-2 / 3), 10 ** (2 / 3), 100.0)  # logspace(-2, 2, 4)


@dataclass(frozen=True)
class Budget:
    """How much one kind of setting gets."""

    seeds: int = option(2, "worlds a setting and method; world k has seed k", at_least=1)
    steps: int = option(4000, "training steps", at_least=1)

    def __post_init__(self) -> None:
        options.check(self)


@dataclass(frozen=True)
class NumericalStudy(TrainedStudy):
    """`causal-ssl study numerical`: content and style R2 of encoders trained on known worlds.

    The defaults are the quick preset. Every field is described where it is declared.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> NumericalStudy(settings=("p1",), methods=("infonce",)).n_fit
        1024
    """

    name: ClassVar[str] = "numerical"

    settings: tuple[str, ...] = option(
        tuple(SETTINGS),
        f"settings to run: {', '.join(SETTINGS)}",
        choices=tuple(SETTINGS),
        singular="setting",
        distinct=True,
    )
    methods: tuple[str, ...] = option(
        ("infonce", "relic"), f"methods to compare: {method_names.NUMERICAL}", distinct=True
    )
    independent: Budget = Budget(seeds=2, steps=4000)
    dependent: Budget = Budget(seeds=3, steps=2000)

    negatives: str = option(
        "second_view",
        "contrast with the other samples' second views, or with a third batch",
        choices=("second_view", "separate"),
    )

    tau: float = option(1.0, "temperature of InfoNCE and ReLIC", above=0)
    relic_alpha: float = option(1.0, "weight alpha of ReLIC's invariance term", at_least=0)

    n_fit: int = option(1024, "samples on which regressions are fitted", at_least=2)
    n_score: int = option(2048, "further samples on which they are scored", at_least=2)
    folds: int = option(3, "cross-validation folds of the kernel ridge", at_least=2)
    alphas: str = option(
        "code", "ridge penalties: those of the public code or of the paper", choices=tuple(ALPHAS)
    )
    gammas: tuple[float, ...] = option(GAMMAS, "inverse squared widths of the kernel", above=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_fit < self.folds:
            raise InputError(
                f"n_fit = {self.n_fit} samples cannot fill folds = {self.folds}: raise n_fit"
            )

    @property
    def n_outputs(self) -> tuple[int, ...]:
        """Output dimensions of the encoders to train: content's own."""
        return (self.n_content,)

    def budget(self, setting: Setting) -> Budget:
        """Seeds and steps of that setting."""
        return self.dependent if setting.dependent else self.independent


@dataclass(frozen=True)
class DimensionsStudy(NumericalStudy):
    """`causal-ssl study dimensions`: the same, over the encoder's output dimension.

    Too few outputs hold a mixture of content; with too many, style leaks in (figure 10 of
    arXiv:2106.04619).

    Examples:
        >>> DimensionsStudy().n_outputs
        (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    """

    name: ClassVar[str] = "dimensions"

    settings: tuple[str, ...] = option(
        ("p1", "p075_statistical_causal"),
        f"settings: {', '.join(SETTINGS)}",
        choices=tuple(SETTINGS),
        singular="setting",
        distinct=True,
    )
    methods: tuple[str, ...] = option(
        ("infonce",), f"methods to compare: {method_names.NUMERICAL}", distinct=True
    )
    independent: Budget = Budget(seeds=2, steps=2000)
    dependent: Budget = Budget(seeds=2, steps=2000)
    max_outputs: int = option(
        0, "largest output dimension; 0 means content and style together", at_least=0
    )

    @property
    def n_outputs(self) -> tuple[int, ...]:
        return tuple(range(1, 1 + (self.max_outputs or self.n_content + self.n_style)))
