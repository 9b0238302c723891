"""How far apart classes lie in a representation, against how wide each of them is: F_LDA.

    found = separability(f(x), labels)
    found.f_lda("paper")                # (k, k), NaN on the diagonal
    found.table()                       # a row an ordered pair of classes and form
    found.summary()                     # quantiles of the distribution over pairs

For classes k and k' with means mu, F_LDA (Mitrovic et al. 2021, arXiv:2010.07922) is the squared
distance between the means over the spread of the first class. It comes in two forms:

| form              | denominator                                                   | of size n_k |
|-------------------|---------------------------------------------------------------|-------------|
| `paper`           | sum over i, j in k of ||f(x_i) - f(x_j)||^2, all ordered pairs| ~ n_k^2     |
| `size_normalised` | mean of the same over ordered pairs i != j                    | no          |

so size_normalised = n_k (n_k - 1) paper. The mean over pairs is twice the trace of the unbiased
covariance of class k, whatever n_k: size_normalised values of classes of different sizes, and of
data sets of different sizes, can be compared; those of the paper only where sizes are equal. Both
are asymmetric in (k, k'), and unchanged by translation, rotation and scaling of the representation.

The sum over pairs is 2 n_k sum over i of ||f(x_i) - mu_k||^2, so that all costs O(n d + k^2 d).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist, squareform
from torch import Tensor

from causal_ssl._numbers import exactly
from causal_ssl.errors import InputError, one_of

FORMS = ("paper", "size_normalised")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BLOCK_BYTES = 2**25
"""Of the float64 rows held at a time, beside the representation as it came."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Separability:
    """Moments of the classes of a representation, and F_LDA read off them.

    Attributes:
        classes: (k,), the labels, sorted.
        sizes: (k,), samples of each class.
        distances: (k, k), squared distances between class means, in squared units of f.
        scatters: (k,), sum of squared distances of a class's samples from their mean.
    """

    classes: NDArray[Any]
    sizes: NDArray[np.int64]
    distances: Floats
    scatters: Floats

    def f_lda(self, form: str = "paper") -> Floats:
        """F_LDA of every ordered pair of classes.

        Args:
            form: "paper" or "size_normalised", see the module.

        Returns:
            (k, k), row k and column k' of F_LDA(k, k'), in [0, inf]. NaN on the diagonal, in the
            rows of classes with a single sample, which has no pair to measure a spread by, and at
            0 / 0: equal means and no spread. inf where the first class has no spread and the means
            differ. Chance, for two samples of one distribution: (1 / n_k + 1 / n_k') / 2 in the
            size-normalised form.

        Raises:
            InputError: unknown form.
        """
        one_of("form of F_LDA", form, FORMS)
        spread = 2 * self.sizes * self.scatters
        if form == "size_normalised":
            spread = spread / np.maximum(self.sizes * (self.sizes - 1), 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            values: Floats = self.distances / spread[:, None]
        values[self.sizes == 1] = np.nan
        np.fill_diagonal(values, np.nan)
        return values

    def table(self, forms: Sequence[str] = FORMS) -> pd.DataFrame:
        """F_LDA as a tidy table.

        Returns:
            A row an ordered pair of different classes and form, k (k - 1) for each form; columns
            class, other, form, value. No rows for a single class.
        """
        k = len(self.classes)
        first, second = np.nonzero(~np.eye(k, dtype=bool))
        blocks = [
            pd.DataFrame(
                {
                    "class": self.classes[first],
                    "other": self.classes[second],
                    "form": form,
                    "value": self.f_lda(form)[first, second],
                }
            )
            for form in forms
        ]
        return pd.concat(blocks, ignore_index=True)

    def summary(self, quantiles: Sequence[float] = QUANTILES) -> pd.DataFrame:
        """The distribution of F_LDA over ordered pairs of different classes.

        Returns:
            Columns metric ("f_lda_paper", "f_lda_size_normalised"), variable, value. Variables:
            "pairs", how many there are; "undefined", how many of them are NaN; "infinite"; and
            "q0.5" and so on, quantiles of those defined (infinite ones included), each an observed
            value, NaN where there is none.
        """
        rows = []
        for form in FORMS:
            values = self.f_lda(form)[~np.eye(len(self.classes), dtype=bool)]
            defined = values[~np.isnan(values)]
            found: dict[str, float] = {
                "pairs": len(values),
                "undefined": len(values) - len(defined),
                "infinite": int(np.isinf(defined).sum()),
            }
            for q in quantiles:
                # Interpolation between inf and inf would be NaN: an order statistic instead.
                at = np.quantile(defined, q, method="inverted_cdf") if len(defined) else np.nan
                found[f"q{exactly(q)}"] = at
            rows += [(f"f_lda_{form}", variable, value) for variable, value in found.items()]
        table = pd.DataFrame(rows, columns=["metric", "variable", "value"])
        return table.astype({"value": float})


def separability(representation: ArrayLike | Tensor, labels: ArrayLike | Tensor) -> Separability:
    """The moments behind F_LDA, in two passes over the samples of each class.

    Computed in float64, a block of rows at a time, from differences to a sample of the same class:
    offsets common to a class cost no digits, and a class of equal samples has spread exactly 0.
    Arrays and tensors on the CPU are not copied (bfloat16 apart, which NumPy lacks).

    Args:
        representation: (n, d), real, in any units; a tensor may lie on any device.
        labels: (n,), the class of each sample: numbers or strings.

    Raises:
        InputError: not a non-empty finite real matrix, a label missing (NaN, None), or another
            number of labels than of rows.

    Mitrovic et al. 2021 (arXiv:2010.07922).

    Examples:
        >>> found = separability([[0.0], [2.0], [10.0], [11.0]], ["a", "a", "b", "b"])
        >>> found.f_lda("paper").round(3)  # 9.5^2 / (2 * 2^2) and 9.5^2 / (2 * 1^2)
        array([[   nan, 11.281],
               [45.125,    nan]])
        >>> float(found.f_lda("size_normalised")[0, 1])
        22.5625
    """
    matrix = _matrix(representation)
    codes, classes = _codes(labels, len(matrix))
    sizes = np.bincount(codes, minlength=len(classes))
    means = np.empty((len(classes), matrix.shape[1]))
    scatters = np.empty(len(classes))
    order = np.argsort(codes, kind="stable")
    origin = matrix[0].astype(np.float64)
    for k, members in enumerate(np.split(order, np.cumsum(sizes)[:-1])):
        means[k], scatters[k] = _moments(matrix, members)
        means[k] += matrix[members[0]].astype(np.float64) - origin
    return Separability(classes, sizes, squareform(pdist(means, "sqeuclidean")), scatters)


def _moments(matrix: NDArray[Any], members: NDArray[np.int64]) -> tuple[Floats, float]:
    """Mean of the members' rows, from the first of them, (d,), and their scatter about it."""
    mean = sum(block.sum(axis=0) for block in _differences(matrix, members)) / len(members)
    scatter = 0.0
    for block in _differences(matrix, members):
        block -= mean
        # Not BLAS: its two threads took five times the CPU time on blocks this small (measured).
        scatter += float(np.square(block, out=block).sum())
    return mean, scatter


def _differences(matrix: NDArray[Any], members: NDArray[np.int64]) -> Iterator[Floats]:
    """Rows of the members less that of the first, in float64, block by block."""
    first = matrix[members[0]].astype(np.float64)
    for rows in _blocks(len(members), matrix.shape[1]):
        block = matrix[members[rows]].astype(np.float64, copy=False)
        block -= first
        yield block


def _blocks(n: int, columns: int) -> Iterator[slice]:
    step = max(1, BLOCK_BYTES // (8 * columns))
    return (slice(start, start + step) for start in range(0, n, step))


def _matrix(values: Any) -> NDArray[Any]:
    """`values` as a finite real matrix, in the precision that it came in."""
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        values = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    try:
        matrix = np.asarray(values)
    except ValueError as error:
        raise InputError(f"the representation is no matrix: {error}") from error
    if matrix.ndim != 2 or 0 in matrix.shape or matrix.dtype.kind not in "fiub":
        raise InputError(
            f"the representation has shape {matrix.shape} and type {matrix.dtype}: expected a "
            "non-empty real matrix (n_samples, n_columns)"
        )
    for rows in _blocks(*matrix.shape):
        finite = np.isfinite(matrix[rows]).all(axis=1)
        if not finite.all():
            raise InputError(
                f"the representation contains NaN or infinity, first in row "
                f"{rows.start + int(np.argmin(finite))}: remove such rows or find where they came "
                "from"
            )
    return matrix


def _codes(labels: Any, n: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Each sample's place among the sorted classes, (n,), and the classes, (k,)."""
    values = np.asarray(labels.cpu() if isinstance(labels, Tensor) else labels)
    if values.shape != (n,):
        raise InputError(
            f"the labels have shape {values.shape} and the representation {n} rows: pass one label "
            "a sample"
        )
    codes, classes = pd.factorize(values, sort=True)
    if (codes < 0).any():
        raise InputError(
            f"the label of row {int(np.argmin(codes))} is missing: leave that sample out"
        )
    return codes, np.asarray(classes)
