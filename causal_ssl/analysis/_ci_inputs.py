"""The samples that a test of conditional independence is given: checked, and numbered."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency

from causal_ssl.analysis._splits import Floats, matrix_of
from causal_ssl.errors import InputError
from causal_ssl.partitions import Partition

Ints = NDArray[np.int64]

OTHER_MIX = 1e-6
"""A p-value below which the shares of environments in two samples cannot be one law's."""


@dataclass(frozen=True)
class Triples:
    """Representation f (n, d), task label y (n,) and environment (n,), numbered from 0."""

    f: Floats
    y: Ints
    environment: Ints
    environments: tuple[Any, ...]

    @property
    def n(self) -> int:
        return len(self.y)

    def trivial(self) -> str:
        """Why Y is independent of E whatever f is; empty if it need not be."""
        if len(self.environments) == 1:
            return f"all samples have environment {self.environments[0]!r}"
        if not self.y.any():
            return "all samples have one class"
        return ""


def triples(f: Any, y: Any, environment: Any) -> Triples:
    """Check what a test was given.

    Raises:
        InputError: NaN or a missing label, lengths that differ, fewer than two samples.
    """
    matrix = matrix_of("f", f)
    if len(matrix) < 2:
        raise InputError(f"f has {len(matrix)} row: a test needs two samples at least")
    labels = labels_of("y", y, len(matrix))
    index = labels_of("environment", environment, len(matrix))
    return Triples(matrix, labels.labels, index.labels, tuple(index.names.tolist()))


def labels_of(name: str, values: Any, n: int) -> Partition:
    try:
        partition = Partition(values)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    if partition.n != n:
        raise InputError(f"{name} has {partition.n} labels for {n} rows: pass one a sample")
    return partition


@dataclass(frozen=True)
class Auxiliary:
    """Separate samples to learn p(E | f) from: f (m, d), environment (m,) numbered as the test's.

    Environments that the test sample lacks have numbers after those that it has.
    """

    f: Floats
    environment: Ints
    n_environments: int


def auxiliary(sample: Triples, f: Any, environment: Any, minimum_ratio: float) -> Auxiliary:
    """Check the samples that p(E | f) is learnt from against those that are tested.

    Raises:
        InputError: NaN, lengths or columns that differ, fewer than `minimum_ratio` rows a test
            sample, an environment that is missing or has another share than among the tested.
    """
    matrix = matrix_of("auxiliary_f", f)
    if matrix.shape[1] != sample.f.shape[1]:
        raise InputError(
            f"auxiliary_f has {matrix.shape[1]} columns and f {sample.f.shape[1]}: they must be "
            "the same representation"
        )
    if len(matrix) < minimum_ratio * sample.n:
        raise InputError(
            f"the auxiliary sample has {len(matrix)} rows for {sample.n} to test: p(E | f) learnt "
            "from few samples makes the test reject too often; pass at least "
            f"{minimum_ratio:g} a tested sample, or allow fewer by minimum_ratio"
        )
    labels = labels_of("auxiliary_environment", environment, len(matrix))
    known = labels.names.tolist()
    for name in sample.environments:
        if name not in known:
            raise InputError(
                f"environment {name!r} is absent from the auxiliary sample, which has "
                f"{known}: draw samples from it too"
            )
    others = [name for name in known if name not in sample.environments]
    number = {name: k for k, name in enumerate([*sample.environments, *others])}
    renumbered = np.array([number[name] for name in known])[labels.labels]
    counts = np.bincount(renumbered)
    if counts.min() < 2:
        raise InputError(
            f"environment {list(number)[int(counts.argmin())]!r} has {counts.min()} auxiliary "
            "sample: p(E | f) needs two of each at least, draw more"
        )
    _refuse_other_mix(sample.environment, renumbered, list(number))
    return Auxiliary(matrix, renumbered, len(number))


def _refuse_other_mix(tested: Ints, learnt: Ints, names: list[Any]) -> None:
    counts = np.array([np.bincount(index, minlength=len(names)) for index in (tested, learnt)])
    if chi2_contingency(counts).pvalue < OTHER_MIX:
        shares = counts / counts.sum(axis=1, keepdims=True)
        k = int(np.abs(shares[0] - shares[1]).argmax())
        raise InputError(
            f"environment {names[k]!r} has a share of {shares[0, k]:.2f} of the tested and "
            f"{shares[1, k]:.2f} of the auxiliary samples: p(E | f) is then another one; draw both "
            "with the same shares"
        )
