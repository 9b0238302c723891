"""How the methods study is run."""

from causal_ssl.experiments.image_study.pictures import FILE
from causal_ssl.experiments.methods import jobs, plan
from causal_ssl.experiments.methods.config import MethodsStudy
from causal_ssl.experiments.methods.pages import page
from causal_ssl.experiments.methods.plan import Cell
from causal_ssl.experiments.methods.tables import write_tables
from causal_ssl.experiments.study import Study

STUDY = Study[MethodsStudy, Cell](
    check=jobs.check,
    prepare=jobs.prepare,
    jobs=plan.jobs,
    work=plan.work,
    run=jobs.run,
    write_tables=write_tables,
    page=page,
    tables=("table.csv", "history.csv", "plans.csv", FILE),
)
