"""The latents of Causal3DIdent: their names, order, units and published ranges."""

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from causal_ssl.errors import InputError

CLASSES = ("teapot", "hare", "dragon", "cow", "armadillo", "horse", "head")
"""Object classes by index, as in the published files."""

LATENTS = (
    "position_x",
    "position_y",
    "position_z",
    "rotation_phi",
    "rotation_theta",
    "rotation_psi",
    "spotlight_position",
    "object_hue",
    "spotlight_hue",
    "background_hue",
)
"""Columns of the published raw latents, each in [-1, 1]."""

GROUPS = MappingProxyType(
    {
        "object_position": (0, 1, 2),
        "object_rotation": (3, 4, 5),
        "spotlight_position": (6,),
        "object_hue": (7,),
        "spotlight_hue": (8,),
        "background_hue": (9,),
    }
)
"""Scene variable -> its columns. The variables of the causal graph are these and the class."""

Classes = NDArray[np.int64]
"""(n,), indices into `CLASSES`."""

RawLatents = NDArray[np.float64]
"""(n, 10), in the order of `LATENTS`, each in [-1, 1]."""


def checked(raw: object, what: str = "raw latents") -> RawLatents:
    """Raw latents as float64, if they are (n, 10) numbers in [-1, 1].

    Args:
        raw: array-like.
        what: names them in errors.

    Raises:
        InputError: another shape, NaN, or a value outside [-1, 1]; names row, column and value.

    Examples:
        >>> checked([[0.0] * 9 + [2.0]])
        Traceback (most recent call last):
        ...
        causal_ssl.errors.InputError: raw latents: background_hue of row 0 is 2.0, expected a number
            in [-1, 1]
    """
    values = np.asarray(raw, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(LATENTS):
        raise InputError(f"{what} of shape {values.shape}: expected (n, {len(LATENTS)})")
    bad = np.argwhere(~(np.abs(values) <= 1))
    if len(bad):
        row, column = bad[0]
        raise InputError(
            f"{what}: {LATENTS[column]} of row {row} is {values[row, column]}, expected a number "
            "in [-1, 1]"
        )
    return values
