"""How the calibration is run."""

from causal_ssl.experiments.calibration import jobs, plan
from causal_ssl.experiments.calibration.config import CalibrationStudy
from causal_ssl.experiments.calibration.pages import page
from causal_ssl.experiments.calibration.plan import Job
from causal_ssl.experiments.calibration.tables import write_tables
from causal_ssl.experiments.study import Study

STUDY = Study[CalibrationStudy, Job](
    check=jobs.check,
    jobs=plan.jobs,
    work=plan.work,
    run=jobs.run,
    write_tables=write_tables,
    page=page,
    tables=("table.csv", "p_values.csv"),
)
