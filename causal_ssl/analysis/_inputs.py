"""What every measure here asks of its arrays: finite matrices with a row a sample."""

from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_array
from torch import Tensor

from causal_ssl.errors import InputError


def finite_matrix(name: str, values: Any) -> Tensor:
    """`values` (tensor, array, table or nested list) as a finite float64 matrix on its own device.

    Raises:
        InputError: NaN or infinity, not two-dimensional, empty, complex or not numeric.
    """
    if isinstance(values, Tensor):
        matrix = values.detach()
        if matrix.ndim != 2 or 0 in matrix.shape or matrix.is_complex():
            raise InputError(
                f"{name} is a {matrix.dtype} tensor of shape {tuple(matrix.shape)}, expected a "
                "non-empty real matrix (n_samples, n_columns): reshape it"
            )
        matrix = matrix.to(torch.float64)
    else:
        matrix = torch.from_numpy(_checked_array(name, values))
    _refuse_nan(name, matrix)
    return matrix


def _checked_array(name: str, values: Any) -> np.ndarray:
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind == "f":
        # Ahead of scikit-learn's check, whose message does not say where.
        _refuse_nan(name, torch.from_numpy(np.array(values, dtype=np.float64)))
    try:
        array = check_array(values, dtype=np.float64, input_name=name)
    except ValueError as error:
        raise InputError(f"{name} cannot be used: {error}") from error
    return np.array(array, order="C")


def _refuse_nan(name: str, matrix: Tensor) -> None:
    finite = matrix.isfinite().all(dim=1)
    if not finite.all():
        bad = (~finite).nonzero()[:, 0]
        raise InputError(
            f"{name} contains NaN or infinity in {len(bad)} of {len(matrix)} rows, first in row "
            f"{int(bad[0])}: remove them or find where they came from"
        )
