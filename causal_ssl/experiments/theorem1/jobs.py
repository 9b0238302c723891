"""Do the jobs of the study of Theorem 1: each leaves one file with what its models showed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from causal_ssl.analysis import theorem1
from causal_ssl.experiments import cells
from causal_ssl.experiments.progress import JobProgress
from causal_ssl.experiments.theorem1.config import Theorem1Study
from causal_ssl.experiments.theorem1.plan import Job

CHUNK = 50
"""Models between two reports of progress."""


def run(root: Path, config: Theorem1Study, job: Job, report: Callable[[Any], None]) -> None:
    """Check the models of a job; nothing is done where its cell is finished."""
    if not cells.unfinished(root, job.cell_names):
        return
    found = []
    for start in range(0, len(job.seeds), CHUNK):
        report(JobProgress(job.name, f"{start} models checked", start, len(job.seeds)))
        found.append(theorem1.check_models(job.setting, job.seeds[start : start + CHUNK]))
    results = pd.concat(found, ignore_index=True)
    cells.finish(root, job.name, {"results": results.to_dict("list")})


def load(root: Path, jobs: Sequence[Job]) -> pd.DataFrame:
    """The results of finished jobs, as `theorem1.check_models` gave them, in that order."""
    found = cells.results(root, [job.name for job in jobs])
    return pd.concat([pd.DataFrame(cell["results"]) for cell in found], ignore_index=True)


def check(config: Theorem1Study) -> None:
    """Nothing that only the library could refuse: the config's own checks are enough."""
