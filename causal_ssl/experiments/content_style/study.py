"""How a content/style study is run."""

from causal_ssl.experiments.content_style import jobs, plan
from causal_ssl.experiments.content_style.config import NumericalStudy
from causal_ssl.experiments.content_style.pages import page
from causal_ssl.experiments.content_style.plan import Job
from causal_ssl.experiments.content_style.tables import write_tables
from causal_ssl.experiments.study import Study

STUDY = Study[NumericalStudy, Job](
    check=jobs.check,
    jobs=plan.jobs,
    work=plan.work,
    run=jobs.run,
    write_tables=write_tables,
    page=page,
    tables=("table.csv", "history.csv", "predictions.csv"),
)
