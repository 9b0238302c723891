"""What `causal-ssl evaluate invariance` may be told."""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.config import CORRUPTIONS, OnFeatures, OnSplits
from causal_ssl.experiments.options import option

AUGMENTATIONS = (
    *("identity", "crop", "flip", "colour_jitter"),
    *("greyscale", "blur", "solarise", "rotation"),
)
"""Names for help alone; a test holds them to what there is."""


@dataclass(frozen=True)
class Invariance(OnSplits, OnFeatures):
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
    images: int = option(1000, "validation images, drawn at random", at_least=2)
    tau: float = option(0.1, "temperature of the proxy, over cosine similarities", above=0)
    k: int = option(200, "training images that vote for an image's class", at_least=1)
    temperature: float = option(0.1, "T: a vote weighs exp(similarity / T)", above=0)
    probe: str = option(
        "",
        "--out of an `evaluate linear`: its classifier tells classes; empty: neighbours do",
        metavar="DIR",
    )
    seed: int = option(0, "of which images, and of what is drawn for them", at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.augmentations) < 2:
            (only,) = self.augmentations
            raise InputError(
                f"--augmentations names {only} alone: a gap is between two, name another, such as "
                f"{'crop' if only == 'identity' else 'identity'}"
            )
