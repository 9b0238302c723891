"""Every model that the command names has a graph, and it is a PNG."""

import pytest

from causal_ssl.datasets.causal3dident.presets import PRESETS
from causal_ssl.errors import InputError
from causal_ssl.experiments import graphs


def test_every_named_model_is_drawn(tmp_path):
    assert set(graphs.GRAPHS) == {*PRESETS, "content_style"}
    drawn = [graphs.draw(name, tmp_path / f"{name}.png").read_bytes() for name in graphs.GRAPHS]
    assert all(png.startswith(b"\x89PNG") for png in drawn)
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize(
    ("name", "out", "message"),
    [("causal3dident", "g.pdf", "ending in .png"), ("causal3d", "g.png", "did you mean")],
)
def test_what_cannot_be_drawn_is_refused(tmp_path, name, out, message):
    with pytest.raises(InputError, match=message):
        graphs.draw(name, tmp_path / out)
