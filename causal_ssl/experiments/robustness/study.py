"""How the robustness study is run."""

from causal_ssl.experiments.image_study.pictures import FILE
from causal_ssl.experiments.robustness import jobs, plan
from causal_ssl.experiments.robustness.config import RobustnessStudy
from causal_ssl.experiments.robustness.pages import page
from causal_ssl.experiments.robustness.plan import Cell
from causal_ssl.experiments.robustness.tables import write_tables
from causal_ssl.experiments.study import Study

STUDY = Study[RobustnessStudy, Cell](
    check=jobs.check,
    prepare=jobs.prepare,
    jobs=plan.jobs,
    work=plan.work,
    run=jobs.run,
    write_tables=write_tables,
    page=page,
    tables=("table.csv", "history.csv", FILE),
)
