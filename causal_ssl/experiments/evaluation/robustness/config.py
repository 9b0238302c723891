"""What `causal-ssl evaluate robustness` may be told."""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.experiments.evaluation.config import OnFeatures
from causal_ssl.experiments.options import option

SUITES = (
    *("imagenet-c", "imagenet-r", "imagenet-a"),
    *("imagenet-v2", "imagenet-sketch", "objectnet"),
)
"""Names for help alone; a test holds them to what there is."""
METHODS = ("supervised", "simclr", "relic", "byol", "relic_t")
"""That have published numbers under shift, as methods are called here."""


@dataclass(frozen=True)
class Robustness(OnFeatures):
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
        "",
        "folder with the test sets: imagenet-c/, imagenet-r/, ..., or what archives unpack into",
        metavar="DIR",
    )
    probe: str = option(
        "",
        "--out of an `evaluate linear`: its classifier; empty: that of the weights file",
        metavar="DIR",
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
