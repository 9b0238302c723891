"""Random confounded models with prescribed partitions: the Causal Coarsening Theorem at work.

    scm = confounded_model(Partition([0, 0, 1]), seed=0)
    observational_partition(scm).refines(causal_partition(scm))
    coarsening_checks(300, seed=0)      # the same for many models, a row each

Parameters drawn without constraint make both partitions singletons, and singletons refine
everything. So three partitions of the images are prescribed:

| partition     | images of one class have                            | default      |
|---------------|-----------------------------------------------------|--------------|
| `causal`      | the same effect P(T | do(i))                        |              |
| `mechanism`   | the same P(T | i, H); refines `causal`              | `causal`     |
| `confounding` | the same P(H | i): they tell equally much of H      | singletons   |

With `mechanism` = `causal` the target reads nothing of an image but its causal class; a finer one
is the theorem's general case, where only effects agree. The model is H -> I, H -> T, I -> T with

    p(i | h) = p(class of i | h) p(i | its class)                       classes of `confounding`
    p(t | i, h) = e(t) / 2 + (1 + r(t | h) - sum_h' p(h') r(t | h')) / 2k

where T has k values, each class of `causal` a law e and each class of `mechanism` laws r(. | h).
The second term has mean 1 / 2k under p(h), so that P(T = t | do(i)) = e(t) / 2 + 1 / 2k whatever r.
All laws are integer weights over their sum, drawn uniformly from 1..GRID.

Why the refinement holds, with a number: take i and j of different causal classes. Given all but
their two e, P(T = 0 | i) = P(T = 0 | j) is an equation of degree 2 in the weights of these, and no
identity, so that at most 2 / GRID of all weights satisfy it (Schwartz and Zippel). A model with m
such pairs breaks the refinement with probability at most 2 m / GRID. These models fill an open set
among all with the prescribed partitions, a connected family on which the equation is polynomial:
what hardly ever holds there holds almost nowhere.
"""

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causal_ssl.errors import InputError, in_range
from causal_ssl.partitions import Partition
from causal_ssl.randomness import derived_seed
from causal_ssl.scm.coarsening import causal_partition, observational_partition
from causal_ssl.scm.finite import FiniteSCM, Table

GRID = 10**9
"""Of the weights: among a million pairs of images, a coincidence has a chance below 1 in 500."""


def confounded_model(
    causal: Partition,
    *,
    mechanism: Partition | None = None,
    confounding: Partition | None = None,
    n_hidden: int = 2,
    n_targets: int = 2,
    seed: int,
) -> FiniteSCM:
    """A random model of a hidden H, images I and a target T with prescribed partitions of images.

    Its causal partition is `causal`, but for a chance of at most 2 / GRID for each pair of classes.
    Its observational partition is `mechanism.meet(confounding)`, but for coincidences as rare;
    where nothing is confounded (one class of `confounding`, or one value of H) it is the causal
    one, always.

    Args:
        causal, mechanism, confounding: partitions of the images 0..n-1, see the module.
        n_hidden, n_targets: values of H and of T, at least 1 and 2.
        seed: of the draw.

    Returns:
        Variables H, I, T in fractions, every probability positive.

    Raises:
        InputError: partitions of different numbers of images, a mechanism that does not refine
            `causal`, a size below its least.

    Examples:
        >>> prescribed = Partition([0, 0, 1])
        >>> scm = confounded_model(prescribed, seed=0)
        >>> causal_partition(scm) == prescribed
        True
        >>> observational_partition(scm).labels.tolist()  # confounding tells images 0 and 1 apart
        [0, 1, 2]
    """
    mechanism = causal if mechanism is None else mechanism
    confounding = Partition.finest(causal.n) if confounding is None else confounding
    in_range("n_hidden", n_hidden, at_least=1)
    k = in_range("n_targets", n_targets, at_least=2)
    if confounding.n != causal.n:
        raise InputError(
            f"confounding is a partition of {confounding.n} images and causal of {causal.n}: "
            "partition the same images"
        )
    effect_of = mechanism.map_to(causal)
    random = np.random.default_rng(derived_seed(seed, "confounded model"))

    hidden = _laws(random, n_hidden)
    evidence = _laws(random, n_hidden, confounding.n_classes)[:, confounding.labels]
    images = evidence * _shares(random, confounding)

    effects = _laws(random, causal.n_classes, k)
    readings = _laws(random, mechanism.n_classes, n_hidden, k)
    deviations = readings - np.einsum("h,mht->mt", hidden, readings)[:, None]
    responses = effects[effect_of][:, None] / 2 + (1 + deviations) / (2 * k)
    return FiniteSCM(
        {
            "H": hidden,
            "I": Table(("H",), images),
            "T": Table(("I", "H"), responses[mechanism.labels]),
        }
    )


def coarsening_checks(n_models: int, *, seed: int) -> pd.DataFrame:
    """Whether the observational partition refines the causal one, for models drawn at random.

    Prescriptions are drawn too: 3 to 8 images, 1 to 3 hidden and 2 or 3 target values; at least two
    causal classes, one of them of several images; the general mechanism in half of the models;
    from no confounding to as many classes of it as there are images.

    Args:
        n_models: how many.
        seed: model i is a function of the seed and i.

    Returns:
        A row a model: model (0..n_models-1), images, causal_classes, observational_classes,
        as_prescribed (the causal partition is), refines, strictly_finer (the observational
        partition refines the causal one and is another).

    Raises:
        InputError: n_models below 1.

    Examples:
        >>> checks = coarsening_checks(20, seed=0)
        >>> bool(checks["refines"].all()), bool(checks["strictly_finer"].any())
        (True, True)
    """
    in_range("n_models", n_models, at_least=1)
    return pd.DataFrame([_check(model, seed) for model in range(n_models)])


def _check(model: int, seed: int) -> dict[str, Any]:
    random = np.random.default_rng(derived_seed(seed, "coarsening", model))
    n = int(random.integers(3, 9))
    # Images 0 and 1 together, 2 apart from them: neither trivial nor the finest.
    labels = np.array([0, 0, 1, *random.integers(0, n - 1, n - 3)])
    causal = Partition(random.permutation(labels))
    general = bool(random.integers(2))
    scm = confounded_model(
        causal,
        mechanism=causal.meet(Partition(random.integers(0, n, n))) if general else causal,
        confounding=Partition(random.integers(0, random.integers(1, n + 1), n)),
        n_hidden=int(random.integers(1, 4)),
        n_targets=int(random.integers(2, 4)),
        seed=derived_seed(seed, "parameters", model),
    )
    found, observed = causal_partition(scm), observational_partition(scm)
    refines = observed.refines(found)
    return {
        "model": model,
        "images": n,
        "causal_classes": found.n_classes,
        "observational_classes": observed.n_classes,
        "as_prescribed": found == causal,
        "refines": refines,
        "strictly_finer": refines and observed != found,
    }


def _laws(random: np.random.Generator, *shape: int) -> NDArray[Any]:
    """Laws along the last axis."""
    weights = _weights(random, *shape)
    return weights / weights.sum(-1, keepdims=True)


def _shares(random: np.random.Generator, partition: Partition) -> NDArray[Any]:
    """(n,), a law within each class."""
    weights = _weights(random, partition.n)
    totals = np.full(partition.n_classes, Fraction(0))
    np.add.at(totals, partition.labels, weights)
    return weights / totals[partition.labels]


def _weights(random: np.random.Generator, *shape: int) -> NDArray[Any]:
    # Python's integers times a fraction: an array of fractions.
    return random.integers(1, GRID, shape, endpoint=True).astype(object) * Fraction(1)
