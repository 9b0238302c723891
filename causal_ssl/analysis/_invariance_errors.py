"""Standard errors of means over samples that come in units."""

from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from causal_ssl.analysis.probes import Floats, Ints
from causal_ssl.errors import InputError


def mean_and_error(values: NDArray[np.bool_] | Floats, unit: Ints) -> tuple[float, float]:
    """The mean of (n,) values and its standard error, clustered by unit (n,).

    Examples:
        >>> values = np.array([1.0, 2.0, 3.0, 4.0])
        >>> mean, error = mean_and_error(values, np.arange(4))
        >>> mean, bool(np.isclose(error, values.std(ddof=1) / 2))
        (2.5, True)
        >>> _, twice = mean_and_error(np.repeat(values, 2), np.repeat(np.arange(4), 2))
        >>> bool(np.isclose(twice, error))
        True
    """
    values = values.astype(np.float64)
    mean = float(values.mean())
    return mean, clustered_error((values - mean) / len(values), unit)


def clustered_error(deviations: Floats, unit: Ints) -> float:
    """Standard error of a weighted mean, samples of one unit being dependent.

    Args:
        deviations: (n,), weight times (value - mean), summing to 0.
        unit: (n,), numbers from 0.

    Returns:
        sqrt(U / (U - 1) sum over units of (sum of the unit's deviations)^2); NaN for one unit.
    """
    # Numbers that no sample has (of other environments' units) are no units.
    present = np.bincount(unit) > 0
    sums, n_units = np.bincount(unit, weights=deviations)[present], int(present.sum())
    if n_units < 2:
        return float("nan")
    return sqrt(n_units / (n_units - 1) * float(np.square(sums).sum()))


def normal_quantile(level: float) -> float:
    """Half the width, in standard errors, of the two-sided interval of that level.

    Raises:
        InputError: a level outside (0, 1).

    Examples:
        >>> round(normal_quantile(0.95), 2)
        1.96
    """
    if not 0 < level < 1:
        raise InputError(f"level is {level}: expected a probability between 0 and 1, such as 0.95")
    return NormalDist().inv_cdf((1 + level) / 2)
