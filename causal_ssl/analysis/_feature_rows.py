"""Features in memory or on disk, read some rows at a time, and the labels that go with them."""

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from causal_ssl._labels import label_array
from causal_ssl.errors import InputError

Features = Tensor | NDArray[Any]
"""(n, d): a tensor, an array or a memory map."""


def check_pair(train_features: Features, test_features: Features) -> None:
    """
    Raises:
        InputError: features that are no matrices, or not of one width.
    """
    for name, features in (("train_features", train_features), ("test_features", test_features)):
        check_matrix(name, features)
    if train_features.shape[1] != test_features.shape[1]:
        raise InputError(
            f"training features have {train_features.shape[1]} columns and test features "
            f"{test_features.shape[1]}: take both from one encoder"
        )


def check_matrix(name: str, features: Features) -> None:
    """
    Raises:
        InputError: not (n, d), or empty.
    """
    if features.ndim != 2 or 0 in features.shape:
        raise InputError(
            f"{name} of shape {tuple(features.shape)}: expected (n_samples, d), neither 0"
        )


def labels_of(name: str, labels: Any, n: int) -> NDArray[Any]:
    """(n,) as they came.

    Raises:
        InputError: not one a sample.
    """
    values = np.asarray(label_array(labels))
    if values.shape != (n,):
        raise InputError(f"{name} of shape {values.shape}: expected ({n},), one a feature")
    return values


def precision(features: Features) -> torch.dtype:
    """What to compute in: float64 for features in float64, else float32."""
    return torch.float64 if "float64" in str(features.dtype) else torch.float32


def device_of(features: Features, device: torch.device | str | None) -> torch.device:
    """The device asked for; None: where the features are."""
    if device is None:
        device = features.device if isinstance(features, Tensor) else "cpu"
    return torch.device(device)


def pieces(n: int, size: int) -> Iterator[slice]:
    """The n rows in order, `size` at a time."""
    for start in range(0, n, size):
        yield slice(start, start + size)


def read(
    features: Features, rows: slice | Tensor, device: torch.device, dtype: torch.dtype
) -> Tensor:
    """The rows of a slice or of a tensor of indices, (m, d), not looked at.

    Of a memory map, the pages that a slice was copied from are given back at once: they would count
    as memory of this process until another needs it.
    """
    if isinstance(features, Tensor):
        some = (
            features[rows]
            if isinstance(rows, slice)
            else features.index_select(0, rows.to(features.device))
        )
        return some.detach().to(device, dtype)
    if isinstance(rows, slice):
        # A slice of a memory map may not be written to, and torch minds: a copy.
        part = features[rows]
        values = np.array(part)
        _give_back(part)
    else:
        values = np.asarray(features[rows.numpy()])
    return torch.from_numpy(values).to(device, dtype)


def check_finite(name: str, values: Tensor, first: int) -> Tensor:
    """The rows (m, d), the first of which is number `first` of all.

    Raises:
        InputError: NaN or infinity; names the row.
    """
    # Not finite if anything in the row is not; finite rows may overflow too, so look again.
    if not bool(values.sum(dtype=torch.float64).isfinite()):
        finite = values.isfinite().all(dim=1)
        if not bool(finite.all()):
            row = first + int((~finite).nonzero()[0])
            raise InputError(f"{name} has NaN or infinity in row {row}: find where it came from")
    return values


def _give_back(part: NDArray[Any]) -> None:
    """Drop the pages of a part of a memory map; those of what may have been changed stay."""
    mapping = getattr(part, "_mmap", None)
    if mapping is None or part.flags.writeable or not part.flags.c_contiguous:
        return
    start = part.ctypes.data - np.frombuffer(mapping, np.uint8).ctypes.data
    first = start // mmap.PAGESIZE * mmap.PAGESIZE
    mapping.madvise(mmap.MADV_DONTNEED, first, start + part.nbytes - first)
