"""Transfer: a probe fitted under one intervention, scored under another.

    transfer(fitted).accuracy            # (E, E): row fitted, column scored
    transfer(fitted.coarsened(map))      # of a coarser task

Every score is on held-out samples, off the diagonal too: a sample is never scored by a probe that
was fitted on another view of its unit.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from causal_ssl.analysis._invariance_errors import mean_and_error, normal_quantile
from causal_ssl.analysis._invariance_fit import CrossFit
from causal_ssl.analysis.probes import Floats


@dataclass(frozen=True, eq=False)
class Transfer:
    """Scores of the probes of each environment (rows) on the samples of each (columns).

    Attributes:
        environments: the E names.
        accuracy: (E, E), share of samples whose most probable class is theirs, in [0, 1].
        log_loss: (E, E), mean of -log q(y | f) in nats, at least 0.
        accuracy_errors, log_loss_errors: (E, E), their standard errors, clustered by unit.
        level: of the intervals in `table`.
    """

    environments: tuple[Any, ...]
    accuracy: Floats
    log_loss: Floats
    accuracy_errors: Floats
    log_loss_errors: Floats
    level: float

    def table(self) -> pd.DataFrame:
        """Columns metric, environment (fitted), against (scored), value, low, high.

        Metrics `transfer_accuracy` and `transfer_log_loss`.
        """
        z = normal_quantile(self.level)
        metrics = {
            "transfer_accuracy": (self.accuracy, self.accuracy_errors, 1.0),
            "transfer_log_loss": (self.log_loss, self.log_loss_errors, np.inf),
        }
        rows = [
            {
                "metric": metric,
                "environment": self.environments[i],
                "against": self.environments[j],
                "value": values[i, j],
                "low": max(values[i, j] - z * errors[i, j], 0.0),
                "high": min(values[i, j] + z * errors[i, j], most),
            }
            for metric, (values, errors, most) in metrics.items()
            for i, j in product(range(len(self.environments)), repeat=2)
        ]
        return pd.DataFrame(rows)


def transfer(fitted: CrossFit, *, level: float = 0.95) -> Transfer:
    """Score the probes of each environment on the held-out samples of each.

    Args:
        fitted: from `cross_fit`, perhaps `coarsened`.
        level: of the intervals, in (0, 1).

    Examples:
        >>> from causal_ssl.analysis.invariance import cross_fit
        >>> random = np.random.default_rng(0)
        >>> c, s = random.integers(2, size=(2, 400))
        >>> xor = cross_fit((c ^ s)[:, None], c, s, probe="empirical")
        >>> transfer(xor).accuracy.tolist()  # what is learnt under do(0) is wrong under do(1)
        [[1.0, 0.0], [0.0, 1.0]]
    """
    n, n_environments = len(fitted.labels), len(fitted.environments)
    hit = fitted.within.argmax(axis=2) == fitted.labels[:, None]
    loss = -np.log(fitted.within[np.arange(n), :, fitted.labels])
    accuracy, log_loss, accuracy_errors, log_loss_errors = np.zeros((4, *[n_environments] * 2))
    for i, j in product(range(n_environments), repeat=2):
        rows = fitted.environment == j
        accuracy[i, j], accuracy_errors[i, j] = mean_and_error(hit[rows, i], fitted.unit[rows])
        log_loss[i, j], log_loss_errors[i, j] = mean_and_error(loss[rows, i], fitted.unit[rows])
    return Transfer(
        fitted.environments, accuracy, log_loss, accuracy_errors, log_loss_errors, level
    )
