"""Cross-fitted predictions of a task and of the environment: what every measure here reads off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from causal_ssl.analysis._invariance_samples import samples_of
from causal_ssl.analysis.probes import PROBES, Floats, Ints, Probe
from causal_ssl.errors import InputError, one_of
from causal_ssl.partitions import Partition
from causal_ssl.randomness import derived_seed

Coarsenings = Mapping[str, Any]
"""Name of a task -> map from the finest labels to its labels, as `Partition.coarsen` takes it."""


@dataclass(frozen=True, eq=False)
class CrossFit:
    """Predictions at every sample by probes that were fitted on the other folds.

    Attributes:
        probe: the probe class.
        labels: (n,), the class of each sample, 0..C-1.
        classes: the C names of the classes.
        environment: (n,), under which environment each sample was drawn, 0..E-1.
        environments: the E names of the environments, sorted.
        unit: (n,); samples of one unit are dependent.
        within: (n, E, C), q(y | f, e): at [i, e] the prediction for sample i by the probe that was
            fitted under environment e; above 0, rows sum to 1.
        posterior: (n, E), q(e | f), with the environments as frequent as among the samples.
    """

    probe: str
    labels: Ints
    classes: tuple[Any, ...]
    environment: Ints
    environments: tuple[Any, ...]
    unit: Ints
    within: Floats
    posterior: Floats

    @cached_property
    def pooled(self) -> Floats:
        """(n, C), q(y | f) = sum_e q(e | f) q(y | f, e)."""
        mixed: Floats = (self.posterior[:, None, :] @ self.within)[:, 0]
        return mixed

    @cached_property
    def own(self) -> Floats:
        """(n, C), q(y | f, e) at each sample's own environment."""
        return self.within[np.arange(len(self.labels)), self.environment]

    @property
    def missing_classes(self) -> dict[Any, tuple[Any, ...]]:
        """Environment -> the classes that none of its samples has."""
        present = np.zeros((len(self.environments), len(self.classes)), dtype=bool)
        present[self.environment, self.labels] = True
        return {
            name: tuple(c for c, there in zip(self.classes, row, strict=True) if not there)
            for name, row in zip(self.environments, present, strict=True)
        }

    def coarsened(self, mapping: Any) -> "CrossFit":
        """Predictions of a coarser task: the sums of these.

        Args:
            mapping: from labels to coarse labels, as `Partition.coarsen` takes it: a dict, a
                function or, for integer labels, an array with the coarse label of y at place y.

        Raises:
            InputError: a class without an entry.
        """
        coarse = Partition(list(self.classes)).coarsen(mapping)
        if coarse.n_classes == 1:
            within = np.ones((*self.posterior.shape, 1))  # exactly, which a sum need not be
        else:
            within = self.within @ np.eye(coarse.n_classes)[coarse.labels]
        names = tuple(coarse.names.tolist())
        return replace(self, labels=coarse.labels[self.labels], classes=names, within=within)

    def restricted(self, names: Sequence[Any]) -> "CrossFit":
        """To the samples and the probes of some environments; their posterior is renormalised.

        Raises:
            InputError: an environment that is not there.
        """
        unknown = [name for name in names if name not in self.environments]
        if unknown:
            raise InputError(
                f"environment {unknown[0]!r} is none of {list(self.environments)}: name those"
            )
        kept = sorted(self.environments.index(name) for name in names)
        rows = np.isin(self.environment, kept)
        weights = self.posterior[rows][:, kept]
        return replace(
            self,
            labels=self.labels[rows],
            environment=np.searchsorted(kept, self.environment[rows]),
            environments=tuple(self.environments[e] for e in kept),
            unit=self.unit[rows],
            within=self.within[rows][:, kept],
            posterior=weights / weights.sum(axis=1, keepdims=True),
        )


def cross_fit(
    representation: ArrayLike | Tensor,
    y: Any,
    environment: Any,
    *,
    probe: str = "logistic",
    folds: int = 5,
    unit: Any = None,
    seed: int = 0,
) -> CrossFit:
    """Fit probes of a task under each environment, and one of the environment, fold by fold.

    The representation is standardised once, over all samples and without labels (for `empirical`
    its values are numbered instead), so that all fits see one scale.

    Args:
        representation, y, environment, probe, folds, unit, seed: as for `invariance`.

    Raises:
        InputError: as `invariance`.

    Examples:
        >>> random = np.random.default_rng(0)
        >>> f, e = random.normal(size=(200, 2)), np.repeat(["dark", "light"], 100)
        >>> fitted = cross_fit(f, f[:, 0] > 0, e)
        >>> fitted.within.shape, fitted.environments
        ((200, 2, 2), ('dark', 'light'))
        >>> bool((fitted.pooled.argmax(1) == fitted.labels).mean() > 0.9)
        True
    """
    one_of("probe", probe, PROBES)
    samples = samples_of(representation, y, environment, unit=unit, folds=folds, seed=seed)
    x = PROBES[probe].prepare(samples.representation)
    fold, everywhere = samples.fold, np.ones(len(x), dtype=bool)
    n_classes, n_environments = len(samples.classes), len(samples.environments)

    def predicted(labels: Ints, n: int, fit_on: NDArray[np.bool_], *key: str | int) -> Floats:
        """(n_samples, n), each sample's by a fit to those samples `fit_on` of the other folds."""
        found = np.ones((len(x), n))
        for k in range(samples.folds if n > 1 else 0):
            held_out, fitted_on = fold == k, fit_on & (fold != k)
            fit_seed = derived_seed(seed, *key, k) % 2**32
            fitted = Probe(probe, classes=range(n), seed=fit_seed)
            fitted.fit(x[fitted_on], labels[fitted_on])
            found[held_out] = fitted.predict_proba(x[held_out])
        return found

    within = [
        predicted(samples.labels, n_classes, samples.environment == e, "task", e)
        for e in range(n_environments)
    ]
    return CrossFit(
        probe=probe,
        labels=samples.labels,
        classes=samples.classes,
        environment=samples.environment,
        environments=samples.environments,
        unit=samples.unit,
        within=np.stack(within, axis=1),
        posterior=predicted(samples.environment, n_environments, everywhere, "environment"),
    )
