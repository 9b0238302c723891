"""Random finite models for property tests: worlds, environments, representations, proxies, tasks.

rng = np.random.default_rng(derived_seed(0, "example"))
scm = random_world(rng)                                         # C, S and X, with C -> S or without
proxy = random_partition(rng, scm.domains["C"], n_classes=3)
scm = scm.extend(
    F=random_representation(rng, scm, kind="stochastic"),
    Y_R=partition_table(proxy, "C"),
    Y_t=partition_table(random_coarsening(rng, proxy), "C"),
)
environments = random_environments(rng, scm, kind="soft")

Every probability is an exact 0 or a multiple of 1e-6, so that supports are meant as they are, no
law is close to degenerate by accident, and the same draw can be had in fractions (`exact=True`).
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from causal_ssl.errors import InputError, in_range, one_of
from causal_ssl.partitions import Partition
from causal_ssl.scm.finite import FiniteSCM
from causal_ssl.scm.finite_invariance import Environment, hard_environments
from causal_ssl.scm.tables import Table, function_table

GRID = 1_000_000

Mixing = Literal["injective", "merging", "noisy"]
Kind = Literal["deterministic", "stochastic", "entangled"]
EnvironmentKind = Literal["hard", "soft", "mixed"]
Generator = np.random.Generator


def random_table(
    rng: Generator,
    parents: Sequence[str],
    shape: Sequence[int],
    *,
    p_zero: float = 0.0,
    exact: bool = False,
) -> Table:
    """A table with rows drawn at random.

    Args:
        rng: numpy's generator.
        parents: names, one for each leading axis.
        shape: (k_parent_1, ..., k_parent_m, k).
        p_zero: probability with which each entry is an exact 0; at least one a row is not.
        exact: in fractions instead of float64; the probabilities are the same.

    Examples:
        >>> rows = random_table(np.random.default_rng(0), ["C"], (2, 3)).probabilities
        >>> rows.shape, bool((rows >= 1 / GRID).all())
        ((2, 3), True)
    """
    counts = _counts(rng, tuple(shape), p_zero)
    if not exact:
        return Table(parents, counts / GRID)
    fractions = [Fraction(count, GRID) for count in counts.ravel().tolist()]
    return Table(parents, np.array(fractions, dtype=object).reshape(shape))


def _counts(rng: Generator, shape: tuple[int, ...], p_zero: float) -> NDArray[np.int64]:
    """Whole numbers whose rows sum to `GRID`, from even to lopsided."""
    values = np.arange(shape[-1])
    support = rng.random(shape) >= p_zero
    support |= values == rng.integers(shape[-1], size=shape[:-1])[..., None]
    # The power spreads rows from nearly uniform to nearly one-hot.
    weight = support * rng.standard_exponential(shape) ** rng.choice([0.5, 1.0, 3.0])
    share = weight / weight.sum(-1, keepdims=True)
    to_share = GRID - support.sum(-1, keepdims=True)
    counts = support + np.floor(share * to_share).astype(np.int64)
    largest = values == counts.argmax(-1)[..., None]
    return counts + largest * (GRID - counts.sum(-1, keepdims=True))


def random_world(
    rng: Generator,
    *,
    mixing: Mixing = "injective",
    content_causes_style: bool | None = None,
    exact: bool = False,
) -> FiniteSCM:
    """Content C with 3 to 6 values, style S with 2 or 3, and the observation X they are mixed to.

    Args:
        rng: numpy's generator.
        mixing: "injective" (X is a renaming of the pairs (C, S)), "merging" (a function that maps
            several pairs to one value) or "noisy" (a stochastic table).
        content_causes_style: whether C -> S; None: in half the models.
        exact: in fractions.

    Raises:
        InputError: an unknown mixing.

    Examples:
        >>> scm = random_world(np.random.default_rng(0), content_causes_style=True)
        >>> list(scm.graph.edges)
        [('C', 'S'), ('C', 'X'), ('S', 'X')]
    """
    one_of("mixing", mixing, get_args(Mixing))
    n_content, n_style = int(rng.integers(3, 7)), int(rng.integers(2, 4))
    return FiniteSCM(
        {
            "C": random_table(rng, [], (n_content,), p_zero=0.1, exact=exact),
            "S": random_style_table(
                rng, n_content, n_style, from_content=content_causes_style, p_zero=0.2, exact=exact
            ),
            "X": random_mixing(rng, {"C": n_content, "S": n_style}, mixing, exact=exact),
        }
    )


def random_style_table(
    rng: Generator,
    n_content: int,
    n_style: int,
    *,
    from_content: bool | None = None,
    p_zero: float = 0.0,
    exact: bool = False,
) -> Table:
    """The table of style S, given content C or by itself; None: either, at even odds."""
    if rng.integers(2) if from_content is None else from_content:
        return random_table(rng, ["C"], (n_content, n_style), p_zero=p_zero, exact=exact)
    return random_table(rng, [], (n_style,), p_zero=p_zero, exact=exact)


def random_mixing(
    rng: Generator, parents: Mapping[str, int], mixing: Mixing = "injective", *, exact: bool = False
) -> Table:
    """The table of X given the variables (name -> number of values) that are mixed to it."""
    shape = tuple(parents.values())
    cells = int(np.prod(shape))
    if mixing == "noisy":
        size = int(rng.integers(2, cells + 1))
        return random_table(rng, list(parents), (*shape, size), p_zero=0.5, exact=exact)
    size = cells if mixing == "injective" else int(rng.integers(2, cells))
    values = rng.permutation(cells) if mixing == "injective" else rng.integers(size, size=cells)
    return lookup_table(values.reshape(shape), tuple(parents), size)


def random_representation(
    rng: Generator, scm: FiniteSCM, *, kind: Kind = "deterministic", exact: bool = False
) -> Table:
    """The table of a representation F given X.

    Args:
        rng: numpy's generator.
        scm: a model with C, S and X.
        kind: "deterministic" (a random function of x), "stochastic" (a random table) or
            "entangled" ((c + s) mod k, read off x; mixing must be injective).
        exact: in fractions.

    Raises:
        InputError: an unknown kind; "entangled" where x does not determine (c, s).
    """
    one_of("kind of representation", kind, get_args(Kind))
    n = scm.domains["X"]
    if kind == "entangled":
        k = scm.domains["C"]
        return read_off(scm, lambda content, style: (content + style) % k)
    size = int(rng.integers(2, min(n, 6) + 1))
    if kind == "stochastic":
        return random_table(rng, ["X"], (n, size), p_zero=0.3, exact=exact)
    return lookup_table(rng.integers(size, size=n), ("X",), size)


def read_off(scm: FiniteSCM, function: Callable[..., int]) -> Table:
    """The table of a function of X's parents, read off X, which must determine them.

    Args:
        scm: a model with X.
        function: of the values of X's parents, in the table's order.

    Raises:
        InputError: the mixing is not injective.
    """
    table = scm.mechanisms["X"]
    pairs = np.argwhere(table.probabilities)
    if not table.deterministic or len(np.unique(pairs[:, -1])) < len(pairs):
        raise InputError(
            "x does not determine the variables mixed to it: draw a model whose mixing is injective"
        )
    values = {x: function(*latents) for *latents, x in pairs.tolist()}
    # A value of x that nothing is mixed to has probability 0, wherever it is sent.
    return function_table(lambda x: values.get(x, 0), {"X": table.size})


def random_environments(
    rng: Generator, scm: FiniteSCM, *, kind: EnvironmentKind = "hard", exact: bool = False
) -> dict[str, Environment]:
    """Interventions on style S: name -> intervention, as `invariance_gap` takes them.

    Args:
        rng: numpy's generator.
        scm: a model with C and S.
        kind: "hard" (each value of S), "soft" (two or three laws of S, each with full support and
            in half the draws dependent on content) or "mixed" (hard ones, soft ones, and the model
            as it is).
        exact: in fractions.

    Raises:
        InputError: an unknown kind.
    """
    one_of("kind of environments", kind, get_args(EnvironmentKind))
    hard: dict[str, Environment] = {**hard_environments(scm, "S")}
    if kind == "hard":
        return hard
    sizes = scm.domains["C"], scm.domains["S"]
    soft: dict[str, Environment] = {
        f"soft {i}": {"S": random_style_table(rng, *sizes, exact=exact)}
        for i in range(rng.integers(2, 4))
    }
    return soft if kind == "soft" else {"as it is": {}, **hard, **soft}


def random_partition(rng: Generator, n: int, n_classes: int) -> Partition:
    """A partition of the values 0..n-1 into that many classes.

    Raises:
        InputError: not 1 to n classes.

    Examples:
        >>> random_partition(np.random.default_rng(0), 5, 3).n_classes
        3
    """
    in_range("n_classes", n_classes, at_least=1, at_most=n)
    every, others = np.arange(n_classes), rng.integers(n_classes, size=n - n_classes)
    return Partition(rng.permutation(np.concatenate([every, others])))


def random_coarsening(rng: Generator, proxy: Partition) -> Partition:
    """A task that the proxy refines: some of its classes merged, at least two left if it has two.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> proxy = random_partition(rng, 6, 4)
        >>> proxy.refines(random_coarsening(rng, proxy))
        True
    """
    n = proxy.n_classes
    if n <= 2:
        return proxy
    merged = random_partition(rng, n, int(rng.integers(2, n)))
    return Partition(merged.labels[proxy.labels])


def random_unrefined(rng: Generator, proxy: Partition) -> Partition:
    """A task that the proxy does not refine: it separates values that the proxy merges.

    Raises:
        InputError: the proxy is the finest partition, which refines every task.
    """
    if proxy.n_classes == proxy.n:
        raise InputError(f"the finest partition of {proxy.n} values refines every task: merge some")
    while True:
        task = random_partition(rng, proxy.n, int(rng.integers(2, proxy.n + 1)))
        if not proxy.refines(task):
            return task


def partition_table(partition: Partition, parent: str) -> Table:
    """The table of the variable that says in which class of the partition its parent lies.

    Examples:
        >>> partition_table(Partition(["a", "b", "a"]), "C").probabilities.tolist()
        [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    return lookup_table(partition.labels, (parent,), partition.n_classes)


def lookup_table(values: NDArray[np.int64], parents: tuple[str, ...], size: int) -> Table:
    """The table of a variable below `size` that is `values[parents]`."""
    return Table(parents, np.eye(size)[values])
