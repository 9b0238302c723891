"""Which directions of a world's latents an encoder keeps, beside what its spectrum predicts."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from causal_ssl.experiments.evaluation import Evaluation


def spectrum_rows(evaluation: "Evaluation") -> list[dict[str, Any]]:
    """Rows of the table: metric, variable, value."""
    return []
