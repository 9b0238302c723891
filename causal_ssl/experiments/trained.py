"""What every study that trains encoders on content/style worlds has: options, batched models."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from causal_ssl.experiments.config import StudyConfig
from causal_ssl.experiments.options import option

Cell = TypeVar("Cell")

TOGETHER = 4
"""Cells that a CPU process trains as one batched model: `benchmarks/replicas.py` measures two
processes of four replicas each at 1.3 times the speed of two that train them in turn."""


def batches(cells: Sequence[Cell], device: str) -> list[Sequence[Cell]]:
    """Cells that may train together, in groups of almost equal size that do.

    One group on a GPU; on a CPU several of at most `TOGETHER` cells, and at least two so that two
    cores have work. A cell's result must not depend on what is left to do, nor on the cores that
    there are, so neither do the groups.

    Examples:
        >>> batches(range(5), "cpu")
        [range(0, 5, 2), range(1, 5, 2)]
    """
    count = 1 if device == "cuda" else min(len(cells), max(2, math.ceil(len(cells) / TOGETHER)))
    return [cells[k::count] for k in range(count)]


@dataclass(frozen=True)
class TrainedStudy(StudyConfig):
    """Worlds, encoders and training: what `encoders` needs to know."""

    n_content: int = option(5, "content dimensions of a world", at_least=1)
    n_style: int = option(5, "style dimensions of a world", at_least=1)
    mixing_layers: int = option(3, "layers of the mixing network", at_least=1)
    mixing_candidates: int = option(
        24_975, "draws whose smallest condition number bounds the mixing's", at_least=1
    )

    batch_size: int = option(256, "samples a step, each seen in two views", at_least=2)
    hidden: tuple[int, ...] = option((128, 128, 128), "hidden widths of the encoder", at_least=1)
    learning_rate: float = option(1e-2, "peak learning rate of Adam", above=0)
    schedule: str = option(
        "warmup_cosine", "learning rate over time", choices=("warmup_cosine", "constant")
    )
    warmup: float = option(0.02, "share of the steps with rising rate", at_least=0, at_most=1)
    precision: str = option(
        "float32", "arithmetic of the encoder", choices=("float32", "tf32", "bf16")
    )
    cuda_graph: bool = option(False, "record the training step once as a CUDA graph, and replay it")
    device: str = option("auto", "where to train", choices=("auto", "cpu", "cuda"))
