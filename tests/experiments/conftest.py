"""What the tests of studies share."""

from collections.abc import Iterator

import pytest

from causal_ssl.experiments import environment


@pytest.fixture(scope="package", autouse=True)
def _one_revision() -> Iterator[None]:
    """Reports name the checkout's revision: two runs are compared as of one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment, "revision", lambda: {"git_revision": "0" * 40})
        yield
