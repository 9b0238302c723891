"""What a test of a null hypothesis returns, and the randomised p-value."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

INDEPENDENCE = "Y is independent of E given f(X)"


@dataclass(frozen=True)
class NullTest:
    """The outcome of a test of one named null hypothesis.

    Attributes:
        null: what is tested, in words.
        method: the function that tested it.
        statistic: larger means further from the null; in units that the method states.
        p_value: in [0, 1]. How close to uniform it is under the null, the method states.
        n: samples (or pairs) tested.
        n_resamples: how often the statistic was computed again under the null; 0 if its law was
            approximated instead. The p-value cannot tell probabilities below 1 / (n_resamples + 1).
        informative: in [0, 1], the share of the sample that can speak against the null, as the
            method states. At 0 the data say nothing, whatever the p-value; NaN where not known.
        note: what else is needed to judge the result; may be empty.
    """

    null: str
    method: str
    statistic: float
    p_value: float
    n: int
    n_resamples: int
    informative: float
    note: str = ""


def nothing_to_test(null: str, method: str, n: int, reason: str) -> NullTest:
    """The null holds by construction: p = 1."""
    return NullTest(null, method, 0.0, 1.0, n, 0, 0.0, f"nothing to test: {reason}")


def randomised_p_value(observed: float, resampled: Floats, uniform: float) -> float:
    """The share of resampled statistics above the observed one, ties broken at random.

    If the observed statistic and the B resampled ones are exchangeable, as under the null, it is
    exactly uniform on [0, 1], however discrete the statistic is.

    Args:
        observed: the statistic of the data.
        resampled: (B,), the statistics of the resampled data.
        uniform: a draw from U(0, 1), independent of everything else.

    Returns:
        (number above + uniform (1 + number of ties)) / (B + 1), in [0, 1].

    Examples:
        >>> randomised_p_value(2.0, np.array([1.0, 2.0, 3.0]), uniform=0.5)
        0.5
    """
    # Statistics that are equal in exact arithmetic may differ by rounding.
    tied = np.isclose(resampled, observed, rtol=1e-9, atol=1e-12)
    above = (resampled > observed) & ~tied
    return float((above.sum() + uniform * (1 + tied.sum())) / (len(resampled) + 1))
