"""A test between each two environments, adjusted for their number."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from causal_ssl._labels import label_array
from causal_ssl.analysis._ci_inputs import triples
from causal_ssl.analysis._ci_result import NullTest
from causal_ssl.analysis._splits import matrix_of
from causal_ssl.analysis.multiple_testing import holm
from causal_ssl.errors import InputError


def pairwise_tests(
    test: Callable[..., NullTest],
    f: Any,
    y: Any,
    environment: Any,
    *,
    auxiliary_f: Any = None,
    auxiliary_environment: Any = None,
    **options: Any,
) -> pd.DataFrame:
    """Which two environments break "Y is independent of E given f(X)"?

    Args:
        test: `stratified_permutation_test`, `local_permutation_test`,
            `conditional_randomisation_test` or one called like them; it sees the samples of two
            environments at a time.
        f: (n, d_f), the representation.
        y: (n,), a class a sample.
        environment: (n,), at least two different ones.
        auxiliary_f, auxiliary_environment: (m, d_f) and (m,), for the test that takes them.
        **options: further arguments of the test.

    Returns:
        A row each unordered pair, environments in order of appearance: environment, against,
        p_value, p_value_holm (adjusted over all pairs), statistic, informative, n, null.

    Raises:
        InputError: a single environment, an auxiliary sample without its environments, or what the
            test refuses.

    Examples:
        >>> from causal_ssl.analysis.conditional_independence import stratified_permutation_test
        >>> random = np.random.default_rng(0)
        >>> e, c = np.arange(300) % 3, random.integers(2, size=300)
        >>> flipped = c ^ (e == 2)  # the third environment turns the label's meaning round
        >>> found = pairwise_tests(stratified_permutation_test, flipped[:, None], c, e)
        >>> (found["p_value_holm"] < 0.05).tolist()  # of 0-1, 0-2 and 1-2
        [False, True, True]
    """
    sample = triples(f, y, environment)
    if len(sample.environments) < 2:
        raise InputError(
            f"all samples have environment {sample.environments[0]!r}: pairs need two at least"
        )
    if (auxiliary_f is None) != (auxiliary_environment is None):
        raise InputError("auxiliary_f and auxiliary_environment go together: pass both or neither")
    learnt = None if auxiliary_f is None else matrix_of("auxiliary_f", auxiliary_f)
    labels, other, classes = (label_array(a) for a in (environment, auxiliary_environment, y))
    rows = []
    for a, b in combinations(range(len(sample.environments)), 2):
        pair = [sample.environments[a], sample.environments[b]]
        own = np.isin(sample.environment, (a, b))
        extra: dict[str, Any] = {}
        if learnt is not None:
            kept = np.isin(other, pair)
            extra["auxiliary_f"] = learnt[kept]
            extra["auxiliary_environment"] = other[kept]
        found = test(sample.f[own], classes[own], labels[own], **extra, **options)
        rows.append(
            {
                "environment": pair[0],
                "against": pair[1],
                "p_value": found.p_value,
                "statistic": found.statistic,
                "informative": found.informative,
                "n": found.n,
                "null": found.null,
            }
        )
    table = pd.DataFrame(rows)
    table.insert(3, "p_value_holm", holm(table["p_value"]))
    return table
