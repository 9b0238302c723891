"""Several tests at once: Holm's adjustment of their p-values."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from causal_ssl.errors import InputError


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """P-values adjusted so that all of them together err with the stated probability at most.

    Reject every null whose adjusted value is at most alpha: the probability of rejecting any true
    one is at most alpha, however the tests depend on each other. The k-th smallest of m values is
    multiplied by m - k + 1, and no value falls below a smaller one's.

    Args:
        p_values: (m,), in [0, 1].

    Returns:
        (m,), in [0, 1] and in the same order; never below the values given.

    Raises:
        InputError: not one-dimensional, NaN, or outside [0, 1].

    Holm 1979, A simple sequentially rejective multiple test procedure.

    Examples:
        >>> holm([0.01, 0.5, 0.03]).tolist()
        [0.03, 0.5, 0.06]
    """
    values = np.asarray(p_values, dtype=np.float64)
    if values.ndim != 1:
        raise InputError(f"p_values have shape {values.shape}, expected (m,): pass a flat list")
    outside = ~((values >= 0) & (values <= 1))
    if outside.any():
        k = int(outside.argmax())
        raise InputError(f"p_values[{k}] is {values[k]}: expected a probability from 0 to 1")
    order = np.argsort(values, kind="stable")
    multiplied = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(multiplied), 1.0)
    return adjusted
