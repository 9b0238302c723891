"""Models that show how the bound fails in each control, chosen to be read."""

from collections.abc import Iterator

import pandas as pd

from causal_ssl.analysis.theorem1_settings import draw, hidden_channel_bits
from causal_ssl.analysis.theorem1_witness import Witness, witness

MEASURE = "tv"
STRONG = 0.9
"""A witness exceeds the bound at least this share as much as the strongest violation found."""
CANDIDATES = 200
"""The first so many of these are written out, and the shortest is shown."""

COLUMNS = ["setting", "seed", "measure", "first", "second", "f", "proxy_gap", "task_gap", "text"]


def witness_table(results: pd.DataFrame) -> pd.DataFrame:
    """A witness for each setting in which some model violates the bound, and the one made of bits.

    Args:
        results: of `theorem1.check_models`.

    Returns:
        `COLUMNS`: the model (seed -1: the bits of `hidden_channel_bits`), the divergence, the names
        of two environments and the value of f at which they are compared, both gaps, and all of it
        with the model's tables as text.
    """
    return pd.DataFrame([_row(found) for found in _witnesses(results)], columns=COLUMNS)


def _witnesses(results: pd.DataFrame) -> Iterator[Witness]:
    for setting, own in results.groupby("setting", sort=False):
        if setting == "hidden_channel":
            bits = witness(hidden_channel_bits(), MEASURE)
            assert bits is not None  # whatever was drawn
            yield bits
        yield from readable_witness(str(setting), own)


def readable_witness(setting: str, results: pd.DataFrame) -> Iterator[Witness]:
    """The shortest to write down of a setting's strong violations; nothing if there is none."""
    rows = results[(results["measure"] == MEASURE) & (results["violations"] > 0)]
    strong = rows[rows["excess"] >= STRONG * rows["excess"].max()]
    found = (witness(draw(setting, int(seed)), MEASURE) for seed in strong["seed"][:CANDIDATES])
    shown = sorted((each for each in found if each), key=lambda each: len(str(each)))
    yield from shown[:1]


def _row(found: Witness) -> dict[str, object]:
    return {
        "setting": found.case.setting,
        "seed": found.case.seed,
        "measure": found.measure,
        "first": found.environments[0],
        "second": found.environments[1],
        "f": found.value,
        "proxy_gap": found.proxy_gap,
        "task_gap": found.task_gap,
        "text": str(found),
    }
