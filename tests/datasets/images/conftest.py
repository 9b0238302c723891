"""Makes `pictures` importable, and the fake renderer of Causal3DIdent; a small tree of images."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "causal3dident")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three classes of four images, in train and val."""
    from pictures import image_tree

    return image_tree(tmp_path / "images")
