"""How the study of Theorem 1 is run."""

from causal_ssl.experiments.study import Study
from causal_ssl.experiments.theorem1 import jobs, plan
from causal_ssl.experiments.theorem1.config import Theorem1Study
from causal_ssl.experiments.theorem1.pages import page
from causal_ssl.experiments.theorem1.plan import Job
from causal_ssl.experiments.theorem1.tables import write_tables

STUDY = Study[Theorem1Study, Job](
    check=jobs.check,
    jobs=plan.jobs,
    work=plan.work,
    run=jobs.run,
    write_tables=write_tables,
    page=page,
    tables=("table.csv", "models.csv", "witnesses.csv"),
)
