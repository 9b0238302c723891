"""Probe classes: the families of classifiers that a gap or an overlap is measured relative to.

Every probe gives proper probabilities over *all* classes of the pooled data, also over those that
its own fit points lack. They are smoothed by one pseudo-sample spread evenly over the C classes:

    q(y | f) = (m p(y | f) + 1 / C) / (m + 1)

where p is the classifier's and m the number of samples that this prediction rests on: the fit
points, for `knn` the neighbours, for `empirical` the fit points with this very f. No probability is
0, so no log loss is infinite; and a prediction that rests on nothing is uniform.

| name            | what it is                                                              |
|-----------------|-------------------------------------------------------------------------|
| `logistic`      | multinomial logistic regression, ridge penalty of weight 1/4            |
| `boosted_trees` | 50 rounds of gradient boosting on histograms, 15 leaves, rate 0.1       |
| `knn`           | the classes of the sqrt(n) nearest neighbours                           |
| `mlp`           | one hidden layer of 64, 20 epochs of Adam, rate 0.01, penalty 0.3       |
| `empirical`     | a table of frequencies by the exact value of f, for discrete f          |

Boosting fits a tree a class and round: an `invariance` of four environments of 1000 samples and 64
classes takes it a minute on one thread, `logistic` and `knn` less than a second, `mlp` three.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from causal_ssl.errors import InputError, one_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class FrequencyTable(ClassifierMixin, BaseEstimator):
    """Frequencies of the classes by the exact value of x: what there is to know of a discrete x.

    Attributes:
        classes_: the classes seen, sorted.
        values_: (k, d) the distinct rows of x.
        counts_: (k, len(classes_)) how often each class came with each.

    Examples:
        >>> table = FrequencyTable().fit([[0.0], [0.0], [1.0]], ["a", "b", "b"])
        >>> table.predict_proba([[0.0], [1.0], [2.0]]).tolist()
        [[0.5, 0.5], [0.0, 1.0], [0.5, 0.5]]
        >>> table.support([[0.0], [1.0], [2.0]]).tolist()
        [2, 1, 0]
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> "FrequencyTable":
        self.values_, cells = np.unique(np.asarray(X), axis=0, return_inverse=True)
        self.classes_, labels = np.unique(np.asarray(y), return_inverse=True)
        self.counts_: Ints = np.zeros((len(self.values_), len(self.classes_)), dtype=np.int64)
        np.add.at(self.counts_, (cells.ravel(), labels), 1)
        return self

    def support(self, X: ArrayLike) -> Ints:
        """How many fit points had each row's value, (m,)."""
        return self._counts(X).sum(axis=1)

    def predict_proba(self, X: ArrayLike) -> Floats:
        """(m, n_classes); uniform for a value never seen."""
        counts = self._counts(X)
        total = counts.sum(axis=1, keepdims=True)
        return np.where(total > 0, counts / np.maximum(total, 1), 1 / len(self.classes_))

    def _counts(self, X: ArrayLike) -> Ints:
        check_is_fitted(self)
        index = {row.tobytes(): k for k, row in enumerate(self.values_)}
        rows = np.asarray(X, dtype=self.values_.dtype)
        distinct, inverse = np.unique(rows, axis=0, return_inverse=True)
        cells = np.array([index.get(row.tobytes(), -1) for row in distinct])
        counts = np.concatenate([self.counts_, np.zeros_like(self.counts_[:1])])
        found: Ints = counts[cells[inverse.ravel()]]
        return found


@dataclass(frozen=True)
class ProbeClass:
    """A family of classifiers.

    Args:
        title: as tables and figures show it.
        make: a fresh scikit-learn classifier for that many fit points and that seed.
        support: how many samples each prediction rests on, from the fitted classifier, the points
            (m, d) and the number of fit points; None: all fit points.
        prepare: what is done to the pooled representation (n, d) ahead of any fit, without labels.
    """

    title: str
    make: Callable[[int, int], Any]
    support: Callable[[Any, Floats], Any] | None = None
    prepare: Callable[[Floats], Floats] = lambda x: StandardScaler().fit_transform(x)


def _logistic(n: int, seed: int) -> Any:
    # At n = 3200, d = 10 and 64 classes the default solver takes 0.07 s on one thread and
    # newton-cholesky 1.0 s. A penalty of weight 1 pulls the environments' probes together: of a
    # gap of .209 at n = 300 an environment it left .196 (interval covers in 92 %), 1/4 leaves .211
    # (98 %).
    return LogisticRegression(C=4.0, max_iter=1000)


def _boosted_trees(n: int, seed: int) -> Any:
    return HistGradientBoostingClassifier(
        max_iter=50, max_leaf_nodes=15, early_stopping=False, random_state=seed
    )


def _knn(n: int, seed: int) -> Any:
    # Brute force is as fast as a tree at d = 5 and twice as fast at d = 10 (n = 3200).
    return KNeighborsClassifier(max(1, round(n**0.5)), algorithm="brute")


def _mlp(n: int, seed: int) -> Any:
    return MLPClassifier((64,), alpha=0.3, learning_rate_init=0.01, max_iter=20, random_state=seed)


def _value_numbers(x: Floats) -> Floats:
    """(n, 1): the number of each row among the distinct rows."""
    values, number = np.unique(x, axis=0, return_inverse=True)
    if 2 * len(values) > len(x):
        raise InputError(
            f"the representation takes {len(values)} distinct values on {len(x)} samples and the "
            "empirical probe needs most values more than once: choose another probe, or round"
        )
    return number.reshape(-1, 1).astype(np.float64)


PROBES: Mapping[str, ProbeClass] = {
    "logistic": ProbeClass("logistic regression", _logistic),
    "boosted_trees": ProbeClass("boosted trees", _boosted_trees),
    "knn": ProbeClass(
        "nearest neighbours", _knn, support=lambda fitted, x: np.full(len(x), fitted.n_neighbors)
    ),
    "mlp": ProbeClass("multilayer perceptron", _mlp),
    "empirical": ProbeClass(
        "frequency table",
        lambda n, seed: FrequencyTable(),
        support=lambda fitted, x: fitted.support(x),
        prepare=_value_numbers,
    ),
}


class Probe(ClassifierMixin, BaseEstimator):
    """A classifier of the named probe class, smoothed, over classes that are given beforehand.

    Parameters:
        name: one of `PROBES`.
        classes: all classes, among them those of the fit points; None: those of the fit points.
        seed: of the probes that draw at random.

    Attributes:
        classes_: (C,) sorted, the columns of `predict_proba`.
        estimator_: the scikit-learn classifier; None where one class leaves nothing to fit.

    Raises (in `fit`):
        InputError: an unknown name, a label that is not among the classes.

    Examples:
        >>> probe = Probe("empirical", classes=[0, 1, 2]).fit([[0.0], [0.0]], [1, 1])
        >>> probe.predict_proba([[0.0]]).round(3).tolist()  # (2 (0, 1, 0) + 1/3) / 3
        [[0.111, 0.778, 0.111]]
    """

    def __init__(
        self, name: str = "logistic", *, classes: Sequence[Any] | None = None, seed: int = 0
    ) -> None:
        self.name = name
        self.classes = classes
        self.seed = seed

    def fit(self, X: ArrayLike, y: ArrayLike) -> "Probe":
        probe_class = PROBES[one_of("probe", self.name, PROBES)]
        labels = np.asarray(y)
        present = np.unique(labels)
        self.classes_ = present if self.classes is None else np.unique(np.asarray(self.classes))
        unknown = np.setdiff1d(present, self.classes_)
        if len(unknown):
            raise InputError(
                f"label {unknown.tolist()[0]!r} is not among the classes "
                f"{self.classes_.tolist()}: name all classes of the pooled data"
            )
        self.n_fit_ = len(labels)
        self._columns = np.searchsorted(self.classes_, present)
        self.estimator_ = None
        if len(present) > 1 or probe_class.support:
            with warnings.catch_warnings():
                # The number of epochs is part of what the probe class `mlp` is.
                if self.name == "mlp":
                    warnings.simplefilter("ignore", ConvergenceWarning)
                self.estimator_ = probe_class.make(self.n_fit_, self.seed).fit(X, labels)
        return self

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Smoothed probabilities, (m, C), each above 0."""
        check_is_fitted(self, "classes_")
        x = np.asarray(X, dtype=np.float64)
        raw = np.zeros((len(x), len(self.classes_)))
        support: Any = np.full(len(x), self.n_fit_)
        if self.estimator_ is None:
            raw[:, self._columns] = 1.0
        else:
            raw[:, self._columns] = self.estimator_.predict_proba(x)
            how = PROBES[self.name].support
            support = how(self.estimator_, x) if how else support
        m = np.asarray(support, dtype=np.float64)[:, None]
        return (m * raw + 1 / raw.shape[1]) / (m + 1)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each point, (m,)."""
        best: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return best
