"""Images side by side, with a title a row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from causal_ssl.analysis.plots import WIDTH, style
from causal_ssl.errors import InputError

LABELS = 2.0
"""Inches left of the images for the rows' titles."""


def gallery(
    rows: Mapping[str, NDArray[np.uint8]],
    *,
    columns: Sequence[str] = (),
    width: float = WIDTH,
    labels: float = LABELS,
) -> Figure:
    """A row of images under each other row, pixels as they are.

    Args:
        rows: title -> (k, h, w, 3) uint8; rows may differ in k.
        columns: titles over the images, for the first so many columns.
        width: of the figure, inches.
        labels: inches left of the images for the rows' titles.

    Raises:
        InputError: no rows, or an array that holds no images.
    """
    if not rows:
        raise InputError("no images to show: give at least one row")
    for title, images in rows.items():
        if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
            raise InputError(
                f"row {title!r} is {images.dtype} of shape {images.shape}: expected (k, h, w, 3) "
                "uint8"
            )
    most = max(map(len, rows.values()))
    side, head = (width - labels) / most, 0.25 if columns else 0.0
    height = side * len(rows) + head
    with style():
        figure = Figure(figsize=(width, height))
        for r, (title, images) in enumerate(rows.items()):
            top = height - head - side * r
            figure.text(
                (labels - 0.1) / width, (top - side / 2) / height, title, ha="right", va="center"
            )
            for k, image in enumerate(images):
                place = (labels + k * side, top - side, side * 0.97, side * 0.97)
                axes = figure.add_axes(_relative(place, width, height))
                axes.imshow(image, interpolation="lanczos")
                axes.set_axis_off()
        for k, title in enumerate(columns):
            x, y = labels + (k + 0.485) * side, height - head * 0.8
            figure.text(x / width, y / height, title, ha="center", va="bottom", fontsize=8)
    return figure


def _relative(place: tuple[float, ...], width: float, height: float) -> Any:
    left, bottom, across, up = place
    return left / width, bottom / height, across / width, up / height
