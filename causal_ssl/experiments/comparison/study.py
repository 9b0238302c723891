"""How the methods study is run."""

from causal_ssl.experiments.comparison import jobs, plan
from causal_ssl.experiments.comparison.config import MethodsStudy
from causal_ssl.experiments.comparison.pages import page
from causal_ssl.experiments.comparison.plan import Cell
from causal_ssl.experiments.comparison.tables import write_tables
from causal_ssl.experiments.image_pictures import FILE
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
