"""The tables of a study of image encoders, gathered from its finished cells."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from causal_ssl.experiments.image_study.config import ImageCell

Results = Sequence[tuple[ImageCell, dict[str, Any]]]
"""Cells, and what their files hold."""


def history(results: Results, columns: Sequence[str]) -> pd.DataFrame:
    """The losses of trained encoders: a row a cell, step and term.

    Args:
        results: of the study's cells.
        columns: those of cells that the table has, before step, term and value.
    """
    histories = [
        pd.DataFrame(result["metrics"]).rename(columns={"metric": "term"}).assign(**asdict(cell))
        for cell, result in results
        if cell.is_trained
    ]
    return pd.concat(histories, ignore_index=True)[[*columns, "step", "term", "value"]]


def leading(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """A table with these columns first.

    Examples:
        >>> list(leading(pd.DataFrame(columns=["a", "b", "c"]), ["c", "b"]))
        ['c', 'b', 'a']
    """
    return table[[*columns, *(name for name in table if name not in columns)]]
