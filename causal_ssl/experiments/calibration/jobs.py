"""Do the jobs of the calibration: draw data sets, test them, keep p-values and intervals."""

from functools import cache
from pathlib import Path

import numpy as np

from causal_ssl.analysis.conditional_independence import (
    conditional_randomisation_test,
    local_permutation_test,
    stratified_permutation_test,
)
from causal_ssl.analysis.invariance import invariance
from causal_ssl.experiments import cells
from causal_ssl.experiments.calibration import worlds
from causal_ssl.experiments.calibration.config import CalibrationStudy
from causal_ssl.experiments.calibration.plan import LOCAL, RANDOMISED, Configuration, Job
from causal_ssl.experiments.calibration.worlds import FiniteLaw, FlippedContent
from causal_ssl.experiments.progress import JobProgress
from causal_ssl.experiments.workers import Report
from causal_ssl.randomness import derived_seed

REPORT_EVERY = 10
TRUTH_N = 400_000
"""Samples on which the gap of a probe class that does not hold the truth is computed."""


def check(config: CalibrationStudy) -> None:
    """Nothing but the config can be wrong, and it has checked itself."""


def run(root: Path, config: CalibrationStudy, job: Job, report: Report) -> None:
    """Do a job: afterwards its cell has its file."""
    if not cells.unfinished(root, job.cell_names):
        return
    each, found = job.configuration, []
    for k in range(job.count):
        if k % REPORT_EVERY == 0:
            report(JobProgress(job.name, "drawing and testing", k, job.count))
        found.append(_replication(config, each, job.first + k))
    content: dict[str, object] = {"values": found}
    if each.part == "coverage":
        content["truth"] = truth(each.law, each.method)
    cells.finish(root, job.name, content)


def _replication(config: CalibrationStudy, each: Configuration, k: int) -> float | list[float]:
    """A p-value; or of an interval low, high and the two estimates, plug-in and held-out."""
    seed = derived_seed("calibration", each.name, k)
    random = np.random.default_rng(seed)
    law, total = worlds.LAWS[each.law], each.n * (1 + each.ratio)
    if isinstance(law, FiniteLaw | FlippedContent):
        f, y, environment = law.draw(total, random)
    else:
        f, y, environment = law.draw(total, k % worlds.WORLDS, random)
    own, other = slice(each.n), slice(each.n, None)
    if each.part == "coverage":
        gap = invariance(f, y, environment, probe=each.method, seed=seed).finest.gap
        return [gap.low, gap.high, gap.plug_in, gap.held_out]
    if each.method == RANDOMISED:
        return conditional_randomisation_test(
            f[own],
            y[own],
            environment[own],
            auxiliary_f=f[other],
            auxiliary_environment=environment[other],
            n_resamples=config.n_resamples,
            minimum_ratio=each.ratio,
            seed=seed,
        ).p_value
    test = local_permutation_test if each.method == LOCAL else stratified_permutation_test
    return test(f, y, environment, n_permutations=config.n_resamples, seed=seed).p_value


@cache
def truth(name: str, probe: str) -> float:
    """What intervals of the gap are to cover: the gap of the probe class, in nats.

    Exact where the class holds the truth. Else estimated on a sample so large that its biases and
    its error, some 1e-3 nats, are small against the intervals.
    """
    law = worlds.LAWS[name]
    assert isinstance(law, FiniteLaw | FlippedContent)
    if isinstance(law, FiniteLaw) or law.information == 0:
        return law.information
    large = law.draw(TRUTH_N, np.random.default_rng(derived_seed("truth", name)))
    return invariance(*large, probe=probe, folds=2).finest.gap.held_out
