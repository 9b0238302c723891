"""p(E | f) learnt from separate samples, and environments drawn from it."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from causal_ssl.analysis._ci_inputs import Ints
from causal_ssl.analysis._splits import Floats

INVERSE_PENALTIES = (0.01, 0.1, 1.0)


def environment_model(features: Floats, environment: Ints, seed: int) -> LogisticRegression:
    """Multinomial logistic regression, its penalty chosen by the log loss on a held-out fifth.

    Args:
        features: (m, k), standardised.
        environment: (m,), at least two samples of each.
        seed: of the held-out fifth.

    Returns:
        Fitted on all samples; `predict_proba` has a column an environment.
    """
    fit, held_out = train_test_split(
        np.arange(len(environment)), test_size=0.2, stratify=environment, random_state=seed % 2**32
    )
    features = features.astype(np.float32)  # half the time of float64, held-out loss equal to 2e-5
    # From the strongest penalty on, each fit starts where the last one ended.
    model = LogisticRegression(tol=1e-3, max_iter=1000, warm_start=True)
    best, least = INVERSE_PENALTIES[0], np.inf
    for c in INVERSE_PENALTIES:
        model.set_params(C=c).fit(features[fit], environment[fit])
        predicted = model.predict_proba(features[held_out])
        loss = log_loss(environment[held_out], predicted, labels=model.classes_)
        if loss >= least:
            break
        best, least = c, loss
    return model.set_params(C=best).fit(features, environment)


def drawn(probability: Floats, n_draws: int, generator: np.random.Generator) -> Ints:
    """(n, n_draws), environments drawn independently from the rows of (n, n_environments)."""
    below = probability.cumsum(axis=1)[:, None, :-1]
    chance = generator.random((len(probability), n_draws, 1))
    return (chance > below).sum(axis=2)


def shuffled_within(
    block: Ints, environment: Ints, n_draws: int, generator: np.random.Generator
) -> Ints:
    """(n, n_draws), environments (n,) permuted at random among the samples of each block (n,)."""
    rows = np.argsort(block, kind="stable")
    keys = block[:, None] + generator.random((len(block), n_draws))
    draws = np.empty(keys.shape, dtype=np.int64)
    draws[rows] = environment[np.argsort(keys, axis=0)]
    return draws
