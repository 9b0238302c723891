"""Drawing and learning in one process, in either order of loading."""

import subprocess
import sys

import pytest

from causal_ssl.datasets.causal3dident.rendering.raster import available

pytestmark = pytest.mark.skipif(
    available() is not None, reason=f"the raster backend: {available()}"
)


def test_a_context_may_be_opened_before_torch_is_imported():
    """Two copies of LLVM in one process: Mesa's before Triton's was a segmentation fault."""
    program = (
        "from causal_ssl.datasets.causal3dident.rendering.raster import available\n"
        "assert available() is None\n"
        "import torchvision\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
