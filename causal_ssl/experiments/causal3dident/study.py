"""How the Causal3DIdent study is run."""

from causal_ssl.experiments.causal3dident import jobs, plan
from causal_ssl.experiments.causal3dident.config import Causal3DIdentStudy
from causal_ssl.experiments.causal3dident.pages import page
from causal_ssl.experiments.causal3dident.plan import Cell
from causal_ssl.experiments.causal3dident.tables import write_tables
from causal_ssl.experiments.image_study.pictures import FILE
from causal_ssl.experiments.study import Study

STUDY = Study[Causal3DIdentStudy, Cell](
    check=jobs.check,
    prepare=jobs.prepare,
    jobs=plan.jobs,
    work=plan.work,
    run=jobs.run,
    write_tables=write_tables,
    page=page,
    tables=("table.csv", "history.csv", FILE),
)
