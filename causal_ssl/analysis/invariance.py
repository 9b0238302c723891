"""Invariance on samples: how far p^do(S=s)(Y | f(X)) depends on s, relative to a class of probes.

    measured = invariance(f(x), y, environment, coarsenings={"binary": y_to_bit})
    measured.table()                          # gaps, accuracy, overlap: one tidy table
    pairwise_gaps(measured.fitted)            # which two interventions break it
    overlap(measured.fitted), transfer(measured.fitted)

The gap is I(Y; E | f(X)) in nats, E the environment: the intervention under which a sample was
drawn. Probes q(y | f, e) are fitted under each environment separately, q(e | f) once, all fold by
fold, and the pooled prediction is their mixture q(y | f) = sum_e q(e | f) q(y | f, e). (One probe
with an additive term for the environment would not see f = c xor s.) The fits are made for the
finest task; predictions of coarser tasks are sums of its own, so that the plug-in gap of a coarser
task is never the larger one (Theorem 1, pointwise in f).

A gap of 0 is necessary for invariance, not sufficient: f(x) = x has it if x determines y, and so
has f = (c, s) where no two environments share a value of f, vacuously, and f = s, which is useless.
So a gap is read together with the overlap and the accuracy beside it, and with the probe class.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from torch import Tensor

from causal_ssl.analysis._invariance_errors import normal_quantile
from causal_ssl.analysis._invariance_fit import Coarsenings, CrossFit, cross_fit
from causal_ssl.analysis._invariance_gap import Gap, gap_of
from causal_ssl.analysis.overlap import Overlap, overlap
from causal_ssl.errors import InputError

__all__ = [
    "FINEST",
    "Coarsenings",
    "CrossFit",
    "Gap",
    "Invariance",
    "TaskInvariance",
    "cross_fit",
    "invariance",
    "pairwise_gaps",
]

FINEST = "finest"
"""Name of the task that probes are fitted to."""
COLUMNS = ["metric", "variable", "environment", "against", "value", "low", "high"]


@dataclass(frozen=True, eq=False)
class TaskInvariance:
    """What was found for one task.

    Attributes:
        n_classes: classes of the task among the samples.
        gap: from the finest task's probes.
        fresh_gap: from probes fitted to this task itself, which may exceed the finest task's; None
            for the finest task and where it was not asked for.
        accuracy: of the pooled prediction q(y | f), in [0, 1].
        accuracy_within: environment -> accuracy of its own probe on its own samples.
        chance: share of the most frequent class.
        log_loss: of q(y | f) in nats.
        log_loss_within: of q(y | f, e) in nats; smaller by `gap.held_out`.
        missing_classes: environment -> classes that none of its samples has.
    """

    n_classes: int
    gap: Gap
    fresh_gap: Gap | None
    accuracy: float
    accuracy_within: Mapping[Any, float]
    chance: float
    log_loss: float
    log_loss_within: float
    missing_classes: Mapping[Any, tuple[Any, ...]]


@dataclass(frozen=True, eq=False)
class Invariance:
    """Gap, accuracy and overlap of a representation; see `invariance`.

    Attributes:
        probe: the probe class that all is relative to.
        tasks: name -> what was found, "finest" first.
        overlap: of f(X) between environments.
        fitted: the held-out predictions of the finest task, for `pairwise_gaps` and `transfer`.
    """

    probe: str
    tasks: Mapping[str, TaskInvariance]
    overlap: Overlap
    fitted: CrossFit

    @property
    def finest(self) -> TaskInvariance:
        """The task that the probes were fitted to."""
        return self.tasks[FINEST]

    def table(self) -> pd.DataFrame:
        """One row a number.

        Returns:
            Columns metric, variable (the task; "representation" for overlaps), environment and
            against ("all" where a number belongs to none or to no pair), value, low, high (NaN
            where there is no interval), probe. Metrics, in nats unless said otherwise:

            - gap (the plug-in one, its interval in low and high), gap_held_out, and for fresh
              probes gap_fresh and gap_fresh_held_out, which may cross the bound;
            - accuracy, accuracy_within (each environment), chance: shares;
            - log_loss, log_loss_within;
            - n_classes, missing_classes (each environment): counts;
            - overlap (each pair, and their mean), overlap_held_out (each pair), overlap_min: in
              [0, 1]; information_environment.
        """
        rows = [row for name, task in self.tasks.items() for row in _task_rows(name, task)]
        table = pd.DataFrame(rows, columns=COLUMNS)
        shared = self.overlap.table().assign(variable="representation")[COLUMNS]
        return pd.concat([table, shared], ignore_index=True).assign(probe=self.probe)


def invariance(
    representation: ArrayLike | Tensor,
    y: Any,
    environment: Any,
    *,
    probe: str = "logistic",
    folds: int = 5,
    coarsenings: Coarsenings | None = None,
    fresh: bool = False,
    unit: Any = None,
    level: float = 0.95,
    seed: int = 0,
) -> Invariance:
    """Estimate I(Y; E | f(X)) of a task and of its coarsenings, with overlap and accuracy.

    Two estimates bracket the gap. `plug_in` is I(Y; E | f) under the fitted model: it obeys the
    bound of Theorem 1, and the noise of the fits biases it up. `held_out` is how much the
    environment lowers the log loss of held-out samples: biased down. The interval runs from the one
    to the other and a normal quantile of standard errors beyond each, so that it covers more often
    than its level says where the biases are large.

    It aims at the gap of the probe class: I(Y; E | f) under the best probes of that class in the
    population, which is that of the data if the class holds the truth. Two estimates that stay
    apart as n grows say that it does not; that they meet does not say that it does. Where f and e
    determine y, smoothing (see `probes`) lowers `plug_in` by about log(m) / m and `held_out` by
    1 / m, and the interval does not make up for it.

    Args:
        representation: (n, d_f), in any units; the encoder must not have been trained on it.
        y: (n,), labels of the finest task, at most 64 classes.
        environment: (n,), the intervention under which each sample was drawn. The gap is that of
            environments as frequent as they are among the samples.
        probe: the probe class, one of `probes.PROBES`.
        folds: of the cross-fitting, at least 2.
        coarsenings: name -> map from the finest labels to coarser ones, as `Partition.coarsen`
            takes it: a dict, a function or, for integer labels, an array over them.
        fresh: fit probes to each coarser task as well (the cost of one more fit each).
        unit: (n,), what each sample is a view of; None: samples are independent. Views of one unit
            stay in one fold and count as one in standard errors.
        level: of the intervals, in (0, 1).
        seed: of the folds and of the probes that draw at random.

    Returns:
        `Invariance`. A single environment or a single class gives gap 0 exactly; a class that an
        environment lacks is legal, and counted.

    Raises:
        InputError: NaN, lengths that differ, more than 64 classes, fewer samples than folds in an
            environment, an unknown probe, a coarsening that lacks a class.

    Mitrovic et al. 2021 (arXiv:2010.07922), Definition 4 and Theorem 1.

    Examples:
        >>> random = np.random.default_rng(0)
        >>> c, s = random.integers(2, size=(2, 2000))
        >>> xor = invariance((c ^ s)[:, None], c, s, probe="empirical").finest
        >>> round(xor.gap.plug_in, 1), round(xor.gap.limit, 1)  # log 2: all there can be
        (0.7, 0.7)
        >>> oracle = invariance(c[:, None], c, s, probe="empirical").finest
        >>> round(oracle.gap.plug_in, 1), oracle.accuracy
        (0.0, 1.0)
    """
    normal_quantile(level)
    coarsenings = dict(coarsenings or {})
    if FINEST in coarsenings:
        raise InputError(f"a coarsening is named {FINEST!r}, as y itself is: name it otherwise")
    options: dict[str, Any] = {"probe": probe, "folds": folds, "unit": unit, "seed": seed}
    fitted = cross_fit(representation, y, environment, **options)
    tasks = {FINEST: _task(fitted, None, level)}
    for name, mapping in coarsenings.items():
        coarse = fitted.coarsened(mapping)
        again = None
        if fresh:
            again = gap_of(cross_fit(representation, coarse.labels, environment, **options), level)
        tasks[name] = _task(coarse, again, level)
    return Invariance(probe, tasks, overlap(fitted, level=level), fitted)


def pairwise_gaps(fitted: CrossFit, *, level: float = 0.95) -> pd.DataFrame:
    """The gap between each two environments: which interventions break invariance.

    No probe is fitted again: each pair has the samples and the probes of its two environments,
    with q(e | f) renormalised over the two.

    Args:
        fitted: from `cross_fit` (or `Invariance.fitted`), perhaps `coarsened`.
        level: of the intervals, in (0, 1).

    Returns:
        A row each unordered pair and metric (`gap`, the plug-in one with its interval, and
        `gap_held_out`, in nats), with columns metric, environment, against, value, low, high.

    Examples:
        >>> random = np.random.default_rng(0)
        >>> e, c = np.arange(3000) % 3, random.integers(2, size=3000)
        >>> flipped = c ^ (e == 2)  # the third environment turns the label's meaning round
        >>> table = pairwise_gaps(cross_fit(flipped[:, None], c, e, probe="empirical"))
        >>> table[table.metric == "gap"].value.round(1).tolist()  # of 0-1, 0-2 and 1-2
        [0.0, 0.7, 0.7]
    """
    rows = [
        (metric, *pair, *numbers)
        for pair in combinations(fitted.environments, 2)
        for metric, *numbers in _gap_rows("gap", gap_of(fitted.restricted(pair), level))
    ]
    return pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "variable"])


def _task(fitted: CrossFit, fresh: Gap | None, level: float) -> TaskInvariance:
    rows, labels = np.arange(len(fitted.labels)), fitted.labels
    hit = fitted.own.argmax(axis=1) == labels
    return TaskInvariance(
        n_classes=len(fitted.classes),
        gap=gap_of(fitted, level),
        fresh_gap=fresh,
        accuracy=float((fitted.pooled.argmax(axis=1) == labels).mean()),
        accuracy_within={
            name: float(hit[fitted.environment == e].mean())
            for e, name in enumerate(fitted.environments)
        },
        chance=float(np.bincount(labels).max() / len(labels)),
        log_loss=float(-np.log(fitted.pooled[rows, labels]).mean()),
        log_loss_within=float(-np.log(fitted.own[rows, labels]).mean()),
        missing_classes=fitted.missing_classes,
    )


def _gap_rows(metric: str, gap: Gap) -> list[tuple[str, float, float, float]]:
    return [
        (metric, gap.plug_in, gap.low, gap.high),
        (f"{metric}_held_out", gap.held_out, np.nan, np.nan),
    ]


def _task_rows(name: str, task: TaskInvariance) -> list[tuple[Any, ...]]:
    gaps = _gap_rows("gap", task.gap)
    if task.fresh_gap:
        gaps += _gap_rows("gap_fresh", task.fresh_gap)
    rows: list[tuple[Any, ...]] = [(m, name, "all", "all", *numbers) for m, *numbers in gaps]
    values = {
        "accuracy": task.accuracy,
        "chance": task.chance,
        "log_loss": task.log_loss,
        "log_loss_within": task.log_loss_within,
        "n_classes": float(task.n_classes),
    }
    each = {
        "accuracy_within": task.accuracy_within,
        "missing_classes": {e: float(len(gone)) for e, gone in task.missing_classes.items()},
    }
    rows += [(m, name, "all", "all", value, np.nan, np.nan) for m, value in values.items()]
    rows += [
        (m, name, e, "all", value, np.nan, np.nan)
        for m, values in each.items()
        for e, value in values.items()
    ]
    return rows
