"""Do two interventions leave the representation of a unit as it is? An exact test on pairs.

paired_swap_test(f(x_crop), f(x_blur), interventions=("crop", "blur"), y=y).p_value

Its null is stronger than "Y is independent of E given f(X)": the pairs of a representation that
splits into content and style, f = (c, s), refute it, though p(Y | f(X)) is the same under both.
"""

from collections.abc import Hashable
from typing import Any

import numpy as np
from sklearn.kernel_approximation import Nystroem
from sklearn.preprocessing import StandardScaler

from causal_ssl.analysis._ci_features import LANDMARKS, MIDDLE
from causal_ssl.analysis._ci_inputs import labels_of
from causal_ssl.analysis._ci_result import NullTest, randomised_p_value
from causal_ssl.analysis._splits import Floats, matrix_of
from causal_ssl.errors import InputError, in_range
from causal_ssl.randomness import derived_seed

METHOD = "paired_swap"


def paired_swap_test(
    first: Any,
    second: Any,
    *,
    interventions: tuple[Hashable, Hashable],
    y: Any = None,
    n_swaps: int = 199,
    seed: int = 0,
) -> NullTest:
    """Exact test that swapping the two representations of a unit changes nothing in distribution.

    Row i of both belongs to the same unit, seen under do(S = a) and under do(S = b): counterfactual
    views. Under the null each pair may be swapped at random, so the randomised p-value is exactly
    uniform, at any number of pairs. Units must be independent of each other.

    What is compared are the means of the representation and of local functions of it, over all
    units and, where y is given, within each class: a difference between the laws of (f(X), Y) under
    the two interventions shows, one that only the pairing knows of does not.

    Args:
        first: (n, d_f) or (n,), the representation of each unit under the first intervention.
        second: as `first`, under the second.
        interventions: the two labels. Two views drawn alike, as by one random augmentation, are
            exchangeable however much they differ, and so refused.
        y: (n,), a class a unit, if differences within classes are to be seen.
        n_swaps: how many random sets of pairs to swap.
        seed: of these and of the local functions.

    Returns:
        statistic: the squared norm of the mean difference, over its mean under the null: 1 if
        there is no difference. informative: the share of units whose two representations differ.

    Raises:
        InputError: NaN, shapes or lengths that differ, fewer than two pairs, two equal labels.

    Examples:
        >>> random = np.random.default_rng(0)
        >>> content, style = random.normal(size=(2, 50))
        >>> test = paired_swap_test(content, content + 0.2 * style**2, interventions=("a", "b"))
        >>> test.p_value < 0.01
        True
        >>> paired_swap_test(content, content, interventions=("a", "b")).informative
        0.0
    """
    a, b = interventions
    if a == b:
        raise InputError(
            f"both members of the pairs have intervention {a!r}: two draws from one law are "
            "exchangeable by construction, whatever the representation does with them; pass views "
            "under two different interventions"
        )
    in_range("n_swaps", n_swaps, at_least=1)
    pair = matrix_of("first", first), matrix_of("second", second)
    if pair[0].shape != pair[1].shape or len(pair[0]) < 2:
        raise InputError(
            f"first has shape {pair[0].shape} and second {pair[1].shape}: expected the same units "
            "in the same order, two at least"
        )
    n = len(pair[0])
    label = np.zeros(n, dtype=np.int64) if y is None else labels_of("y", y, n).labels
    difference = _differences(*pair, label, derived_seed(seed, "landmarks"))
    generator = np.random.default_rng(derived_seed(seed, METHOD))
    signs = generator.choice([-1.0, 1.0], size=(n_swaps, n))
    norms = np.square(np.vstack([np.ones(n), signs]) @ difference).sum(axis=1)
    mean, moved = float(norms[1:].mean()), float((pair[0] != pair[1]).any(axis=1).mean())
    return NullTest(
        null=f"the representation of a unit has one law under {a!r} and {b!r}: "
        "swapping the two changes nothing",
        method=METHOD,
        statistic=float(norms[0]) / mean if mean > 0 else 0.0,
        p_value=randomised_p_value(float(norms[0]), norms[1:], generator.random()),
        n=n,
        n_resamples=n_swaps,
        informative=moved,
        note="" if moved else "the two representations of each unit are equal: pure chance",
    )


def _differences(first: Floats, second: Floats, label: Any, seed: int) -> Floats:
    """(n, k), functions of first minus the same of second, a block for all units and each class.

    The functions must not change when pairs are swapped, or the test would not be exact: means and
    deviations are those of both together, and a unit lends both members or neither as landmarks.
    """
    n, d = first.shape
    scaler = StandardScaler().fit(np.vstack([first, second]))
    pair = scaler.transform(first), scaler.transform(second)
    units = np.random.default_rng(seed).permutation(n)[: LANDMARKS // 2]
    landmarks = np.vstack([z[units] for z in pair])
    kernel = Nystroem(gamma=1 / (2 * d * MIDDLE**2), n_components=len(landmarks), random_state=0)
    kernel.fit(landmarks)
    before, after = (np.hstack([z / np.sqrt(d), kernel.transform(z)]) for z in pair)
    share = np.bincount(label) / n
    block = np.hstack([np.ones((n, 1)), np.eye(len(share))[label] / np.sqrt(share)])
    return (block[:, :, None] * (before - after)[:, None, :]).reshape(n, -1)
