"""What the invariance study runs: worlds, environments, encoders, controls and tests."""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.errors import InputError
from causal_ssl.experiments import method_names
from causal_ssl.experiments.options import option
from causal_ssl.experiments.trained import TrainedStudy

WORLDS = {
    "independent": "style independent of content",
    "causal": "content causes style",
}
ENVIRONMENTS = {"soft": "S ~ N(mean, scale²)", "hard": "do(S = mean)"}
CONTROLS = ("oracle", "style_only", "separate", "entangled", "identity")
PROBES = ("logistic", "boosted_trees", "knn", "mlp")


@dataclass(frozen=True)
class InvarianceStudy(TrainedStudy):
    """`causal-ssl study invariance`: the gap of learnt representations on samples.

    The defaults are the quick preset. Every field is described where it is declared.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> InvarianceStudy(worlds=("causal",), environments=("soft",)).settings
        ('causal_soft',)
    """

    name: ClassVar[str] = "invariance"

    worlds: tuple[str, ...] = option(
        tuple(WORLDS),
        f"in which encoders are trained: {', '.join(WORLDS)}",
        choices=tuple(WORLDS),
        singular="world",
        distinct=True,
    )
    environments: tuple[str, ...] = option(
        tuple(ENVIRONMENTS),
        f"interventions under which they are tested: {', '.join(ENVIRONMENTS)}",
        choices=tuple(ENVIRONMENTS),
        singular="kind of environment",
        distinct=True,
    )
    methods: tuple[str, ...] = option(
        ("infonce", "relic", "supcon"),
        f"encoders to train: {method_names.WITH_GROUPS}",
        distinct=True,
    )
    controls: tuple[str, ...] = option(
        CONTROLS,
        f"representations made of the true latents: {', '.join(CONTROLS)}",
        choices=CONTROLS,
        singular="control",
        distinct=True,
    )
    relic_alphas: tuple[float, ...] = option(
        (1.0, 10.0),
        "weights of ReLIC's invariance term, an encoder each",
        at_least=0,
        distinct=True,
    )
    seeds: int = option(2, "worlds of each kind; world k has seed k", at_least=1)
    steps: int = option(2000, "training steps", at_least=1)
    p_change: float = option(
        0.75,
        "probability that training's views change a style dimension",
        above=0,
        at_most=1,
    )
    tau: float = option(1.0, "temperature of the contrastive objectives", above=0)

    n_content: int = option(3, "content dimensions of a world", at_least=1)
    n_style: int = option(3, "style dimensions of a world", at_least=1)

    cells: int = option(64, "classes of the finest task, a power of 2", at_least=2, at_most=64)
    n_environments: int = option(4, "interventions", at_least=2)
    radius: float = option(1.5, "of the ring on which their means lie, in units of style", above=0)
    scale: float = option(1.0, "deviation of style under a soft intervention", above=0)

    n_test: int = option(1024, "samples an environment, for estimates", at_least=2)
    n_units: int = option(256, "units seen under every intervention", at_least=2)
    n_tested: int = option(256, "samples an environment, for p-values", at_least=2)
    auxiliary: int = option(
        10, "samples behind p(E | f) for each sample that a p-value is of", at_least=1
    )
    n_permutations: int = option(199, "resamples behind a p-value", at_least=19)
    probes: tuple[str, ...] = option(
        ("logistic",),
        f"probe classes, the first for what is done once: {', '.join(PROBES)}",
        choices=PROBES,
        singular="probe",
        distinct=True,
    )
    folds: int = option(3, "folds of the cross-fitted probes", at_least=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cells & (self.cells - 1):
            raise InputError(f"cells must be a power of 2 (2, 4, ..., 64), got {self.cells}")
        if self.n_test < self.folds:
            raise InputError(
                f"n_test = {self.n_test} samples cannot fill folds = {self.folds}: raise n_test"
            )

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the settings: world and kind of environment."""
        return tuple(f"{world}_{kind}" for world in self.worlds for kind in self.environments)

    @property
    def ladder(self) -> tuple[int, ...]:
        """Classes of the tasks, the finest first: 64, 32, ..., 2."""
        return tuple(2**k for k in range(self.cells.bit_length() - 1, 0, -1))
