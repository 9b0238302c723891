"""Causal graphs of the models that data comes from, as figures.

causal-ssl graph causal3dident --out graph.png
"""

from collections.abc import Mapping
from pathlib import Path

from causal_ssl import files
from causal_ssl.errors import InputError, one_of

GRAPHS: Mapping[str, str] = {
    "causal3dident": "a rendered scene: class, position, rotation, spotlight and hues",
    "3dident": "the same scene with independent variables and a single class",
    "content_style": "content and style of the numerical studies, and their two views",
}
"""Name of a model -> what it is, in a clause."""


def draw(name: str, out: Path | str) -> Path:
    """Draw a model's causal graph, content and style told apart.

    Args:
        name: one of `GRAPHS`.
        out: the PNG to write.

    Returns:
        The file.

    Raises:
        InputError: an unknown name, or a file that is no PNG.
    """
    out = Path(out)
    one_of("model", name, GRAPHS)
    if out.suffix != ".png":
        raise InputError(f"out is {out}: graphs are drawn as PNG, name a file ending in .png")
    from causal_ssl.analysis import plots
    from causal_ssl.analysis.graph_plot import draw_graph
    from causal_ssl.datasets.causal3dident.presets import PRESETS
    from causal_ssl.experiments.causal3dident.graph import scene_graph
    from causal_ssl.experiments.content_style.graph import process_graph

    scene = PRESETS.get(name)
    graph = scene_graph(scene()) if scene else process_graph(causal=True)
    files.write(out, plots.png(draw_graph(graph)))
    return out
