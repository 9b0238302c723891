"""What `causal-ssl evaluate knn` may be told."""

from dataclasses import dataclass
from typing import ClassVar

from causal_ssl.experiments.evaluation.config import OnFeatures, OnSplits
from causal_ssl.experiments.options import option


@dataclass(frozen=True)
class Knn(OnSplits, OnFeatures):
    """Weighted nearest neighbours among the training images.

    Raises:
        InputError: a value out of range or an unknown name, before anything starts.

    Examples:
        >>> Knn(data_root="imagenet").k, Knn().temperature
        ((200,), (0.1,))
    """

    name: ClassVar[str] = "knn"

    k: tuple[int, ...] = option(
        (200,), "numbers of neighbours that vote, each a result", at_least=1, distinct=True
    )
    temperature: tuple[float, ...] = option(
        (0.1,), "T, each a result: a vote weighs exp(similarity / T)", above=0, distinct=True
    )
