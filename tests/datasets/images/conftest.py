"""Makes `pictures` importable, and a small tree of images."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three classes of four images, in train and val."""
    from pictures import image_tree

    return image_tree(tmp_path / "images")
