"""The report's section on which directions of the latents are kept."""

from collections.abc import Mapping

import pandas as pd

from causal_ssl.analysis.report import Block


def spectrum_blocks(
    table: pd.DataFrame, *, settings: Mapping[str, str], methods: Mapping[str, str]
) -> list[Block]:
    """Blocks from the rows that `world_spectrum.spectrum_rows` left in a study's table."""
    return []
