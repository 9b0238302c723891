"""P-values for "Y is independent of E given f(X)".

stratified_permutation_test(f, y, environment).p_value            # discrete f
conditional_randomisation_test(f, y, environment,                 # continuous f
                               auxiliary_f=..., auxiliary_environment=...).p_value

| f | function | level |
|---|---|---|
| discrete | `stratified_permutation_test` | exact |
| continuous, with other samples | `conditional_randomisation_test` | as good as p(E | f) is known |
| continuous, without | `local_permutation_test` | as good as p(E | f) is constant nearby |
| continuous, up to 1000 samples | `kernel_independence.kci_test` | asymptotic |

For continuous f no test holds its level against every null and has power besides (Shah & Peters
2020, arXiv:1804.07203): the levels of the last three are measured, not proved.

A large p-value does not show that f is invariant. f = (c, s) may leave nothing of E to test, and a
constant f passes where Y does not depend on E: read it beside `informative`, the gap, the overlap
and the accuracy.
"""

from typing import Any

import numpy as np
from sklearn.neighbors import KDTree
from sklearn.preprocessing import StandardScaler

from causal_ssl.analysis._ci_environment import drawn, environment_model, shuffled_within
from causal_ssl.analysis._ci_features import basis, directions
from causal_ssl.analysis._ci_inputs import Ints, Triples, auxiliary, triples
from causal_ssl.analysis._ci_pairwise import pairwise_tests
from causal_ssl.analysis._ci_result import (
    INDEPENDENCE,
    NullTest,
    nothing_to_test,
    randomised_p_value,
)
from causal_ssl.analysis._ci_score import informative, score_statistic
from causal_ssl.analysis._ci_tables import by_value, information, permuted_tables, tables_of
from causal_ssl.analysis._splits import Floats
from causal_ssl.errors import in_range
from causal_ssl.randomness import derived_seed

__all__ = [
    "NullTest",
    "conditional_randomisation_test",
    "local_permutation_test",
    "pairwise_tests",
    "stratified_permutation_test",
]


def stratified_permutation_test(
    f: Any, y: Any, environment: Any, *, n_permutations: int = 199, seed: int = 0
) -> NullTest:
    """Exact test for discrete f: E is permuted among the samples of each value of f.

    Given f and Y, environments within one value of f are exchangeable under the null, so the
    randomised p-value is exactly uniform, whatever the size of the sample.

    Args:
        f: (n,) labels, or (n, d) of which each distinct row is a value.
        y: (n,), a class a sample.
        environment: (n,), the intervention under which each sample was drawn.
        n_permutations: how many.
        seed: of the permutations and of the random order of ties.

    Returns:
        statistic: plug-in I(Y; E | f) in nats, in [0, log 2, ...], biased up. informative: the
        share of samples whose value of f occurs with two environments and two classes; the others
        contribute nothing. With one environment or one class in all, p = 1.

    Raises:
        InputError: NaN, lengths that differ, fewer than two samples, f with a value for each
            sample.

    Examples:
        >>> content, style = np.arange(200) % 2, np.arange(200) // 2 % 2
        >>> stratified_permutation_test(content ^ style, content, style).p_value < 0.01
        True
        >>> test = stratified_permutation_test(content, content, style)
        >>> test.informative, test.note
        (0.0, 'no value of f has two environments and two classes: the p-value is pure chance')
    """
    method = "stratified_permutation"
    in_range("n_permutations", n_permutations, at_least=1)
    sample = by_value(f, y, environment)
    if reason := sample.trivial():
        return nothing_to_test(INDEPENDENCE, method, sample.n, reason)
    generator = np.random.default_rng(derived_seed(seed, method))
    observed, permuted, used = 0.0, np.zeros(n_permutations), 0
    for table in tables_of(sample):
        observed += float(information(table))
        permuted += information(permuted_tables(table, n_permutations, generator))
        used += int(table.sum())
    note = "" if used else "no value of f has two environments and two classes: "
    return NullTest(
        null=INDEPENDENCE,
        method=method,
        statistic=observed / sample.n,
        p_value=randomised_p_value(observed, permuted, generator.random()),
        n=sample.n,
        n_resamples=n_permutations,
        informative=used / sample.n,
        note=note and note + "the p-value is pure chance",
    )


def conditional_randomisation_test(
    f: Any,
    y: Any,
    environment: Any,
    *,
    auxiliary_f: Any,
    auxiliary_environment: Any,
    n_resamples: int = 199,
    minimum_ratio: float = 10.0,
    seed: int = 0,
) -> NullTest:
    """Test for continuous f: E is redrawn from p(E | f), learnt on separate samples.

    With the true p(E | f) the p-value would be exactly uniform. It is learnt by a multinomial
    logistic regression on quadratic and kernel features of f, and the statistic is built so that
    errors within these features count to second order only (`_ci_score`).

    Args:
        f: (n, d_f) or (n,), in any units; d_f up to about 10.
        y: (n,), a class a sample.
        environment: (n,), the intervention under which each sample was drawn.
        auxiliary_f: (m, d_f), the representation of other samples from the same law.
        auxiliary_environment: (m,), their environments; their labels are not needed.
        n_resamples: how often E is redrawn.
        minimum_ratio: how many auxiliary samples there must be for each tested one.
        seed: of the draws and of the features' landmarks.

    Returns:
        statistic: a sum of squared, whitened cross products of Y and E, over its mean under the
        null: 1 if Y is independent of E given f. informative: the share of the variance of E that
        f leaves. With one environment or one class in all, p = 1.

    Raises:
        InputError: NaN, lengths that differ, fewer than two samples, too few auxiliary samples, an
            environment that they lack or that has another share among them.

    Candes et al. 2018 (arXiv:1610.02351), section 4.

    Examples:
        >>> random = np.random.default_rng(0)
        >>> content, style = random.normal(size=(2, 2200))
        >>> style += (environment := random.integers(2, size=2200))
        >>> def test(f, y):
        ...     other = {"auxiliary_f": f[200:], "auxiliary_environment": environment[200:]}
        ...     return conditional_randomisation_test(f[:200], y[:200], environment[:200], **other)
        >>> test(content * np.sign(style), content > 0).p_value < 0.01
        True
        >>> test(np.stack([content, style], axis=1), content > 0).p_value > 0.05
        True
    """
    method = "conditional_randomisation"
    in_range("n_resamples", n_resamples, at_least=1)
    sample = triples(f, y, environment)
    other = auxiliary(sample, auxiliary_f, auxiliary_environment, minimum_ratio)
    if reason := sample.trivial():
        return nothing_to_test(INDEPENDENCE, method, sample.n, reason)
    features, learnt_on = basis(other.f, derived_seed(seed, "features"))
    model = environment_model(learnt_on, other.environment, derived_seed(seed, "held out"))
    tested = features.transform(sample.f)
    probability = model.predict_proba(tested)
    generator = np.random.default_rng(derived_seed(seed, method))
    draws = drawn(probability, n_resamples, generator)
    note = f"p(E | f) learnt from {len(other.f)} samples, {len(other.f) / sample.n:.3g} for each"
    return _scored(method, sample, probability, tested, draws, generator, note)


def local_permutation_test(
    f: Any,
    y: Any,
    environment: Any,
    *,
    block_size: int = 10,
    n_permutations: int = 199,
    seed: int = 0,
) -> NullTest:
    """Test for continuous f without other samples: E is permuted among near neighbours in f.

    The level holds approximately: p(E | f) is taken as constant within each block of neighbours,
    and what it varies there makes the test reject too often.

    Args:
        f: (n, d_f) or (n,), in any units; neighbours are found after standardising.
        y: (n,), a class a sample.
        environment: (n,), the intervention under which each sample was drawn.
        block_size: samples a block, between this and twice it.
        n_permutations: how many.
        seed: of the permutations and of the features' landmarks.

    Returns:
        As `conditional_randomisation_test`, with the shares of the environments in each block in
        the place of p(E | f).

    Raises:
        InputError: NaN, lengths that differ, fewer than two samples, a block size outside 2..n.

    Kim et al. 2022 (arXiv:2112.11666).

    Examples:
        >>> random = np.random.default_rng(0)
        >>> content, style = random.normal(size=(2, 200))
        >>> style += (environment := random.integers(2, size=200))
        >>> f = content * np.sign(style)
        >>> local_permutation_test(f, content > 0, environment).p_value < 0.01
        True
    """
    method = "local_permutation"
    in_range("n_permutations", n_permutations, at_least=1)
    sample = triples(f, y, environment)
    in_range("block_size", block_size, at_least=2, at_most=sample.n)
    if reason := sample.trivial():
        return nothing_to_test(INDEPENDENCE, method, sample.n, reason)
    block = _blocks(sample.f, block_size)
    generator = np.random.default_rng(derived_seed(seed, method))
    draws = shuffled_within(block, sample.environment, n_permutations, generator)
    counts = np.zeros((block.max() + 1, len(sample.environments)))
    np.add.at(counts, (block, sample.environment), 1)
    probability = (counts / counts.sum(axis=1, keepdims=True))[block]
    _, features = basis(sample.f, derived_seed(seed, "features"))
    note = f"{len(counts)} blocks of neighbours"
    return _scored(method, sample, probability, features, draws, generator, note)


def _blocks(f: Floats, size: int) -> Ints:
    """(n,), the block of each sample: boxes from splitting the widest coordinate at its median."""
    tree = KDTree(StandardScaler().fit_transform(f), leaf_size=size)
    _, order, nodes, _ = tree.get_arrays()
    block = np.empty(len(f), dtype=np.int64)
    for k, leaf in enumerate(nodes[nodes["is_leaf"] == 1]):
        block[order[leaf["idx_start"] : leaf["idx_end"]]] = k
    return block


def _scored(
    method: str,
    sample: Triples,
    probability: Floats,
    features: Floats,
    draws: Ints,
    generator: np.random.Generator,
    note: str,
) -> NullTest:
    """The test whose resampled environments are `draws` (n, B), with expectation `probability`."""
    seed = int(generator.integers(2**32))
    statistic = score_statistic(sample.y, probability, directions(sample.f, seed), features)
    observed, *_ = values = statistic(np.column_stack([sample.environment, draws]))
    mean = float(values[1:].mean())
    return NullTest(
        null=INDEPENDENCE,
        method=method,
        statistic=float(observed) / mean if mean > 0 else 0.0,
        p_value=randomised_p_value(float(observed), values[1:], generator.random()),
        n=sample.n,
        n_resamples=draws.shape[1],
        informative=informative(probability),
        note=note,
    )
