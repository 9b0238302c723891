"""How far an accuracy is above a baseline's, in standard errors that say what they hold.

Of any metric, how far runs differ from others of the same seeds: `paired_difference`.
"""

import math
from dataclasses import dataclass

import pandas as pd
from scipy.stats import t

REQUIRED = 5.0
"""Standard errors that a gain must be above to be called one."""


@dataclass(frozen=True)
class Gain:
    """A mean accuracy less a baseline's.

    Attributes:
        value: the difference.
        error: its standard error; NaN for what is no accuracy.
    """

    value: float
    error: float

    @property
    def errors(self) -> float:
        """How many standard errors it is; of accuracies without any (0 or 1), 0 or infinite."""
        if self.error == 0:
            return math.copysign(math.inf, self.value) if self.value else 0.0
        return self.value / self.error

    @property
    def is_clear(self) -> bool:
        return self.errors > REQUIRED


def gain(own: pd.DataFrame, base: pd.DataFrame, *, paired: bool) -> Gain:
    """The mean over seeds of some encoders' accuracies, less that of a baseline.

    The error is of two parts. Scored images are a sample: the binomial errors of both, taken as
    independent (the images are the same, so the true error is smaller where both err on the same
    ones), which more seeds do not lessen. Weights are a sample: the standard error of a mean over
    seeds. Of a single seed it is not known and left out, so the gain is then that of this encoder,
    not of others trained alike.

    Args:
        own, base: rows of one metric, one a seed, columns seed, value, standard_error.
        paired: differences are taken seed by seed, and theirs is the mean whose error counts: for
            baselines of the same seeds, from whose weights training started. A baseline of a
            single row stands for all seeds. Otherwise the errors of both means do.

    Examples:
        >>> one = pd.DataFrame({"seed": [0], "value": [0.85], "standard_error": [0.004]})
        >>> two = one.assign(value=0.80, standard_error=0.003)
        >>> f"{gain(one, two, paired=True).errors:.1f}"
        '10.0'
    """
    binomial = [float(rows["standard_error"].mean()) for rows in (own, base)]
    values, against = (rows.set_index("seed")["value"] for rows in (own, base))
    if paired and len(against) > 1:
        differences = values - against
        value, weights = differences.mean(skipna=False), [_error_of_mean(differences)]
    else:
        value = values.mean() - against.mean()
        weights = [_error_of_mean(values), _error_of_mean(against)]
    return Gain(float(value), math.hypot(*binomial, *weights))


def _error_of_mean(values: "pd.Series[float]") -> float:
    return float(values.std(skipna=False)) / math.sqrt(len(values)) if len(values) > 1 else 0.0


@dataclass(frozen=True)
class PairedDifference:
    """The mean over seeds of differences between two runs of the same seed.

    Attributes:
        value: the mean.
        low, high: its interval of Student's t, for seeds drawn independently and differences about
            normal; scored images are taken as given. NaN for a single seed.
        differences: one a seed.
        level: of the interval.
    """

    value: float
    low: float
    high: float
    differences: tuple[float, ...]
    level: float

    @property
    def seeds(self) -> int:
        """How many."""
        return len(self.differences)

    @property
    def sign(self) -> int:
        """1 or -1 where the interval lies on one side of 0, else 0."""
        return int(self.low > 0) - int(self.high < 0)


def paired_difference(
    own: "pd.Series[float]", base: "pd.Series[float]", *, level: float = 0.95
) -> PairedDifference:
    """How far values are above those of the same seeds.

    Args:
        own, base: values by seed, the index.
        level: of the interval, in (0, 1).

    Raises:
        ValueError: the seeds differ.

    Examples:
        >>> one = pd.Series([0.3, 0.5, 0.4])
        >>> found = paired_difference(one, pd.Series([0.2, 0.3, 0.25]))
        >>> [round(value, 3) for value in (found.value, found.low, found.high)]
        [0.15, 0.026, 0.274]
    """
    if set(own.index) != set(base.index):
        raise ValueError(f"seeds {sorted(own.index)} are paired with {sorted(base.index)}")
    differences = own - base
    value, error, n = float(differences.mean()), _error_of_mean(differences), len(differences)
    half = float(t.ppf((1 + level) / 2, n - 1)) * error if n > 1 else math.nan
    return PairedDifference(value, value - half, value + half, tuple(differences), level)
