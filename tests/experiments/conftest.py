"""What the tests of studies share; makes `study_runs` importable."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from causal_ssl.experiments import environment

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="package", autouse=True)
def _one_revision() -> Iterator[None]:
    """Reports name the checkout's revision: two runs are compared as of one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment, "revision", lambda: {"git_revision": "0" * 40})
        yield
