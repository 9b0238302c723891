"""What the figures of invariance share: colours, markers, legends, and which rows are whose."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from causal_ssl.analysis.plots import Titles, colours

COLUMNS = ("setting", "method", "seed", "metric", "variable", "value", "low", "high")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
NOTE: Mapping[str, Any] = {"fontsize": 8, "color": "#555555"}


@dataclass(frozen=True)
class Look:
    """How a representation is drawn: learnt ones filled and solid, controls open and dashed."""

    title: str
    colour: str
    control: bool

    @property
    def marker(self) -> dict[str, Any]:
        """Of a marker: its face and edge."""
        return {"mfc": "white" if self.control else self.colour, "mec": self.colour}

    @property
    def line(self) -> dict[str, Any]:
        return {"color": self.colour, "ls": (0, (4, 2)) if self.control else "-"}


def looks(methods: Titles, controls: Titles | None) -> dict[str, Look]:
    """Name -> look, the learnt representations first; colours begin anew with the controls."""
    return {
        name: Look(title, colour, control)
        for group, control in ((methods, False), (controls or {}, True))
        for (name, title), colour in zip(group.items(), colours(list(group)).values(), strict=True)
    }


def of_all(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that belong to no single environment and to no pair."""
    own = pd.Series(True, index=table.index)
    for name in ("environment", "against"):
        if name in table.columns:
            own &= table[name].isna() | (table[name].astype(str) == "all")
    return table[own]


def of_pairs(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that belong to a pair of environments, whose names become strings."""
    pairs = table[["environment", "against"]].fillna("all").astype(str)
    both = (pairs != "all").all(axis=1)
    return table[both].assign(**{name: pairs.loc[both, name] for name in pairs})


def method_legend(figure: Figure, shown: Mapping[str, Look]) -> None:
    """Of the representations, above the panels: learnt ones in one row, controls in the next."""
    rows = [[look for look in shown.values() if look.control == made] for made in (False, True)]
    # Legends are filled column by column.
    entries = [look for column in zip_longest(*filter(None, rows)) for look in column]
    handles = [
        Line2D([], [], marker="o", ms=5, label=look.title, **look.marker, **look.line)
        if look
        else Line2D([], [], ls="", label=" ")
        for look in entries
    ]
    n_columns = max(len(row) for row in rows)
    figure.legend(handles=handles, loc="outside upper center", ncols=n_columns, handlelength=2.8)
