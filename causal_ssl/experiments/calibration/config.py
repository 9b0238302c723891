"""What the calibration runs: how often, at which sizes of sample."""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.experiments.config import StudyConfig
from causal_ssl.experiments.options import option

PARTS = ("discrete", "continuous", "power", "coverage")


@dataclass(frozen=True)
class CalibrationStudy(StudyConfig):
    """`causal-ssl study calibration`: are p-values and intervals what they claim to be?

    The defaults are the quick preset; the committed table is the standard one's.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> CalibrationStudy(parts=("power",)).replications
        100
    """

    name: ClassVar[str] = "calibration"

    parts: tuple[str, ...] = option(
        PARTS,
        f"what to calibrate: {', '.join(PARTS)}",
        choices=PARTS,
        singular="part",
        distinct=True,
    )
    replications: int = option(100, "data sets drawn in each configuration", at_least=20)
    n: tuple[int, ...] = option(
        (200,), "samples that a test of continuous f is given", at_least=50, distinct=True
    )
    ratios: tuple[int, ...] = option(
        (1, 10),
        "samples behind p(E | f) for each one tested; all at the smallest n",
        at_least=1,
        distinct=True,
    )
    n_resamples: int = option(199, "resamples behind each p-value", at_least=19)
