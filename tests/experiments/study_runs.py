"""Studies as tests run them: without a terminal, and compared file by file."""

import io
from pathlib import Path

from rich.console import Console

from causal_ssl.experiments import study
from causal_ssl.experiments.config import StudyConfig


def run(config: StudyConfig, out: Path, workers: int = 0) -> str:
    """Run a study, by default in this process; what it printed."""
    printed = io.StringIO()
    study.run(config, out, workers=workers, console=Console(file=printed, width=200))
    return printed.getvalue()


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a run by its path."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }
