"""How the invariance study is run."""

from causal_ssl.experiments.invariance import jobs, plan
from causal_ssl.experiments.invariance.config import InvarianceStudy
from causal_ssl.experiments.invariance.pages import page
from causal_ssl.experiments.invariance.plan import Job
from causal_ssl.experiments.invariance.tables import write_tables
from causal_ssl.experiments.study import Study

STUDY = Study[InvarianceStudy, Job](
    check=jobs.check,
    jobs=plan.jobs,
    work=plan.work,
    run=jobs.run,
    write_tables=write_tables,
    page=page,
    tables=("table.csv", "f_lda.csv"),
)
