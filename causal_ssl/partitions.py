"""Partitions of a data set: which samples a label, a task or a proxy puts together.

proxy, task = Partition(object_ids), Partition(species)
proxy.refines(task)                   # Definition 3: is each object of one species?
task.meet(other_task)                 # the coarsest proxy that refines both
Partition.finest(n)                   # instance discrimination

Under `refines` the partitions of n samples form a lattice with `meet` and `join`, from
`Partition.finest(n)` at the bottom to `Partition.trivial(n)` at the top. Every operation takes
O(n log n) time or less and a few arrays of n integers.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from causal_ssl._labels import Integers, images, label_array, numbered
from causal_ssl.errors import InputError, in_range


@dataclass(frozen=True)
class Witness:
    """Two samples that show that one partition does not refine another.

    `samples`: their indices, the second the first sample at which the refinement fails; `fine`: the
    name of the class that they share; `coarse`: the names of the classes that separate them.
    """

    samples: tuple[int, int]
    fine: Any
    coarse: tuple[Any, Any]

    def __str__(self) -> str:
        (i, j), (a, b) = self.samples, self.coarse
        return (
            f"samples {i} and {j} are both {self.fine!r} in the fine partition, "
            f"but {a!r} and {b!r} in the coarse one"
        )


class Partition:
    """Which of n samples belong together; an immutable value, equal if the classes are equal.

    Classes are numbered 0..k-1 in the order in which the samples first meet them. They keep the
    user's labels as `names`, which tell how a class is shown and looked up and play no part in
    equality.

    Args:
        labels: (n,), a label a sample: an array, tensor, series or list of integers, strings,
            booleans, floats or whatever can be hashed, or a categorical.

    Raises:
        InputError: no samples, more than one column, a missing label (None, NaN, NA); in every
            operation on two partitions, different numbers of samples.

    Mitrovic et al. 2021 (arXiv:2010.07922), Definitions 2 and 3.

    Examples:
        >>> animals = Partition(["cat", "dog", "cat", "ox"])
        >>> animals
        Partition(4 samples, 3 classes: 'cat' 2, 'dog' 1, 'ox' 1)
        >>> animals.labels.tolist()
        [0, 1, 0, 2]
        >>> animals == Partition([7, 5, 7, 6])
        True
        >>> animals.refines(Partition([True, True, True, False]))
        True
    """

    __slots__ = ("_labels", "_n_classes", "_names")

    _labels: Integers
    _n_classes: int
    _names: NDArray[Any] | None  # None where the names are the numbers

    def __init__(self, labels: Any) -> None:
        values = label_array(labels)
        if values.ndim != 1 or len(values) == 0:
            raise InputError(
                f"labels have shape {values.shape}, expected (n,) with n at least 1: pass one "
                "label a sample; several columns are the meet of their partitions"
            )
        numbers, names = numbered(values, "sample")
        self._set(numbers, len(names), names)

    def _set(self, labels: Integers, n_classes: int, names: NDArray[Any] | None) -> None:
        """Keep labels that are numbered by first appearance already."""
        for array in (labels, names):
            if array is not None:
                array.flags.writeable = False
        self._labels, self._n_classes, self._names = labels, n_classes, names

    @classmethod
    def _of(
        cls, labels: Integers, n_classes: int, names: NDArray[Any] | None = None
    ) -> "Partition":
        partition = cls.__new__(cls)
        partition._set(labels, n_classes, names)
        return partition

    @classmethod
    def _unnamed(cls, labels: Integers) -> "Partition":
        numbers, names = numbered(labels, "sample")
        return cls._of(numbers, len(names))

    @classmethod
    def finest(cls, n: int) -> "Partition":
        """Each of n samples a class of its own: instance discrimination."""
        return cls._of(np.arange(in_range("n", n, at_least=1)), n)

    @classmethod
    def trivial(cls, n: int) -> "Partition":
        """All n samples in one class."""
        return cls._of(np.zeros(in_range("n", n, at_least=1), dtype=np.int64), 1)

    @classmethod
    def from_relation(cls, n: int, pairs: Any) -> "Partition":
        """The classes of the smallest equivalence relation on n samples that holds for the pairs.

        Args:
            n: number of samples.
            pairs: (m, 2), indices of samples that belong together; m may be 0.

        Raises:
            InputError: not an integer array of pairs, or an index outside 0..n-1.

        Examples:
            >>> Partition.from_relation(5, [(0, 3), (3, 4)]).labels.tolist()
            [0, 1, 2, 0, 0]
        """
        n = in_range("n", n, at_least=1)
        edges = label_array(pairs)
        if edges.size == 0:
            return cls.finest(n)
        if edges.ndim != 2 or edges.shape[1] != 2 or edges.dtype.kind not in "iu":
            raise InputError(
                f"pairs are a {edges.dtype} array of shape {edges.shape}, expected integers of "
                "shape (m, 2): pass two sample indices a row"
            )
        outside = ((edges < 0) | (edges >= n)).any(axis=1)
        if outside.any():
            row = int(outside.argmax())
            raise InputError(
                f"pair {row} is {edges[row].tolist()}: sample indices go from 0 to {n - 1}"
            )
        return cls._unnamed(_components(edges[:, 0], edges[:, 1], n))

    @property
    def labels(self) -> Integers:
        """(n,), the class of each sample, 0..k-1 by first appearance; read-only."""
        return self._labels

    @property
    def names(self) -> NDArray[Any]:
        """(n_classes,), what the user called each class, or the class numbers."""
        return np.arange(self._n_classes) if self._names is None else self._names

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self._labels)

    @property
    def n_classes(self) -> int:
        """Number of classes, from 1 (trivial) to n (finest)."""
        return self._n_classes

    @property
    def sizes(self) -> Integers:
        """(n_classes,), how many samples each class has; they sum to n."""
        return np.bincount(self._labels)

    @property
    def representatives(self) -> Integers:
        """(n_classes,), the first sample of each class; increasing."""
        first = np.empty(self._n_classes, dtype=np.int64)
        # Of several assignments to one place the last stays: the sample that comes first.
        first[self._labels[::-1]] = np.arange(self.n - 1, -1, -1)
        return first

    def refines(self, other: "Partition") -> bool:
        """Whether each class lies inside a class of `other` (Definition 3)."""
        return self.witness_against(other) is None

    def witness_against(self, other: "Partition") -> Witness | None:
        """Two samples that this partition merges and `other` separates; None if this refines it.

        Examples:
            >>> Partition([0, 0, 1, 1]).witness_against(Partition([*"aabc"]))
            Witness(samples=(2, 3), fine=1, coarse=('b', 'c'))
        """
        if other.n != self.n:
            raise InputError(
                f"the partitions have {self.n} and {other.n} samples: sample "
                f"{min(self.n, other.n)} is only in one of them; label the same samples"
            )
        first = self.representatives
        differs = other.labels[first][self._labels] != other.labels
        j = int(differs.argmax())
        if not differs[j]:
            return None
        k = self._labels[j]
        i = int(first[k])
        coarse = other.names[other.labels[[i, j]]].tolist()
        return Witness((i, j), self.names[[k]].tolist()[0], (coarse[0], coarse[1]))

    def map_to(self, coarse: "Partition") -> Integers:
        """(n_classes,), the class of `coarse` that each class lies in.

        It takes labels of this partition to labels of the coarse one, and so distributions over
        its classes to distributions over the coarse classes.

        Raises:
            InputError: this does not refine `coarse`; names two samples that show it.

        Examples:
            >>> fine, coarse = Partition([0, 1, 2, 0]), Partition(["a", "b", "a", "a"])
            >>> fine.map_to(coarse).tolist()
            [0, 1, 0]
        """
        if witness := self.witness_against(coarse):
            raise InputError(
                f"not a refinement: {witness}; take the meet of the two as the fine one"
            )
        return coarse.labels[self.representatives]

    def parts_of(self, coarse: "Partition") -> list[Integers]:
        """The classes that make up each class of `coarse`, which is their union (Lemma 2).

        Raises:
            InputError: this does not refine `coarse`; names two samples that show it.

        Examples:
            >>> fine, coarse = Partition([0, 1, 2, 0]), Partition(["a", "b", "a", "a"])
            >>> [part.tolist() for part in fine.parts_of(coarse)]
            [[0, 2], [1]]
        """
        inside = self.map_to(coarse)
        ends = np.cumsum(np.bincount(inside))
        return np.split(np.argsort(inside, kind="stable"), ends[:-1])

    def meet(self, other: "Partition") -> "Partition":
        """The coarsest common refinement: samples belong together where both say so.

        Examples:
            >>> Partition([0, 0, 1, 1]).meet(Partition([0, 1, 1, 1])).labels.tolist()
            [0, 1, 2, 2]
        """
        if self.refines(other):
            return self
        if other.refines(self):
            return other
        pairs = self._labels * other.n_classes + other.labels  # below n^2, so below 2^63
        return self._unnamed(pairs)

    def join(self, other: "Partition") -> "Partition":
        """The finest common coarsening: samples belong together where a chain of both links them.

        Examples:
            >>> Partition([0, 0, 1, 2]).join(Partition([0, 1, 1, 2])).labels.tolist()
            [0, 0, 0, 1]
        """
        if self.refines(other):
            return other
        if other.refines(self):
            return self
        n_nodes = self.n_classes + other.n_classes
        merged = _components(self._labels, other.labels + self.n_classes, n_nodes)
        return self._unnamed(merged[self._labels])

    def coarsen(self, mapping: Any) -> "Partition":
        """The partition whose labels are a function of this one's labels.

        The function takes `names`: the labels that this partition was built from, or class numbers
        where it was not built from labels. To merge classes by their numbers, whatever their
        names, index with the labels: `Partition(values[partition.labels])`.

        Args:
            mapping: a callable, a mapping or a series from names to new labels, or, for
                integer names, an array that holds the new label of class i at position i.

        Raises:
            InputError: a class without an entry, or with a missing one.

        Examples:
            >>> animals = Partition(["cat", "dog", "cat", "ox"])
            >>> animals.coarsen({"cat": "pet", "dog": "pet", "ox": "cattle"})
            Partition(4 samples, 2 classes: 'pet' 3, 'cattle' 1)
            >>> Partition([2, 0, 1, 2]).coarsen([True, False, True])
            Partition(4 samples, 2 classes: True 3, False 1)
        """
        # Classes are in order of first appearance, so their new labels are too.
        numbers, names = numbered(images(self.names, mapping), "class", self.names)
        return self._of(numbers[self._labels], len(names), names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Partition):
            return NotImplemented
        return self._n_classes == other._n_classes and np.array_equal(self._labels, other._labels)

    def __hash__(self) -> int:
        return hash(self._labels.tobytes())

    def __reduce__(self) -> tuple[Any, ...]:
        return Partition._of, (self._labels, self._n_classes, self._names)

    def __repr__(self) -> str:
        shown = 6
        names, sizes = self.names[:shown].tolist(), self.sizes[:shown].tolist()
        classes = ", ".join(f"{name!r} {size}" for name, size in zip(names, sizes, strict=True))
        more = ", ..." if self.n_classes > shown else ""
        return f"Partition({self.n} samples, {self.n_classes} classes: {classes}{more})"


def _components(a: NDArray[Any], b: NDArray[Any], n: int) -> Integers:
    """(n,), the connected component of each of n nodes, with edges from a[i] to b[i]."""
    edges = coo_array((np.ones(len(a), dtype=bool), (a, b)), shape=(n, n))
    return connected_components(edges, directed=False)[1]
